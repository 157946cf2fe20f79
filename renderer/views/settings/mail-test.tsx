/** Sends a test alarm over every way that is set up, and says how it went. */
import { Alert, Button, Group, Paper, Stack, Text } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import type { AlarmTest } from '../../api/types.ts';
import { Failure } from '../../components/basics.tsx';

/** The card. */
export function MailTest() {
  const { t } = useTranslation();
  const [result, setResult] = useState<AlarmTest>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const test = async () => {
    setBusy(true);
    setError(undefined);
    try {
      setResult(await api<AlarmTest>('/alarms/test', { method: 'POST' }));
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
  };
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Group justify="space-between">
          <Text size="sm">{t('settings.testText')}</Text>
          <Button variant="default" leftSection={<IconSend size={16} />} loading={busy} onClick={() => void test()}>
            {t('settings.test')}
          </Button>
        </Group>
        {error !== undefined && <Failure error={error} />}
        {result?.results.length === 0 && <Alert color="orange">{t('settings.testNothing')}</Alert>}
        {result?.results.map(({ channel, delivered, message }) => (
          <Alert key={channel} color={delivered ? 'teal' : 'red'} title={t(`settings.channel.${channel}`)}>
            {delivered ? t('settings.delivered') : message}
          </Alert>
        ))}
      </Stack>
    </Paper>
  );
}
