/** What came from other devices since this node was started, and what could not be fetched. */
import { Anchor, Badge, Button, Group, Text, Tooltip } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import { useMembers, useTransferHistory } from '../../api/queries.ts';
import type { EndedTransfer, Member } from '../../api/types.ts';
import { Failure, Name } from '../../components/basics.tsx';
import { formatAgo, formatBytes, formatDuration, formatTime, visibleName } from '../../components/format.ts';
import { tellError } from '../../components/notify.tsx';
import { hrefOf } from '../../state/route.ts';
import { Section } from './section.tsx';

/** The part; nothing while nothing has come. */
export function DeviceHistory() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const history = useTransferHistory();
  const members = useMembers().data?.members ?? [];
  const ended = history.data?.pages.flatMap(({ transfers }) => transfers) ?? [];
  if (history.isError) return <Failure error={history.error} retry={() => void history.refetch()} />;
  if (ended.length === 0) return null;
  const clear = () => {
    api('/transfers/history', { method: 'DELETE' })
      .then(() => client.invalidateQueries({ queryKey: ['transfer-history'] }))
      .catch(tellError);
  };
  return (
    <Section
      title={t('transfers.came')}
      icon={<IconHistory size={18} aria-hidden />}
      aside={
        <Button variant="subtle" size="xs" onClick={clear}>
          {t('transfers.clear')}
        </Button>
      }
    >
      {ended.map((one) => (
        <Row key={one.sha256} one={one} members={members} />
      ))}
      {history.hasNextPage && (
        <Group justify="center" py="sm">
          <Button
            variant="default"
            size="xs"
            loading={history.isFetchingNextPage}
            onClick={() => void history.fetchNextPage()}
          >
            {t('transfers.showMore')}
          </Button>
        </Group>
      )}
    </Section>
  );
}

function Row({ one, members }: { readonly one: EndedTransfer; readonly members: readonly Member[] }) {
  const { t, i18n } = useTranslation();
  const [path] = one.files;
  const slash = path?.lastIndexOf('/') ?? -1;
  const folder = path?.slice(0, Math.max(0, slash)) ?? '';
  const names = one.from.map((id) => visibleName(members.find((member) => member.id === id)?.name ?? id.slice(0, 8)));
  const seconds = one.tookMs / 1000;
  return (
    <div className="list-row wraps" data-transfer={one.state}>
      <div className="grow">
        <Text size="sm" truncate>
          {path === undefined ? (
            t('transfers.gone', { digest: one.sha256.slice(0, 12) })
          ) : (
            <Name>{path.slice(slash + 1)}</Name>
          )}
          {one.files.length > 1 && ` ${t('transfers.moreNames', { count: one.files.length - 1 })}`}
        </Text>
        {path !== undefined && (
          <Anchor size="xs" c="dimmed" href={hrefOf('files', folder)}>
            <Name>{`/${folder}`}</Name>
          </Anchor>
        )}
        {one.state === 'failed' && (
          <Text size="xs" c="var(--mantine-color-error)">
            {t('transfers.notFetched', { reason: one.message, count: one.tries })}
          </Text>
        )}
      </div>
      {names.length > 0 && (
        <Badge variant="light" tt="none" c="var(--mantine-color-text)" maw={180}>
          {new Intl.ListFormat(i18n.language).format(names)}
        </Badge>
      )}
      <Tooltip label={t('transfers.took', { time: formatDuration(seconds) })} disabled={one.state === 'failed'}>
        <Text size="sm" c="dimmed" className="num">
          {formatBytes(one.size)}
        </Text>
      </Tooltip>
      <Text size="sm" c="dimmed" className="num col-time" w={120} title={formatTime(one.endedMs)}>
        {formatAgo(one.endedMs)}
      </Text>
    </div>
  );
}
