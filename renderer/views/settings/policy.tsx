/** What all devices of the cluster go by: a device may be stricter by its own settings, never laxer. */
import { Button, Group, NumberInput, Paper, Select, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import { usePolicy } from '../../api/queries.ts';
import type { Policy } from '../../api/types.ts';
import { Failure } from '../../components/basics.tsx';
import { tell } from '../../components/notify.tsx';

const doors = ['open', 'token', 'session', 'off'] as const;

/** The card. */
export function ClusterPolicy() {
  const { t } = useTranslation();
  const policy = usePolicy();
  if (policy.isError) return <Failure error={policy.error} retry={() => void policy.refetch()} />;
  if (!policy.data) return null;
  return (
    <Paper withBorder p="md" component="section" aria-label={t('policy.title')}>
      <Text fw={600}>{t('policy.title')}</Text>
      <Text size="sm" c="dimmed" mb="sm">
        {t('policy.text')}
      </Text>
      <Form key={JSON.stringify(policy.data)} policy={policy.data} />
    </Paper>
  );
}

function Form({ policy }: { readonly policy: Policy }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [upload, setUpload] = useState(policy.upload);
  const [download, setDownload] = useState(policy.download);
  const [replicas, setReplicas] = useState<number | string>(policy.minReplicas);
  const [error, setError] = useState<unknown>();
  const { effective, scenes } = policy;
  const data = doors.map((value) => ({ value, label: t(`policy.doors.${value}`) }));
  const save = async () => {
    try {
      const json = { upload, download, minReplicas: Number(replicas), scenes };
      client.setQueryData(['policy'], await api<Policy>('/policy', { method: 'PUT', json }));
      tell(t('settings.saved'));
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        <Select
          label={t('policy.upload')}
          description={t('policy.here', { value: t(`policy.doors.${effective.upload}`) })}
          data={data}
          value={upload}
          allowDeselect={false}
          onChange={(value) => setUpload(value as Policy['upload'])}
        />
        <Select
          label={t('policy.download')}
          description={t('policy.here', { value: t(`policy.doors.${effective.download}`) })}
          data={data}
          value={download}
          allowDeselect={false}
          onChange={(value) => setDownload(value as Policy['download'])}
        />
        <NumberInput
          label={t('policy.replicas')}
          description={t('policy.here', { value: effective.minReplicas })}
          min={1}
          max={64}
          value={replicas}
          onChange={setReplicas}
        />
      </SimpleGrid>
      {error !== undefined && <Failure error={error} />}
      <Group>
        <Button variant="default" onClick={() => void save()}>
          {t('policy.save')}
        </Button>
      </Group>
    </Stack>
  );
}
