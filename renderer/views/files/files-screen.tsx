/** The files: a tree, a folder as rows or tiles, search, and everything that can be done with entries. */
import { Group, Skeleton, Text, VisuallyHidden } from '@mantine/core';
import { useDebouncedValue, useDocumentTitle } from '@mantine/hooks';
import { IconSearch, IconUpload } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { View } from '../../api/queries.ts';
import type { Entry, FileDetails, FileEntry } from '../../api/types.ts';
import { Empty, Failure } from '../../components/basics.tsx';
import { lookOf } from '../../components/file-icon.tsx';
import { tellError } from '../../components/notify.tsx';
import { usePreference } from '../../state/preferences.ts';
import { go, useRoute } from '../../state/route.ts';
import { downloadEntries, folderOf, nameOf, removeEntries, uploadInto } from './actions.ts';
import { useDrop, usePaste } from './drop.ts';
import type { Dropped } from './dropped.ts';
import { EntryList } from './entry-list.tsx';
import { EntryMenu } from './entry-menu.tsx';
import { FolderTree } from './folder-tree.tsx';
import { type Rows, useFolderRows, useSearchRows } from './rows.ts';
import { Crumbs, type Search, Selection, Tools, UploadButtons } from './tools.tsx';

const Details = lazy(() => import('./details.tsx').then(({ Details: component }) => ({ default: component })));
const Preview = lazy(() => import('./preview.tsx').then(({ Preview: component }) => ({ default: component })));
const ShareDialog = lazy(() => import('../share/share-dialog.tsx'));
const Dialogs = {
  rename: lazy(() => import('./dialogs.tsx').then(({ RenameDialog }) => ({ default: RenameDialog }))),
  folder: lazy(() => import('./dialogs.tsx').then(({ NewFolderDialog }) => ({ default: NewFolderDialog }))),
  move: lazy(() => import('./dialogs.tsx').then(({ MoveDialog }) => ({ default: MoveDialog }))),
};

/** What is open above the list. */
type Above =
  | { readonly kind: 'rename' | 'share'; readonly entry: Entry }
  | { readonly kind: 'details'; readonly path: string }
  | { readonly kind: 'move'; readonly entries: readonly Entry[] }
  | { readonly kind: 'preview'; readonly index: number; readonly entry: FileEntry }
  | { readonly kind: 'folder' };

interface MenuAt {
  readonly entries: readonly Entry[];
  readonly x: number;
  readonly y: number;
}

/** The screen. */
export function FilesScreen() {
  const { t } = useTranslation();
  const { rest: folder } = useRoute();
  const [text, setText] = useState('');
  const [query] = useDebouncedValue(text.trim(), 150);
  const [type, setType] = useState<string | null>(null);
  useDocumentTitle(`${folder === '' ? t('places.files') : nameOf(folder)} – Shoal`);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another folder is not searched any more.
  useEffect(() => {
    setText('');
    setType(null);
  }, [folder]);
  const search = { text, onText: setText, type, onType: setType };
  return query === '' || text === '' ? (
    <InFolder folder={folder} search={search} />
  ) : (
    <InSearch text={query} folder={folder} search={search} />
  );
}

interface Sorting {
  readonly sort: View['sort'];
  readonly order: View['order'];
}

function InFolder({ folder, search }: { readonly folder: string; readonly search: Search }) {
  const [sorting, setSorting] = usePreference<Sorting>('sort', { sort: 'name', order: 'up' });
  const rows = useFolderRows({ folder, ...sorting, type: search.type ?? undefined });
  return (
    <Frame rows={rows} folder={folder} search={search} sorting={sorting} onSorting={setSorting} isSearch={false} />
  );
}

function InSearch({
  text,
  folder,
  search,
}: {
  readonly text: string;
  readonly folder: string;
  readonly search: Search;
}) {
  const { type } = search;
  const accepts = (file: FileDetails) => type === null || typeOf(file) === type;
  const rows = useSearchRows(text, accepts);
  return <Frame rows={rows} folder={folder} search={search} sorting={{ sort: 'name', order: 'up' }} isSearch />;
}

