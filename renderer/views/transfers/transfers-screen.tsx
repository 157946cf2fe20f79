/** What is on its way: uploads of this browser, contents from other devices, what others send, and what is done. */
import { Alert, Anchor, Badge, Button, Group, Skeleton, Stack, Text } from '@mantine/core';
import { IconDownload, IconPlayerPause, IconPlayerPlay, IconTransfer, IconUpload } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import { useMembers, useNodeUploads, useTransferHistory, useTransfers } from '../../api/queries.ts';
import type { Transfers } from '../../api/types.ts';
import { Empty, Failure, Name, ScreenHead } from '../../components/basics.tsx';
import { formatAgo, formatBytes, formatDuration, formatNumber } from '../../components/format.ts';
import { tellError } from '../../components/notify.tsx';
import { hrefOf } from '../../state/route.ts';
import type { UploadItem } from '../../state/upload-item.ts';
import { uploads, useUploads } from '../../state/uploads.ts';
import { DeviceHistory } from './device-history.tsx';
import { Bar, Section } from './section.tsx';
import { UploadRow } from './upload-row.tsx';

/** Rows that are shown of a long queue. */
const maxRows = 40;

/** What needs a person stands first, then what moves. */
const order = ['conflict', 'lost', 'failed', 'running', 'paused', 'waiting', 'done', 'here'] as const;

/** The screen. */
export default function TransfersScreen() {
  const { t } = useTranslation();
  const items = useUploads((state) => state.items);
  const history = useUploads((state) => state.history);
  const transfers = useTransfers();
  const ended = useTransferHistory();
  const others = useNodeUploads().data?.uploads ?? [];
  const comes = transfers.data;
  const nothing =
    items.length + history.length + others.length === 0 &&
    comes !== undefined &&
    comes.transfers.length + comes.waiting.files === 0 &&
    !comes.paused &&
    !comes.stalled &&
    ended.data?.pages[0]?.transfers.length === 0;
  return (
    <div className="page">
      <ScreenHead title={t('places.transfers')} text={t('transfers.text')}>
        {items.length > 0 && <QueueButtons items={items} />}
      </ScreenHead>
      {transfers.isError && <Failure error={transfers.error} retry={() => void transfers.refetch()} />}
      {nothing ? (
        <Empty icon={<IconTransfer size={32} />} title={t('transfers.nothing')} text={t('transfers.nothingText')}>
          <Button component="a" href={hrefOf('files')}>
            {t('transfers.toFiles')}
          </Button>
        </Empty>
      ) : (
        <Stack gap="xl">
          {items.length > 0 && <Queue items={items} />}
          {transfers.data ? <FromDevices state={transfers.data} /> : <Skeleton height={80} />}
          {others.length > 0 && (
            <Section title={t('transfers.arriving')} icon={<IconUpload size={18} />}>
              {others.map(({ id, name, received, total }) => (
                <div key={id} className="list-row">
                  <Stack gap={4} style={{ flex: 1 }} miw={0}>
                    <Text size="sm" truncate>
                      <Name>{name}</Name>
                    </Text>
                    <Bar done={received} total={total ?? 0} label={name} />
                  </Stack>
                  <Text size="sm" c="dimmed" className="num">
                    {formatBytes(received)}
                    {total !== undefined && ` / ${formatBytes(total)}`}
                  </Text>
                </div>
              ))}
            </Section>
          )}
          {history.length > 0 && <History items={history} />}
          <DeviceHistory />
        </Stack>
      )}
    </div>
  );
}

function QueueButtons({ items }: { readonly items: readonly UploadItem[] }) {
  const { t } = useTranslation();
  const moves = items.some(({ state }) => state === 'running' || state === 'waiting');
  const rests = items.some(({ state }) => state === 'paused' || state === 'failed');
  return (
    <>
      {moves && (
        <Button variant="default" leftSection={<IconPlayerPause size={16} />} onClick={() => uploads.pauseAll()}>
          {t('transfers.pauseAll')}
        </Button>
      )}
      {rests && (
        <Button variant="default" leftSection={<IconPlayerPlay size={16} />} onClick={() => uploads.resumeAll()}>
          {t('transfers.resumeAll')}
        </Button>
      )}
    </>
  );
}

function Queue({ items }: { readonly items: readonly UploadItem[] }) {
  const { t } = useTranslation();
  const sorted = [...items].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  const total = items.reduce((sum, { size }) => sum + size, 0);
  const sent = items.reduce((sum, item) => sum + item.sent, 0);
  const speed = items.reduce((sum, item) => sum + item.speed, 0);
  const conflicts = items.filter(({ state }) => state === 'conflict').length;
  const left = speed > 0 ? t('transfers.left', { time: formatDuration((total - sent) / speed) }) : '';
  return (
    <Section
      title={t('transfers.uploads')}
      icon={<IconUpload size={18} aria-hidden />}
      aside={
        <Text size="sm" c="dimmed">
          {formatBytes(sent)} / {formatBytes(total)} {left}
        </Text>
      }
    >
      {sorted.slice(0, maxRows).map((item, index) => (
        <UploadRow key={item.id} item={item} conflicts={index === 0 ? conflicts : 1} />
      ))}
      {sorted.length > maxRows && (
        <Text size="sm" c="dimmed" py="sm">
          {t('transfers.more', { count: sorted.length - maxRows })}
        </Text>
      )}
    </Section>
  );
}

