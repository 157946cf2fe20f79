/** Everything that is known of a file: where it is, who has it, its digests. */
import { ActionIcon, Alert, Badge, CopyButton, Drawer, Group, Skeleton, Stack, Text, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy, IconShieldCheck } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useDetails, useHolders, useMembers } from '../../api/queries.ts';
import { Facts, Failure, Name } from '../../components/basics.tsx';
import { FileIcon, lookOf } from '../../components/file-icon.tsx';
import { formatBytes, formatNumber, formatTime } from '../../components/format.ts';

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
      <Holders path={path} origin={file.origin} here={file.here} />
      <Facts
        rows={[
          [t('files.size'), sizeOf(file.size)],
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

/** Devices count once their bytes have been verified; those that cannot be asked now are not counted. */
function Holders({ path, origin, here }: { readonly path: string; readonly origin: string; readonly here: boolean }) {
  const { t } = useTranslation();
  const members = useMembers().data?.members ?? [];
  const { data, isError } = useHolders(path);
  const nameOf = (id: string) => members.find((member) => member.id === id)?.name;
  const holders = data?.files[0]?.holders ?? [];
  const from = nameOf(origin);
  return (
    <Stack gap={6} data-testid="holders">
      {data ? (
        <Badge
          color={holders.length > 1 || data.members === 1 ? 'teal.9' : '#a93c06'}
          leftSection={<IconShieldCheck size={13} />}
          variant="filled"
        >
          {t('files.safe', { count: data.members, holders: holders.length })}
        </Badge>
      ) : (
        <Badge color="gray.7" variant="filled">
          {isError ? t(here ? 'files.here' : 'files.elsewhere') : '…'}
        </Badge>
      )}
      {holders.map((id) => (
        <Group key={id} gap={6} wrap="nowrap">
          <IconCheck size={15} aria-hidden />
          <Text size="sm">
            <Name>{nameOf(id) ?? id.slice(0, 8)}</Name>
          </Text>
        </Group>
      ))}
      {data && !here && (
        <Text size="sm" c="dimmed">
          {t('files.elsewhere')}
        </Text>
      )}
      {from !== undefined && (
        <Text size="sm" c="dimmed">
          {t('files.origin')} <Name>{from}</Name>
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

/** A size as people say it and, where that is rounded, exactly. */
function sizeOf(bytes: number): string {
  return bytes < 1000 ? formatBytes(bytes) : `${formatBytes(bytes)} (${formatNumber(bytes)} B)`;
}
