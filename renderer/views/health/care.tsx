/** How the node looks after what it holds: scrub, comparison with the other devices, files that are lost. */
import { Alert, Badge, Button, Group, Paper, Progress, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import { useLost, useMembers, useRepair, useScrub } from '../../api/queries.ts';
import type { Repair as RepairState, Scrub as ScrubState } from '../../api/types.ts';
import { Failure, Name } from '../../components/basics.tsx';
import { formatAgo, formatBytes, formatNumber, formatTime } from '../../components/format.ts';
import { tell, tellError } from '../../components/notify.tsx';
import { Part } from './part.tsx';

/** The slow reading of everything. */
export function Scrub() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const scrub = useScrub();
  const state = scrub.data;
  const act = (work: Promise<ScrubState>) => {
    work.then((answer) => client.setQueryData(['scrub'], answer)).catch(tellError);
  };
  const isRunning = state?.state === 'running';
  return (
    <Part
      title={t('care.scrub')}
      aside={
        state && (
          <Button
            size="xs"
            variant="default"
            disabled={state.state === 'off'}
            onClick={() =>
              act(
                isRunning
                  ? api<ScrubState>('/scrub', { method: 'PUT', json: { paused: true } })
                  : api<ScrubState>('/scrub', { method: 'POST' }),
              )
            }
          >
            {t(isRunning ? 'transfers.pause' : 'care.begin')}
          </Button>
        )
      }
    >
      {scrub.isError && <Failure error={scrub.error} retry={() => void scrub.refetch()} />}
      {state && (
        <Paper withBorder p="md">
          <Stack gap="xs">
            <Group gap="xs">
              <Badge color={isRunning ? 'sea.8' : 'gray.7'} variant="filled">
                {t(`care.scrubStates.${state.state}`)}
              </Badge>
              <Text size="sm">
                {t('care.scrubFound', {
                  damaged: formatNumber(state.damaged),
                  repaired: formatNumber(state.repaired),
                })}
              </Text>
            </Group>
            {state.run && state.total.bytes > 0 && (
              <Progress
                value={Math.min(100, (state.run.bytes / state.total.bytes) * 100)}
                aria-label={t('care.scrub')}
              />
            )}
            <Text size="sm" c="dimmed">
              {state.last
                ? t('care.scrubLast', { time: formatTime(state.last.finishedMs), size: formatBytes(state.last.bytes) })
                : t('care.scrubText')}
              {state.nextMs !== undefined && ` ${t('care.next', { time: formatTime(state.nextMs) })}`}
            </Text>
          </Stack>
        </Paper>
      )}
    </Part>
  );
}

/** The comparison with the other devices. */
export function Repair() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const repair = useRepair();
  const members = useMembers().data?.members ?? [];
  const nameOf = (id: string) => members.find((member) => member.id === id)?.name ?? id.slice(0, 8);
  const start = () => {
    api<RepairState>('/repair', { method: 'POST' })
      .then((answer) => client.setQueryData(['repair'], answer))
      .catch(tellError);
  };
  return (
    <Part
      title={t('care.repair')}
      aside={
        <Button size="xs" variant="default" loading={repair.data?.running === true} onClick={start}>
          {t('care.repairNow')}
        </Button>
      }
    >
      {repair.isError && <Failure error={repair.error} retry={() => void repair.refetch()} />}
      {repair.data && (
        <Paper withBorder p="md">
          {repair.data.members.length === 0 && (
            <Text size="sm" c="dimmed">
              {t('care.repairText')}
            </Text>
          )}
          {repair.data.members.map(({ member, startedMs, endedMs, buckets, changed, error }) => (
            <div key={member} className="list-row">
              <Text size="sm" fw={500} style={{ flex: 1 }}>
                <Name>{nameOf(member)}</Name>
              </Text>
              <Text size="sm" c={error === undefined ? 'dimmed' : 'var(--mantine-color-error)'}>
                {error !== undefined
                  ? t('care.compareFailed', { code: error })
                  : endedMs === undefined
                    ? t('care.comparing')
                    : t('care.compared', {
                        buckets: formatNumber(buckets ?? 0),
                        changed: formatNumber(changed ?? 0),
                      })}{' '}
                · {formatAgo(endedMs ?? startedMs)}
              </Text>
            </div>
          ))}
        </Paper>
      )}
    </Part>
  );
}

/** Files whose bytes nobody has any more; nothing is shown when there are none. */
export function Lost() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const lost = useLost().data;
  if (!lost || lost.contents === 0) return null;
  const restore = (path: string) => {
    api('/lost/restore', { method: 'POST', json: { path } })
      .then(() => {
        tell(t('trash.restored', { path }));
        return client.invalidateQueries({ queryKey: ['lost'] });
      })
      .catch(tellError);
  };
  return (
    <Part title={t('care.lost')}>
      <Alert color="red" mb="xs">
        {t('care.lostText')}
      </Alert>
      <Paper withBorder px="md" py={4}>
        {lost.files.map(({ path, size, sinceMs, previous }) => (
          <div key={path} className="list-row">
            <div style={{ flex: 1, minWidth: 0 }}>
              <Text size="sm" fw={500} truncate>
                <Name>{path}</Name>
              </Text>
              <Text size="xs" c="dimmed">
                {formatBytes(size)} · {t('health.since', { time: formatTime(sinceMs) })}
              </Text>
            </div>
            {previous && (
              <Button size="compact-sm" variant="subtle" onClick={() => restore(path)}>
                {t('care.previous', { time: formatTime(previous.mtimeMs) })}
              </Button>
            )}
          </div>
        ))}
      </Paper>
    </Part>
  );
}