/** The node filters folders by itself; what a search found is filtered here, as far as pictures of files go. */
function typeOf({ mediaType }: FileDetails): string {
  const look = lookOf(mediaType);
  return look === 'pdf' ? 'document' : look;
}

interface FrameProps {
  readonly rows: Rows;
  readonly folder: string;
  readonly search: Search;
  readonly sorting: Sorting;
  readonly onSorting?: (sorting: Sorting) => void;
  readonly isSearch: boolean;
}

function Frame({ rows, folder, search, sorting, onSorting, isSearch }: FrameProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [layout, setLayout] = usePreference<'list' | 'grid'>('layout', 'list');
  const [selected, setSelected] = useState<ReadonlyMap<string, Entry>>(new Map());
  const [above, setAbove] = useState<Above>();
  const [menu, setMenu] = useState<MenuAt>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is selected belongs to what is shown.
  useEffect(() => setSelected(new Map()), [folder, isSearch]);
  const chosen = [...selected.values()];
  const upload = (dropped: Promise<Dropped> | Dropped) => {
    Promise.resolve(dropped)
      .then((files) => uploadInto(client, folder, files))
      .catch(tellError);
  };
  usePaste(upload);
  const drop = useDrop(folder, upload);
  const remove = (entries: readonly Entry[]) => {
    setSelected(new Map());
    void removeEntries(client, entries);
  };
  const open = (entry: Entry, index: number) => {
    if (entry.kind === 'folder') go('files', entry.path);
    else setAbove({ kind: 'preview', index, entry });
  };
  const actions = {
    onOpen: (entry: Entry) => open(entry, indexOf(rows, entry)),
    onDownload: (entries: readonly Entry[]) => void downloadEntries(entries, folder === '' ? 'files' : nameOf(folder)),
    onShare: (entry: Entry) => setAbove({ kind: 'share', entry }),
    onRename: (entry: Entry) => setAbove({ kind: 'rename', entry }),
    onMove: (entries: readonly Entry[]) => setAbove({ kind: 'move', entries }),
    onDetails: (entry: Entry) => setAbove({ kind: 'details', path: entry.path }),
    onRemove: remove,
  };
  return (
    <div className="files" style={{ height: 'calc(100dvh - 56px - 2 * var(--mantine-spacing-md))' }}>
      <VisuallyHidden component="h1">{folder === '' ? t('files.root') : nameOf(folder)}</VisuallyHidden>
      <Group justify="space-between" gap="xs" mb="xs">
        <Crumbs folder={folder} isSearch={isSearch} text={search.text} />
        <UploadButtons onFiles={upload} onNewFolder={() => setAbove({ kind: 'folder' })} />
      </Group>
      {/* Above the tools, not between them and the list: what is double-clicked must stay where it is. */}
      <div className="files-tools">
        <Tools search={search} layout={layout} onLayout={setLayout} rows={rows} />
        {chosen.length > 0 && <Selection entries={chosen} {...actions} onClear={() => setSelected(new Map())} />}
      </div>
      <div className="files-body">
        <aside className="files-tree" aria-label={t('files.folders')}>
          <FolderTree current={folder} onDrop={drop.onDropInside} />
        </aside>
        <div className="files-main" {...drop.handlers}>
          {drop.isOver && (
            <div className="drop-hint">
              <Text fw={600}>{t('files.dropHere', { folder: folder === '' ? t('files.root') : nameOf(folder) })}</Text>
            </div>
          )}
          <Body
            rows={rows}
            isSearch={isSearch}
            filtered={search.type !== null}
            onFiles={upload}
            list={(total) => (
              <EntryList
                rows={rows}
                total={total}
                view={sorting}
                layout={layout}
                showFolders={isSearch}
                selected={selected}
                label={isSearch ? t('files.results') : folder === '' ? t('files.root') : nameOf(folder)}
                onOpen={open}
                onSelect={(entries) => setSelected(new Map(entries.map((entry) => [entry.path, entry])))}
                onMenu={(entry, at) => setMenu({ entries: selected.has(entry.path) ? chosen : [entry], ...at })}
                onRename={actions.onRename}
                onRemove={remove}
                onUp={() => folder !== '' && go('files', folderOf(folder))}
                onSort={(sort) =>
                  onSorting?.({ sort, order: sorting.sort === sort && sorting.order === 'up' ? 'down' : 'up' })
                }
              />
            )}
          />
        </div>
      </div>
      {menu && <EntryMenu {...menu} {...actions} onClose={() => setMenu(undefined)} />}
      <Suspense>{above && <OverList above={above} rows={rows} folder={folder} onAbove={setAbove} />}</Suspense>
    </div>
  );
}

