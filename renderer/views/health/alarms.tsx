import { Alert, Button, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import { useAlarms } from '../../api/queries.ts';
import type { Alarm } from '../../api/types.ts';
import { Failure } from '../../components/basics.tsx';
import { formatAgo, formatTime } from '../../components/format.ts';
import { tellError } from '../../components/notify.tsx';
import { Part } from './part.tsx';

/** Alarms, open ones first; somebody can take note of them. */
export function Alarms() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const alarms = useAlarms();
  const [shown, setShown] = useState('open');
  const all = alarms.data?.alarms ?? [];
  const list = all.filter(({ closedMs }) => shown === 'all' || closedMs === undefined);
  const acknowledge = (id: string) => {
    api('/alarms/acknowledge', { method: 'POST', json: { id } })
      .then(() => client.invalidateQueries({ queryKey: ['alarms'] }))
      .catch(tellError);
  };
  return (
    <Part
      title={t('health.alarms')}
      aside={
        <SegmentedControl
          size="xs"
          aria-label={t('health.alarms')}
          value={shown}
          onChange={setShown}
          data={[
            { value: 'open', label: t('health.openAlarms') },
            { value: 'all', label: t('share.all') },
          ]}
        />
      }
    >
      {alarms.isError && <Failure error={alarms.error} retry={() => void alarms.refetch()} />}
      {alarms.data && alarms.data.waiting > 0 && (
        <Text size="sm" c="dimmed" mb="xs">
          {t('health.undelivered', { count: alarms.data.waiting })}
        </Text>
      )}
      {alarms.data && list.length === 0 && (
        <Text size="sm" c="dimmed">
          {t('health.noAlarms')}
        </Text>
      )}
      <Stack gap="xs">
        {list.map((alarm) => (
          <AlarmRow key={alarm.id} alarm={alarm} onAcknowledge={() => acknowledge(alarm.id)} />
        ))}
      </Stack>
    </Part>
  );
}

function AlarmRow({ alarm, onAcknowledge }: { readonly alarm: Alarm; readonly onAcknowledge: () => void }) {
  const { t } = useTranslation();
  const isOpen = alarm.closedMs === undefined;
  return (
    <Alert color={isOpen ? 'red' : 'gray'} title={alarm.title} icon={<IconAlertTriangle />}>
      <Group justify="space-between" align="flex-end">
        <div style={{ flex: '1 1 300px' }}>
          <Text size="sm">{alarm.text}</Text>
          <Text size="xs" mt={4}>
            {t('health.since', { time: formatTime(alarm.openedMs) })}
            {alarm.closedMs !== undefined && ` · ${t('health.until', { time: formatTime(alarm.closedMs) })}`}
            {alarm.acknowledgedMs !== undefined &&
              ` · ${t('health.noted', { who: alarm.acknowledgedBy ?? '', ago: formatAgo(alarm.acknowledgedMs) })}`}
          </Text>
        </div>
        {isOpen && alarm.acknowledgedMs === undefined && (
          <Button size="xs" variant="default" onClick={onAcknowledge}>
            {t('health.acknowledge')}
          </Button>
        )}
      </Group>
    </Alert>
  );
}