function FromDevices({ state }: { readonly state: Transfers }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const members = useMembers().data?.members ?? [];
  const nameOf = (id: string) => members.find((member) => member.id === id)?.name ?? id.slice(0, 8);
  const pause = (paused: boolean) => {
    api<Transfers>('/transfers', { method: 'PUT', json: { paused } })
      .then((answer) => client.setQueryData(['transfers'], answer))
      .catch(tellError);
  };
  const { files, bytes } = state.waiting;
  if (state.transfers.length + files === 0 && !state.paused && !state.stalled) return null;
  return (
    <Section
      title={t('transfers.fromDevices')}
      icon={<IconDownload size={18} aria-hidden />}
      aside={
        <Button
          variant="default"
          size="xs"
          leftSection={state.paused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
          onClick={() => pause(!state.paused)}
        >
          {t(state.paused ? 'transfers.goOn' : 'transfers.pause')}
        </Button>
      }
    >
      {state.transfers.length === 0 && state.paused && (
        <Text size="sm" c="dimmed" py="sm">
          {t('transfers.pausedText')}
        </Text>
      )}
      {files > 0 && (
        <Text size="sm" c="dimmed" py="sm">
          {t('transfers.toCome', { count: files, files: formatNumber(files), size: formatBytes(bytes) })}
        </Text>
      )}
      {state.stalled && (
        <Alert color="red" my="sm" title={t('devices.stalled')}>
          {t('devices.stalledText')}
        </Alert>
      )}
      {state.transfers.slice(0, maxRows).map(({ sha256, size, done, from, files, bytesPerSecond }) => (
        <div key={sha256} className="list-row">
          <Stack gap={4} style={{ flex: 1 }} miw={0}>
            <Group gap={6}>
              <Text size="sm" fw={500} truncate>
                <Name>{files[0]?.slice(files[0].lastIndexOf('/') + 1) ?? sha256.slice(0, 16)}</Name>
              </Text>
              {from.map((id) => (
                <Badge key={id} size="sm" variant="light" tt="none" c="var(--mantine-color-text)">
                  <Name>{nameOf(id)}</Name>
                </Badge>
              ))}
            </Group>
            <Bar done={done} total={size} label={files[0] ?? t('transfers.progress')} />
            {bytesPerSecond > 0 && (
              <Text size="xs" c="dimmed">
                {t('transfers.speed', {
                  speed: formatBytes(bytesPerSecond),
                  time: formatDuration((size - done) / bytesPerSecond),
                })}
              </Text>
            )}
          </Stack>
          <Text size="sm" c="dimmed" className="num">
            {formatBytes(done)} / {formatBytes(size)}
          </Text>
        </div>
      ))}
    </Section>
  );
}

function History({ items }: { readonly items: readonly UploadItem[] }) {
  const { t } = useTranslation();
  return (
    <Section
      title={t('transfers.history')}
      icon={<IconTransfer size={18} aria-hidden />}
      aside={
        <Button variant="subtle" size="xs" onClick={() => uploads.clearHistory()}>
          {t('transfers.clear')}
        </Button>
      }
    >
      {items.slice(0, maxRows).map((item) => {
        const slash = item.path.lastIndexOf('/');
        return (
          <div key={item.id} className="list-row wraps">
            <div className="grow">
              <Text size="sm" truncate>
                <Name>{item.path.slice(slash + 1)}</Name>
              </Text>
              <Anchor size="xs" c="dimmed" href={hrefOf('files', item.path.slice(0, Math.max(0, slash)))}>
                <Name>{`/${item.path.slice(0, Math.max(0, slash))}`}</Name>
              </Anchor>
            </div>
            {item.state === 'here' && (
              <Badge variant="light" tt="none" c="var(--mantine-color-text)">
                {t('transfers.here')}
              </Badge>
            )}
            <Text size="sm" c="dimmed" className="num">
              {formatBytes(item.size)}
            </Text>
            <Text size="sm" c="dimmed" className="num col-time" w={120}>
              {item.endedMs !== undefined && formatAgo(item.endedMs)}
            </Text>
          </div>
        );
      })}
      {items.length > maxRows && (
        <Text size="sm" c="dimmed" py="sm">
          {t('transfers.older', { count: items.length - maxRows, shown: formatNumber(maxRows) })}
        </Text>
      )}
    </Section>
  );
}
