import { Badge, Button, Group, Paper, Progress, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import { useVerification } from '../../api/queries.ts';
import { Name } from '../../components/basics.tsx';
import { formatNumber } from '../../components/format.ts';
import { tellError } from '../../components/notify.tsx';
import { Part } from './part.tsx';

/** The check of every byte, when somebody asks for it. */
export function Verification() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const state = useVerification();
  const report = state.data?.verification;
  const start = () => {
    api('/verification', { method: 'POST' })
      .then(() => client.invalidateQueries({ queryKey: ['verification'] }))
      .catch(tellError);
  };
  const isRunning = report?.state === 'running';
  return (
    <Part
      title={t('health.verification')}
      aside={
        <Button size="xs" variant="default" loading={isRunning} onClick={start}>
          {t('health.verify')}
        </Button>
      }
    >
      <Paper withBorder p="md">
        {report ? (
          <Stack gap="xs">
            <Group gap="xs">
              <Badge color={isRunning ? 'sea.8' : report.bad.length > 0 ? 'red.9' : 'teal.9'} variant="filled">
                {t(`health.verifyStates.${report.state}`)}
              </Badge>
              <Text size="sm">
                {t('health.verified', {
                  sound: formatNumber(report.sound),
                  damaged: formatNumber(report.damaged),
                  missing: formatNumber(report.missing),
                  elsewhere: formatNumber(report.elsewhere),
                })}
              </Text>
            </Group>
            {isRunning && report.total.bytes > 0 && (
              <Progress value={(report.done.bytes / report.total.bytes) * 100} aria-label={t('health.verification')} />
            )}
            {report.bad.slice(0, 50).map(({ path, state: how }) => (
              <Text key={path} size="sm" c="var(--mantine-color-error)">
                {t(`health.bad.${how}`)} <Name>{path}</Name>
              </Text>
            ))}
          </Stack>
        ) : (
          <Text size="sm" c="dimmed">
            {t('health.verifyText')}
          </Text>
        )}
      </Paper>
    </Part>
  );
}
