/** What stands above the list: where one is, uploads, search, filter, layout, and what can be done with a selection. */
import {
  ActionIcon,
  Badge,
  Button,
  Group,
  Menu,
  Paper,
  SegmentedControl,
  Select,
  Text,
  TextInput,
} from '@mantine/core';
import {
  IconDownload,
  IconFolderPlus,
  IconFolderSymlink,
  IconFolderUp,
  IconLayoutGrid,
  IconLink,
  IconList,
  IconSearch,
  IconTrash,
  IconUpload,
  IconX,
} from '@tabler/icons-react';
import { type ChangeEvent, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { Entry } from '../../api/types.ts';
import { Name } from '../../components/basics.tsx';
import { formatBytes, formatNumber } from '../../components/format.ts';
import { hrefOf } from '../../state/route.ts';
import { type Dropped, readChosen } from './dropped.ts';
import type { Rows } from './rows.ts';

const types = ['folder', 'image', 'video', 'audio', 'text', 'document', 'archive', 'other'] as const;

/** What is searched for, and which type is shown. */
export interface Search {
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly type: string | null;
  readonly onType: (type: string | null) => void;
}

/** The folders down to the one that is shown. */
export function Crumbs({
  folder,
  isSearch,
  text,
}: {
  readonly folder: string;
  readonly isSearch: boolean;
  readonly text: string;
}) {
  const { t } = useTranslation();
  const parts = folder === '' ? [] : folder.split('/');
  if (isSearch) return <Text fw={600}>{t('files.resultsFor', { text })}</Text>;
  return (
    <nav className="crumbs" aria-label={t('files.where')}>
      <a href={hrefOf('files')} aria-current={folder === '' ? 'page' : undefined}>
        {t('files.root')}
      </a>
      {parts.map((part, index) => {
        const path = parts.slice(0, index + 1).join('/');
        return (
          <Group key={path} gap={2} wrap="nowrap" miw={0}>
            <Text c="dimmed" aria-hidden>
              /
            </Text>
            <a href={hrefOf('files', path)} aria-current={path === folder ? 'page' : undefined}>
              <Name>{part}</Name>
            </a>
          </Group>
        );
      })}
    </nav>
  );
}

/** New folder, files, a folder. */
export function UploadButtons({
  onFiles,
  onNewFolder,
}: {
  readonly onFiles: (files: Dropped) => void;
  readonly onNewFolder: () => void;
}) {
  const { t } = useTranslation();
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const take = (event: ChangeEvent<HTMLInputElement>) => {
    const { files: list } = event.currentTarget;
    if (list && list.length > 0) onFiles(readChosen(list));
    event.currentTarget.value = '';
  };
  return (
    <Group gap="xs">
      <input ref={files} type="file" multiple hidden onChange={take} data-testid="choose-files" />
      <input ref={folder} type="file" hidden onChange={take} data-testid="choose-folder" {...{ webkitdirectory: '' }} />
      <Button variant="default" leftSection={<IconFolderPlus size={17} />} onClick={onNewFolder}>
        {t('files.newFolder')}
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button leftSection={<IconUpload size={17} />}>{t('files.upload')}</Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconUpload size={16} />} onClick={() => files.current?.click()}>
            {t('files.uploadFiles')}
          </Menu.Item>
          <Menu.Item leftSection={<IconFolderUp size={16} />} onClick={() => folder.current?.click()}>
            {t('files.uploadFolder')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}

interface ToolsProps {
  readonly search: Search;
  readonly layout: 'list' | 'grid';
  readonly onLayout: (layout: 'list' | 'grid') => void;
  readonly rows: Rows;
}

/** Search, filter, layout, and how much there is. */
export function Tools({ search, layout, onLayout, rows }: ToolsProps) {
  const { t } = useTranslation();
  return (
    <Group gap="xs" mb="xs">
      <TextInput
        style={{ flex: '1 1 200px' }}
        maw={420}
        type="search"
        leftSection={<IconSearch size={16} />}
        placeholder={t('files.search')}
        aria-label={t('files.search')}
        value={search.text}
        onChange={(event) => search.onText(event.currentTarget.value)}
      />
      <Select
        w={150}
        aria-label={t('files.filter')}
        placeholder={t('files.allTypes')}
        clearable
        clearButtonProps={{ 'aria-label': t('files.allTypes') }}
        data={types.map((value) => ({ value, label: t(`files.types.${value}`) }))}
        value={search.type}
        onChange={search.onType}
      />
      <SegmentedControl
        aria-label={t('files.layout')}
        value={layout}
        onChange={(value) => onLayout(value as 'list' | 'grid')}
        data={[
          { value: 'list', label: <IconList size={17} role="img" aria-label={t('files.list')} /> },
          { value: 'grid', label: <IconLayoutGrid size={17} role="img" aria-label={t('files.grid')} /> },
        ]}
      />
      <Text size="sm" c="dimmed" ml="auto" style={{ minWidth: 120, textAlign: 'right' }} data-testid="sum">
        {rows.total !== undefined && t('files.items', { count: rows.total, items: formatNumber(rows.total) })}
        {rows.bytes !== undefined && ` · ${formatBytes(rows.bytes)}`}
      </Text>
    </Group>
  );
}

interface SelectionProps {
  readonly entries: readonly Entry[];
  readonly onClear: () => void;
  readonly onDownload: (entries: readonly Entry[]) => void;
  readonly onMove: (entries: readonly Entry[]) => void;
  readonly onShare: (entry: Entry) => void;
  readonly onRemove: (entries: readonly Entry[]) => void;
}

/** What can be done with what is selected. */
export function Selection({ entries, onClear, onDownload, onMove, onShare, onRemove }: SelectionProps) {
  const { t } = useTranslation();
  const [first] = entries;
  return (
    <Paper className="files-selection" withBorder px={6} role="toolbar" aria-label={t('files.selection')}>
      <Group gap={6}>
        <ActionIcon variant="subtle" color="gray" onClick={onClear} aria-label={t('files.unselect')}>
          <IconX size={16} />
        </ActionIcon>
        <Badge variant="light" size="lg" tt="none" c="var(--mantine-color-text)">
          {t('files.selected', { count: entries.length })}
        </Badge>
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<IconDownload size={15} />}
          onClick={() => onDownload(entries)}
        >
          {t('files.download')}
        </Button>
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<IconFolderSymlink size={15} />}
          onClick={() => onMove(entries)}
        >
          {t('files.move')}
        </Button>
        {entries.length === 1 && first && (
          <Button
            size="compact-sm"
            variant="subtle"
            leftSection={<IconLink size={15} />}
            onClick={() => onShare(first)}
          >
            {t('files.share')}
          </Button>
        )}
        <Button
          size="compact-sm"
          variant="subtle"
          c="var(--mantine-color-error)"
          color="red"
          leftSection={<IconTrash size={15} />}
          onClick={() => onRemove(entries)}
        >
          {t('files.remove')}
        </Button>
      </Group>
    </Paper>
  );
}