function indexOf(rows: Rows, entry: Entry): number {
  for (let index = 0; index < (rows.total ?? 0); index += 1) if (rows.at(index)?.path === entry.path) return index;
  return 0;
}

function OverList({
  above,
  rows,
  folder,
  onAbove,
}: {
  readonly above: Above;
  readonly rows: Rows;
  readonly folder: string;
  readonly onAbove: (above: Above | undefined) => void;
}) {
  const close = () => onAbove(undefined);
  switch (above.kind) {
    case 'rename':
      return <Dialogs.rename entry={above.entry} onClose={close} />;
    case 'folder':
      return <Dialogs.folder folder={folder} onClose={close} />;
    case 'move':
      return <Dialogs.move entries={above.entries} from={folder} onClose={close} />;
    case 'details':
      return <Details path={above.path} onClose={close} />;
    case 'share':
      return <ShareDialog path={above.entry.path} isFolder={above.entry.kind === 'folder'} onClose={close} />;
    case 'preview': {
      const next = fileAt(rows, above.index, 1);
      const previous = fileAt(rows, above.index, -1);
      return (
        <Preview
          file={above.entry}
          onNext={next && (() => onAbove(next))}
          onPrevious={previous && (() => onAbove(previous))}
          onDetails={() => onAbove({ kind: 'details', path: above.entry.path })}
          onClose={close}
        />
      );
    }
  }
}

/** The next file in a direction, as far as rows are in memory. */
function fileAt(rows: Rows, from: number, step: 1 | -1): Extract<Above, { kind: 'preview' }> | undefined {
  for (let index = from + step; ; index += step) {
    const entry = rows.at(index);
    if (!entry) return undefined;
    if (entry.kind === 'file') return { kind: 'preview', index, entry };
  }
}

interface BodyProps {
  readonly rows: Rows;
  readonly isSearch: boolean;
  readonly filtered: boolean;
  readonly onFiles: (files: Dropped) => void;
  readonly list: (total: number) => React.ReactNode;
}

function Body({ rows, isSearch, filtered, list }: BodyProps) {
  const { t } = useTranslation();
  if (rows.error && rows.total === undefined) return <Failure error={rows.error} retry={rows.retry} />;
  if (rows.total === undefined) {
    return (
      <div role="status" aria-label={t('common.loading')}>
        {Array.from({ length: 8 }, (_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same.
          <Skeleton key={index} height={30} my={16} />
        ))}
      </div>
    );
  }
  if (rows.total > 0) return list(rows.total);
  if (isSearch) {
    return <Empty icon={<IconSearch size={32} />} title={t('files.nothingFound')} text={t('files.nothingFoundText')} />;
  }
  if (filtered) {
    return (
      <Empty icon={<IconSearch size={32} />} title={t('files.nothingOfType')} text={t('files.nothingOfTypeText')} />
    );
  }
  return <Empty icon={<IconUpload size={32} />} title={t('files.empty')} text={t('files.emptyText')} />;
}
