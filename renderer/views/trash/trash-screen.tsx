/** What was deleted or replaced: who did it and when, and how it comes back. */
import { Badge, Button, Group, Paper, Skeleton, Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import { IconArrowBackUp, IconTrash, IconTrashX } from '@tabler/icons-react';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { ApiError, api } from '../../api/http.ts';
import { useSettings } from '../../api/queries.ts';
import type { FileDetails, TrashEntry } from '../../api/types.ts';
import { Empty, Failure, Name, ScreenHead } from '../../components/basics.tsx';
import { formatAgo, formatBytes, formatTime } from '../../components/format.ts';
import { tell, tellError } from '../../components/notify.tsx';

interface TrashPage {
  readonly entries: readonly TrashEntry[];
  readonly cursor?: string;
}

/** The screen. */
export default function TrashScreen() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const trash = useInfiniteQuery({
    queryKey: ['trash'],
    queryFn: ({ pageParam }) => api<TrashPage>('/trash', { query: { limit: 100, cursor: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.cursor,
  });
  const days = useSettings().data?.settings.find(({ key }) => key === 'trash_days')?.value;
  const entries = trash.data?.pages.flatMap((page) => page.entries) ?? [];
  const empty = () =>
    modals.openConfirmModal({
      title: t('trash.emptyTitle'),
      centered: true,
      children: <Text size="sm">{t('trash.emptyText')}</Text>,
      labels: { confirm: t('trash.empty'), cancel: t('common.cancel') },
      confirmProps: { color: 'red.9' },
      onConfirm: () => {
        api('/trash', { method: 'DELETE' })
          .then(() => client.invalidateQueries({ queryKey: ['trash'] }))
          .catch(tellError);
      },
    });
  return (
    <div className="page">
      <ScreenHead
        title={t('places.trash')}
        text={typeof days === 'number' && days > 0 ? t('trash.text', { count: days }) : t('trash.textNoTerm')}
      >
        {entries.length > 0 && (
          <Button variant="default" leftSection={<IconTrashX size={17} />} onClick={empty}>
            {t('trash.empty')}
          </Button>
        )}
      </ScreenHead>
      {trash.isError && <Failure error={trash.error} retry={() => void trash.refetch()} />}
      {trash.isPending && <Skeleton height={200} />}
      {trash.data && entries.length === 0 && (
        <Empty icon={<IconTrash size={32} />} title={t('trash.nothing')} text={t('trash.nothingText')} />
      )}
      {entries.length > 0 && (
        <Paper withBorder px="md" py={4}>
          {entries.map((entry) => (
            <TrashRow key={entry.id} entry={entry} />
          ))}
        </Paper>
      )}
      {trash.hasNextPage && (
        <Group justify="center" mt="md">
          <Button variant="default" loading={trash.isFetchingNextPage} onClick={() => void trash.fetchNextPage()}>
            {t('trash.more')}
          </Button>
        </Group>
      )}
    </div>
  );
}

function TrashRow({ entry }: { readonly entry: TrashEntry }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const slash = entry.path.lastIndexOf('/');
  const name = entry.path.slice(slash + 1);
  const restore = async (replace: boolean) => {
    try {
      const { path } = await api<FileDetails>('/trash/restore', { method: 'POST', json: { id: entry.id, replace } });
      tell(t('trash.restored', { path }));
      for (const key of ['trash', 'view', 'tree']) void client.invalidateQueries({ queryKey: [key] });
    } catch (error) {
      if (error instanceof ApiError && error.code === 'TARGET_EXISTS') askReplace();
      else tellError(error);
    }
  };
  const askReplace = () =>
    modals.openConfirmModal({
      title: t('trash.takenTitle'),
      centered: true,
      children: <Text size="sm">{t('trash.takenText', { path: entry.path })}</Text>,
      labels: { confirm: t('trash.replace'), cancel: t('common.cancel') },
      onConfirm: () => void restore(true),
    });
  return (
    <div className="list-row">
      <div style={{ flex: 1, minWidth: 0 }}>
        <Group gap={6}>
          <Text fw={500} truncate>
            <Name>{name}</Name>
          </Text>
          {entry.reason !== 'deleted' && (
            <Badge size="sm" variant="light" tt="none" c="var(--mantine-color-text)">
              {t(`trash.reasons.${entry.reason}`)}
            </Badge>
          )}
        </Group>
        <Text size="xs" c="dimmed" title={formatTime(entry.trashedMs)}>
          <Name>{`/${entry.path.slice(0, Math.max(0, slash))}`}</Name> · {formatBytes(entry.size)} ·{' '}
          {t('trash.by', { who: entry.by, ago: formatAgo(entry.trashedMs) })}
        </Text>
      </div>
      <Button
        size="compact-sm"
        variant="subtle"
        leftSection={<IconArrowBackUp size={16} />}
        aria-label={`${t('trash.restore')}: ${name}`}
        onClick={() => void restore(false)}
      >
        {t('trash.restore')}
      </Button>
    </div>
  );
}
