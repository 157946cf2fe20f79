/** Everything that is known of a file: where it is, who has it, its digests. */
import { ActionIcon, Alert, Badge, CopyButton, Drawer, Group, Skeleton, Stack, Text, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy, IconShieldCheck } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useDetails, useMembers } from '../../api/queries.ts';
import { Facts, Failure, Name } from '../../components/basics.tsx';
import { FileIcon, lookOf } from '../../components/file-icon.tsx';
import { formatBytes, formatTime } from '../../components/format.ts';

/** A drawer at the side. */
export function Details({ path, onClose }: { readonly path: string; readonly onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Drawer opened onClose={onClose} position="right" title={t('files.details')} size="sm">
      <Content path={path} />
    </Drawer>
  );
}

function Content({ path }: { readonly path: string }) {
  const { t } = useTranslation();
  const { data: file, error, refetch } = useDetails(path);
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!file) {
    return (
      <Stack>
        <Skeleton height={20} width="70%" />
        <Skeleton height={120} />
      </Stack>
    );
  }
  return (
    <Stack gap="lg">
      <Group wrap="nowrap" align="flex-start">
        <FileIcon look={lookOf(file.mediaType)} size={34} />
        <Text fw={600}>
          <Name>{file.path.slice(file.path.lastIndexOf('/') + 1)}</Name>
        </Text>
      </Group>
      {file.conflictOf !== undefined && (
        <Alert color="orange">
          {t('files.conflictOf')} <Name>{file.conflictOf}</Name>
        </Alert>
      )}
      <Holders origin={file.origin} here={file.here} />
      <Facts
        rows={[
          [t('files.size'), `${formatBytes(file.size)} (${file.size.toLocaleString()} B)`],
          [t('files.changed'), formatTime(file.mtimeMs)],
          [t('files.stored'), formatTime(file.storedMs)],
          [t('files.kind'), file.mediaType],
          [t('files.scene'), file.scene || '–'],
        ]}
      />
      <Digest name="Path" value={`/${file.path}`} />
      <Digest name="SHA-256" value={file.sha256} />
      {file.md5 !== undefined && <Digest name="MD5" value={file.md5} />}
      {file.sha1 !== undefined && <Digest name="SHA-1" value={file.sha1} />}
    </Stack>
  );
}

/** What is known for certain: this node has read its own bytes, and who wrote the file first. */
function Holders({ origin, here }: { readonly origin: string; readonly here: boolean }) {
  const { t } = useTranslation();
  const members = useMembers().data?.members ?? [];
  const from = members.find(({ id }) => id === origin);
  return (
    <Stack gap={6}>
      <Group gap="xs">
        <Badge
          color={here ? 'teal.9' : 'gray.7'}
          leftSection={here ? <IconShieldCheck size={13} /> : undefined}
          variant="filled"
        >
          {t(here ? 'files.here' : 'files.elsewhere')}
        </Badge>
      </Group>
      {from && (
        <Text size="sm" c="dimmed">
          {t('files.origin')} <Name>{from.name}</Name>
        </Text>
      )}
    </Stack>
  );
}

function Digest({ name, value }: { readonly name: string; readonly value: string }) {
  const { t } = useTranslation();
  return (
    <div>
      <Group justify="space-between" gap={4}>
        <Text size="xs" c="dimmed">
          {name === 'Path' ? t('files.path') : name}
        </Text>
        <CopyButton value={value}>
          {({ copied, copy }) => (
            <Tooltip label={t(copied ? 'common.copied' : 'common.copy')}>
              <ActionIcon
                size="sm"
                variant="subtle"
                color="gray"
                onClick={copy}
                aria-label={`${t('common.copy')}: ${name}`}
              >
                {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
              </ActionIcon>
            </Tooltip>
          )}
        </CopyButton>
      </Group>
      <span className="digest">{name === 'Path' ? <Name>{value}</Name> : value}</span>
    </div>
  );
}
