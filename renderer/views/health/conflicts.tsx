/** Files that were written on two devices without knowing of each other: both sides, and what shall stay. */
import { Anchor, Badge, Button, Group, Paper, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, apiUrl } from '../../api/http.ts';
import { useConflicts } from '../../api/queries.ts';
import type { Conflict, ConflictVersion } from '../../api/types.ts';
import { Facts, Failure, Name } from '../../components/basics.tsx';
import { lookOf } from '../../components/file-icon.tsx';
import { formatBytes, formatTime } from '../../components/format.ts';
import { tell, tellError } from '../../components/notify.tsx';
import { Part } from './part.tsx';

/** The list; nothing is shown when there are none. */
export function Conflicts() {
  const { t } = useTranslation();
  const conflicts = useConflicts();
  const list = conflicts.data?.conflicts ?? [];
  if (conflicts.isError) return <Failure error={conflicts.error} retry={() => void conflicts.refetch()} />;
  if (list.length === 0) return null;
  return (
    <Part title={t('conflicts.title')}>
      <Text size="sm" c="dimmed" mb="sm">
        {t('conflicts.text')}
      </Text>
      <Stack>
        {list.map((conflict) => (
          <ConflictCard key={conflict.path} conflict={conflict} />
        ))}
      </Stack>
    </Part>
  );
}

function ConflictCard({ conflict: { path, versions } }: { readonly conflict: Conflict }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const resolve = (keep: string, others: 'delete' | 'rename') => {
    setBusy(true);
    const seen = versions.map(({ id }) => id);
    api('/conflicts/resolve', { method: 'POST', json: { path, seen, keep, others } })
      .then(() => {
        tell(t(others === 'delete' ? 'conflicts.kept' : 'conflicts.keptAll'));
        return client.invalidateQueries({ queryKey: ['conflicts'] });
      })
      .catch(tellError)
      .finally(() => setBusy(false));
  };
  const [first] = versions;
  return (
    <Paper withBorder p="md" data-conflict={path}>
      <Group justify="space-between" mb="sm">
        <Text fw={600}>
          <Name>{path}</Name>
        </Text>
        {first && (
          <Button size="xs" variant="default" disabled={busy} onClick={() => resolve(first.id, 'rename')}>
            {t('conflicts.keepAll')}
          </Button>
        )}
      </Group>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        {versions.map((version, index) => (
          <Version
            key={version.id}
            version={version}
            isShown={index === 0}
            busy={busy}
            onKeep={() => resolve(version.id, 'delete')}
          />
        ))}
      </SimpleGrid>
    </Paper>
  );
}

interface VersionProps {
  readonly version: ConflictVersion;
  readonly isShown: boolean;
  readonly busy: boolean;
  readonly onKeep: () => void;
}

function Version({ version, isShown, busy, onKeep }: VersionProps) {
  const { t } = useTranslation();
  const { path, name, size, mtimeMs, storedMs, nodeName, here } = version;
  const isImage = lookOf(mediaTypeOf(name)) === 'image';
  return (
    <div className="card">
      <Stack gap="xs">
        <Group gap="xs">
          <Text size="sm" fw={600}>
            <Name>{nodeName}</Name>
          </Text>
          {isShown && (
            <Badge color="sea.8" variant="filled">
              {t('conflicts.shown')}
            </Badge>
          )}
        </Group>
        {isImage && here && (
          <img
            className="preview-media"
            style={{ maxHeight: 160 }}
            src={apiUrl('/files/thumbnail', { path, pixels: 256 })}
            alt=""
          />
        )}
        <Facts
          rows={[
            [t('files.size'), formatBytes(size)],
            [t('files.changed'), formatTime(mtimeMs)],
            [t('files.stored'), formatTime(storedMs)],
          ]}
        />
        <Group gap="xs">
          <Button size="xs" disabled={busy} onClick={onKeep}>
            {t('conflicts.keep')}
          </Button>
          <Anchor size="sm" href={apiUrl('/files/content', { path })} target="_blank" rel="noreferrer">
            {t('files.open')}
          </Anchor>
        </Group>
      </Stack>
    </div>
  );
}

/** Only whether it is an image matters here. */
function mediaTypeOf(name: string): string {
  return /\.(jpe?g|png|webp|gif|avif)$/i.test(name) ? 'image/' : 'application/';
}
