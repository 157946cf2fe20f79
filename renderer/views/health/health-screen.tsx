/** How the node is: alarms first, then space, what came in day by day, the check of all bytes, and the log. */
import '@mantine/charts/styles.css';
import { BarChart } from '@mantine/charts';
import {
  Alert,
  Badge,
  Button,
  Group,
  Paper,
  Progress,
  SegmentedControl,
  Select,
  SimpleGrid,
  Skeleton,
  Stack,
  Text,
} from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconFileZip } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, apiUrl } from '../../api/http.ts';
import { useAlarms, useHealth, useMembers, useStatistics } from '../../api/queries.ts';
import type { Alarm, Statistics, VerifyReport } from '../../api/types.ts';
import { Failure, Name, ScreenHead } from '../../components/basics.tsx';
import {
  formatAgo,
  formatBytes,
  formatDay,
  formatDuration,
  formatNumber,
  formatTime,
} from '../../components/format.ts';
import { tellError } from '../../components/notify.tsx';
import { Lost, Repair, Scrub } from './care.tsx';
import { Conflicts } from './conflicts.tsx';
import { Part } from './part.tsx';

/** Days that the chart shows. */
const shownDays = 30;

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
  const members = useMembers().data?.members ?? [];
  if (health.isError) return <Failure error={health.error} retry={() => void health.refetch()} />;
  if (!health.data) return <Skeleton height={110} />;
  const { ready, reasons, files, bytes, disk, uptimeSeconds, version, memory } = health.data;
  const online = members.filter((member) => member.online).length;
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
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        <Figure label={t('health.files')} value={formatNumber(files)} detail={formatBytes(bytes)} />
        <Figure
          label={t('health.disk')}
          value={formatBytes(disk.free)}
          detail={t('health.diskText', { total: formatBytes(disk.total), floor: formatBytes(disk.floor) })}
        />
        <Figure label={t('health.devices')} value={`${online} / ${members.length}`} detail={t('health.devicesText')} />
        <Figure
          label={t('health.running')}
          value={formatDuration(uptimeSeconds)}
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

function Alarms() {
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

function Days() {
  const { t } = useTranslation();
  const statistics = useStatistics();
  const [what, setWhat] = useState<'files' | 'bytes'>('files');
  const rows = daysOf(statistics.data?.days ?? []);
  return (
    <Part
      title={t('health.days')}
      aside={
        <SegmentedControl
          size="xs"
          aria-label={t('health.days')}
          value={what}
          onChange={(value) => setWhat(value as typeof what)}
          data={[
            { value: 'files', label: t('health.files') },
            { value: 'bytes', label: t('files.size') },
          ]}
        />
      }
    >
      {statistics.isError && <Failure error={statistics.error} retry={() => void statistics.refetch()} />}
      {statistics.data ? (
        <Paper withBorder p="md">
          <div role="img" aria-label={t('health.daysText', { count: shownDays })}>
            <BarChart
              h={220}
              data={rows}
              dataKey="day"
              series={[{ name: what, label: t(what === 'files' ? 'health.files' : 'files.size'), color: 'sea.7' }]}
              tickLine="none"
              gridAxis="x"
              barProps={{ radius: 4, isAnimationActive: false }}
              valueFormatter={what === 'bytes' ? formatBytes : (value) => formatNumber(value)}
            />
          </div>
        </Paper>
      ) : (
        <Skeleton height={254} />
      )}
    </Part>
  );
}

/** Every day up to today, those on which nothing came too. */
function daysOf(days: Statistics['days']): { day: string; files: number; bytes: number }[] {
  const known = new Map(days.map((row) => [row.day, row]));
  return Array.from({ length: shownDays }, (_, index) => {
    const date = new Date();
    date.setDate(date.getDate() - (shownDays - 1 - index));
    const key = `${date.getFullYear()}${String(date.getMonth() + 1).padStart(2, '0')}${String(date.getDate()).padStart(2, '0')}`;
    const row = known.get(key);
    return { day: formatDay(key), files: row?.files ?? 0, bytes: row?.bytes ?? 0 };
  });
}

function Verification() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const state = useQuery({
    queryKey: ['verification'],
    queryFn: () => api<{ verification?: VerifyReport }>('/verification'),
    // No event tells how far it is.
    refetchInterval: (query) => (query.state.data?.verification?.state === 'running' ? 1000 : false),
    staleTime: 0,
  });
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

const levels = ['error', 'warn', 'info', 'debug'] as const;
const levelNames: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };

function Log() {
  const { t } = useTranslation();
  const [level, setLevel] = useState<string>('info');
  const log = useQuery({
    queryKey: ['logs', level],
    queryFn: () => api<{ lines: Record<string, unknown>[] }>('/logs', { query: { level, limit: 200 } }),
    staleTime: 0,
  });
  return (
    <Part
      title={t('health.log')}
      aside={
        <Group gap="xs">
          <Select
            size="xs"
            w={120}
            aria-label={t('health.level')}
            data={levels.map((value) => ({ value, label: t(`health.levels.${value}`) }))}
            value={level}
            allowDeselect={false}
            onChange={(value) => setLevel(value ?? 'info')}
          />
          <Button size="xs" variant="default" onClick={() => void log.refetch()}>
            {t('health.reread')}
          </Button>
        </Group>
      }
    >
      {log.isError && <Failure error={log.error} retry={() => void log.refetch()} />}
      {log.data ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys.
        <pre className="log" tabIndex={0}>
          {log.data.lines.length === 0 ? t('health.noLines') : log.data.lines.map(lineOf).join('\n')}
        </pre>
      ) : (
        <Skeleton height={200} />
      )}
    </Part>
  );
}

function lineOf({ time, level, msg, ...rest }: Record<string, unknown>): string {
  const { pid: _, hostname: __, ...more } = rest;
  const details = Object.keys(more).length > 0 ? ` ${JSON.stringify(more)}` : '';
  const when = new Date(Number(time)).toLocaleTimeString();
  return `${when} ${levelNames[Number(level)] ?? ''} ${String(msg ?? '')}${details}`;
}
