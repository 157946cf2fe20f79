/** How the node is: alarms first, then space, what came in day by day, the check of all bytes, and the log. */
import { Alert, Button, SimpleGrid, Skeleton, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconFileZip } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { apiUrl } from '../../api/http.ts';
import { useHealth, useMembers } from '../../api/queries.ts';
import type { Member } from '../../api/types.ts';
import { Failure, ScreenHead } from '../../components/basics.tsx';
import { formatBytes, formatDuration, formatNumber } from '../../components/format.ts';
import { Unreached } from '../devices/unreached.tsx';
import { Alarms } from './alarms.tsx';
import { Lost, Repair, Scrub } from './care.tsx';
import { Conflicts } from './conflicts.tsx';
import { Days } from './days.tsx';
import { Log } from './log.tsx';
import { Verification } from './verification.tsx';

/** The screen. */
export default function HealthScreen() {
  const { t } = useTranslation();
  return (
    <div className="page">
      <ScreenHead title={t('places.health')} text={t('health.text')}>
        <Button
          component="a"
          variant="default"
          href={apiUrl('/support-bundle')}
          download
          leftSection={<IconFileZip size={17} />}
        >
          {t('health.bundle')}
        </Button>
      </ScreenHead>
      <Stack gap="xl">
        <Numbers />
        <Alarms />
        <Conflicts />
        <Lost />
        <Days />
        <Scrub />
        <Repair />
        <Verification />
        <Log />
      </Stack>
    </div>
  );
}

function Numbers() {
  const { t } = useTranslation();
  const health = useHealth();
  const list = useMembers().data;
  const members = list?.members ?? [];
  if (health.isError) return <Failure error={health.error} retry={() => void health.refetch()} />;
  if (!health.data) return <Skeleton height={110} />;
  const { ready, reasons, files, bytes, disk, uptimeSeconds, version, memory } = health.data;
  const online = members.filter((member) => member.online).length;
  /** How far the devices are from holding the same. */
  const lag = (all: readonly Member[]) => {
    const behind = all.filter(({ online, figures }) => online && figures && figures.missing.files + figures.behind > 0);
    if (behind.length === 0) return t('health.devicesText');
    const missing = Math.max(...behind.map(({ figures }) => figures?.missing.files ?? 0));
    return t('health.lag', { count: behind.length, files: formatNumber(missing) });
  };
  return (
    <Stack gap="sm">
      {ready ? (
        <Alert color="teal" icon={<IconCircleCheck />}>
          {t('health.ready')}
        </Alert>
      ) : (
        <Alert color="red" icon={<IconAlertTriangle />} title={t('health.notReady')}>
          {reasons.join(' ')}
        </Alert>
      )}
      {list && <Unreached list={list} />}
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        <Figure label={t('health.files')} value={formatNumber(files)} detail={formatBytes(bytes)} />
        <Figure
          label={t('health.disk')}
          value={formatBytes(disk.free)}
          detail={t('health.diskText', { total: formatBytes(disk.total), floor: formatBytes(disk.floor) })}
        />
        <Figure label={t('health.devices')} value={`${online} / ${members.length}`} detail={lag(members)} />
        <Figure
          label={t('health.running')}
          value={formatDuration(uptimeSeconds, uptimeSeconds < 86_400 ? 1 : 2)}
          detail={t('health.runningText', { version, memory: formatBytes(memory.rss) })}
        />
      </SimpleGrid>
    </Stack>
  );
}

function Figure({ label, value, detail }: { readonly label: string; readonly value: string; readonly detail: string }) {
  return (
    <div className="card">
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text fw={650} fz={26} lh={1.3}>
        {value}
      </Text>
      <Text size="xs" c="dimmed">
        {detail}
      </Text>
    </div>
  );
}
