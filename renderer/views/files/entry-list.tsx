/**
 * Entries of a folder as rows or tiles. Only what is in view is in the page; the keyboard reaches everything. Rows are no
 * elements of a table, because those that are not in the page cannot be.
 */
import { ActionIcon, Checkbox, Skeleton, Text, UnstyledButton } from '@mantine/core';
import { useElementSize, useMergedRef } from '@mantine/hooks';
import { IconArrowDown, IconArrowUp, IconDots } from '@tabler/icons-react';
import { useVirtualizer, type Virtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type MouseEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { View } from '../../api/queries.ts';
import type { Entry } from '../../api/types.ts';
import { Name } from '../../components/basics.tsx';
import { formatBytes, formatTime } from '../../components/format.ts';
import { EntryPicture } from './entry-picture.tsx';
import type { Rows } from './rows.ts';

/** Heights in pixels. */
const rowHeight = 46;
const tileHeight = 176;
const tileWidth = 168;

/** What the list tells of its visitor. */
export interface ListEvents {
  readonly onOpen: (entry: Entry, index: number) => void;
  readonly onSelect: (entries: readonly Entry[]) => void;
  readonly onMenu: (entry: Entry, at: { readonly x: number; readonly y: number }) => void;
  readonly onRename: (entry: Entry) => void;
  readonly onRemove: (entries: readonly Entry[]) => void;
  readonly onUp: () => void;
  readonly onSort: (sort: View['sort']) => void;
}

interface ListProps extends ListEvents {
  readonly rows: Rows;
  readonly total: number;
  readonly view: Pick<View, 'sort' | 'order'>;
  readonly layout: 'list' | 'grid';
  /** Entries stand in different folders: each says where. */
  readonly showFolders: boolean;
  readonly selected: ReadonlyMap<string, Entry>;
  readonly label: string;
}

/** The list. */
export function EntryList(props: ListProps) {
  const { rows, total, layout, label } = props;
  const { t } = useTranslation();
  const scroll = useRef<HTMLDivElement>(null);
  const { ref: sizeRef, width } = useElementSize();
  const ref = useMergedRef(scroll, sizeRef);
  const columns = layout === 'grid' ? Math.max(2, Math.floor(width / tileWidth)) : 1;
  const virtual = useVirtualizer({
    count: Math.ceil(total / columns),
    getScrollElement: () => scroll.current,
    estimateSize: () => (layout === 'grid' ? tileHeight + 12 : rowHeight),
    overscan: layout === 'grid' ? 4 : 16,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: other heights make other rows.
  useEffect(() => virtual.measure(), [layout, columns]);
  const shown = virtual.getVirtualItems();
  const first = (shown[0]?.index ?? 0) * columns;
  const last = ((shown.at(-1)?.index ?? 0) + 1) * columns - 1;
  const { show } = rows;
  useEffect(() => show(first, Math.max(first, last)), [show, first, last]);
  const keyboard = useKeyboard(props, columns, virtual, scroll);
  return (
    <>
      {layout === 'list' && <Heads {...props} />}
      <div
        ref={ref}
        className="files-scroll"
        role="grid"
        aria-label={label}
        aria-rowcount={total}
        aria-multiselectable
        tabIndex={-1}
        onKeyDown={keyboard.onKeyDown}
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }} role="presentation">
          {shown.map((item) => (
            <div
              key={item.key}
              role="presentation"
              className={layout === 'grid' ? 'tiles' : undefined}
              style={{
                position: 'absolute',
                insetInline: 0,
                top: 0,
                height: item.size,
                transform: `translateY(${item.start}px)`,
                ...(layout === 'grid' && { gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }),
              }}
            >
              {Array.from({ length: Math.min(columns, total - item.index * columns) }, (_, column) => {
                const index = item.index * columns + column;
                return (
                  <Cell
                    key={index}
                    {...props}
                    index={index}
                    entry={rows.at(index)}
                    active={keyboard.active === index}
                    onClick={keyboard.onClick}
                    loading={t('common.loading')}
                  />
                );
              })}
            </div>
          ))}
        </div>
      </div>
    </>
  );
}

const heads = [
  ['name', ''],
  ['size', 'num'],
  ['time', 'col-time'],
] as const;

function Heads({ rows, total, view, selected, onSelect, onSort }: ListProps) {
  const { t } = useTranslation();
  const all = selected.size > 0 && selected.size >= total;
  const selectAll = () => {
    if (selected.size > 0) onSelect([]);
    else void rows.range(0, total - 1).then(onSelect);
  };
  return (
    <div className="rows-head">
      <Checkbox
        size="xs"
        aria-label={t('files.selectAll')}
        checked={all}
        indeterminate={selected.size > 0 && !all}
        onChange={selectAll}
      />
      {heads.map(([name, className]) => (
        <UnstyledButton key={name} className={className} fz="sm" fw={600} c="dimmed" onClick={() => onSort(name)}>
          {t(`files.by.${name}`)}
          {view.sort === name &&
            (view.order === 'up' ? (
              <IconArrowUp size={13} aria-label={t('files.ascending')} />
            ) : (
              <IconArrowDown size={13} aria-label={t('files.descending')} />
            ))}
        </UnstyledButton>
      ))}
    </div>
  );
}

interface CellProps extends Omit<ListProps, 'onClick'> {
  readonly index: number;
  readonly entry: Entry | undefined;
  readonly active: boolean;
  readonly loading: string;
  readonly onClick: (event: MouseEvent, index: number, entry: Entry) => void;
}

function Cell(props: CellProps) {
  const { index, entry, active, layout, selected, onClick, onOpen, onMenu, loading } = props;
  if (!entry) return <Pending layout={layout} label={loading} index={index} />;
  const isSelected = selected.has(entry.path);
  const menuAt = (event: MouseEvent) => {
    event.preventDefault();
    event.stopPropagation();
    // The key for menus names no point.
    const box = event.currentTarget.getBoundingClientRect();
    const isPoint = event.clientX !== 0 || event.clientY !== 0;
    onMenu(entry, isPoint ? { x: event.clientX, y: event.clientY } : { x: box.left + 40, y: box.bottom });
  };
  const shared = {
    role: 'row',
    'data-index': index,
    'data-folder': entry.kind === 'folder' ? entry.path : undefined,
    'aria-rowindex': index + 1,
    'aria-selected': isSelected,
    tabIndex: active ? 0 : -1,
    onClick: (event: MouseEvent) => onClick(event, index, entry),
    onDoubleClick: () => onOpen(entry, index),
    onContextMenu: menuAt,
    draggable: true,
    onDragStart: (event: React.DragEvent) => startDrag(event, entry, selected),
  };
  return layout === 'grid' ? (
    <Tile {...props} entry={entry} shared={shared} isSelected={isSelected} menuAt={menuAt} />
  ) : (
    <Row {...props} entry={entry} shared={shared} isSelected={isSelected} menuAt={menuAt} />
  );
}

interface ShownProps extends CellProps {
  readonly entry: Entry;
  readonly shared: object;
  readonly isSelected: boolean;
  readonly menuAt: (event: MouseEvent) => void;
}

function Row({ entry, shared, isSelected, menuAt, showFolders, selected, onSelect }: ShownProps) {
  const { t } = useTranslation();
  return (
    <div className="row" {...shared}>
      <div role="gridcell">
        <Check entry={entry} isSelected={isSelected} selected={selected} onSelect={onSelect} />
      </div>
      <div role="gridcell" className="row-name">
        <EntryPicture entry={entry} size="row" />
        <span>
          <Name>{entry.name}</Name>
          {showFolders && (
            <Text size="xs" c="dimmed" truncate>
              <Name>{`/${entry.path.slice(0, -entry.name.length - 1)}`}</Name>
            </Text>
          )}
        </span>
      </div>
      <Text role="gridcell" size="sm" c="dimmed" className="num">
        {entry.kind === 'file' ? formatBytes(entry.size) : t('files.entries', { count: entry.entries })}
      </Text>
      <Text role="gridcell" size="sm" c="dimmed" className="col-time" truncate>
        {formatTime(entry.mtimeMs)}
      </Text>
      <div role="gridcell">
        <MenuButton menuAt={menuAt} name={entry.name} />
      </div>
    </div>
  );
}

function Tile({ entry, shared, isSelected, menuAt, selected, onSelect }: ShownProps) {
  return (
    <div className="tile" {...shared}>
      <div role="gridcell" style={{ display: 'contents' }}>
        <div className="tile-picture">
          <EntryPicture entry={entry} size="tile" />
        </div>
        <div className="tile-name" title={entry.name}>
          <Name>{entry.name}</Name>
        </div>
        <div className="tile-check">
          <Check entry={entry} isSelected={isSelected} selected={selected} onSelect={onSelect} />
        </div>
        <div className="tile-menu">
          <MenuButton menuAt={menuAt} name={entry.name} />
        </div>
      </div>
    </div>
  );
}

function Check({
  entry,
  isSelected,
  selected,
  onSelect,
}: Pick<ListProps, 'selected' | 'onSelect'> & { readonly entry: Entry; readonly isSelected: boolean }) {
  const { t } = useTranslation();
  return (
    <Checkbox
      size="xs"
      tabIndex={-1}
      aria-label={t('files.select', { name: entry.name })}
      checked={isSelected}
      onClick={(event) => event.stopPropagation()}
      onChange={() => onSelect(toggled(selected, entry))}
    />
  );
}

function MenuButton({ menuAt, name }: { readonly menuAt: (event: MouseEvent) => void; readonly name: string }) {
  const { t } = useTranslation();
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      tabIndex={-1}
      aria-label={t('files.menuOf', { name })}
      onClick={menuAt}
      onDoubleClick={(event) => event.stopPropagation()}
    >
      <IconDots size={18} />
    </ActionIcon>
  );
}

function Pending({
  layout,
  label,
  index,
}: {
  readonly layout: string;
  readonly label: string;
  readonly index: number;
}) {
  return (
    <div role="row" aria-rowindex={index + 1} className={layout === 'grid' ? 'tile' : 'row'} aria-busy>
      <div role="gridcell" aria-label={label} style={{ gridColumn: '2 / 4', padding: layout === 'grid' ? 12 : 0 }}>
        <Skeleton height={14} width="60%" />
      </div>
    </div>
  );
}

function toggled(selected: ReadonlyMap<string, Entry>, entry: Entry): Entry[] {
  const next = new Map(selected);
  if (!next.delete(entry.path)) next.set(entry.path, entry);
  return [...next.values()];
}

/** What is dragged can be dropped on a folder here; a single file on the desktop too, where the browser can do that. */
function startDrag(event: React.DragEvent, entry: Entry, selected: ReadonlyMap<string, Entry>): void {
  const dragged = selected.has(entry.path) ? [...selected.values()] : [entry];
  event.dataTransfer.setData('application/x-shoal', JSON.stringify(dragged));
  event.dataTransfer.effectAllowed = 'copyMove';
  if (dragged.length !== 1 || entry.kind !== 'file') return;
  const url = new URL('./api/v1/files/content', document.baseURI);
  url.search = new URLSearchParams({ path: entry.path, download: '1' }).toString();
  event.dataTransfer.setData('DownloadURL', `${entry.mediaType}:${entry.name.replaceAll(':', '_')}:${url.href}`);
}

/** Moving through the list by keys, and selecting as file managers do. */
function useKeyboard(
  { rows, total, selected, onSelect, onOpen, onRename, onRemove, onUp }: ListProps,
  columns: number,
  virtual: Virtualizer<HTMLDivElement, Element>,
  scroll: React.RefObject<HTMLDivElement | null>,
) {
  const [active, setActive] = useState(0);
  const anchor = useRef(0);
  const wanted = useRef(false);
  const current = Math.min(active, Math.max(0, total - 1));
  // The row may have to be scrolled to and made first.
  useEffect(() => {
    if (!wanted.current) return;
    const row = scroll.current?.querySelector<HTMLElement>(`[data-index="${current}"]`);
    if (!row) return;
    wanted.current = false;
    row.focus({ preventScroll: true });
  });
  const selectTo = async (index: number) => {
    onSelect(await rows.range(Math.min(anchor.current, index), Math.max(anchor.current, index)));
  };
  const moveTo = (index: number, extend: boolean) => {
    const target = Math.max(0, Math.min(total - 1, index));
    setActive(target);
    wanted.current = true;
    virtual.scrollToIndex(Math.floor(target / columns));
    if (extend) void selectTo(target);
    else anchor.current = target;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target instanceof HTMLInputElement && event.key === ' ') return;
    const entry = rows.at(current);
    const chosen = entry && selected.has(entry.path) ? [...selected.values()] : entry ? [entry] : [];
    const keys: Record<string, () => void> = {
      ArrowDown: () => moveTo(current + columns, event.shiftKey),
      ArrowUp: () => (event.altKey ? onUp() : moveTo(current - columns, event.shiftKey)),
      ...(columns > 1 && {
        ArrowRight: () => moveTo(current + 1, event.shiftKey),
        ArrowLeft: () => moveTo(current - 1, event.shiftKey),
      }),
      Home: () => moveTo(0, event.shiftKey),
      End: () => moveTo(total - 1, event.shiftKey),
      PageDown: () => moveTo(current + columns * 10, event.shiftKey),
      PageUp: () => moveTo(current - columns * 10, event.shiftKey),
      Enter: () => entry && onOpen(entry, current),
      ' ': () => entry && onSelect(toggled(selected, entry)),
      Delete: () => chosen.length > 0 && onRemove(chosen),
      F2: () => entry && onRename(entry),
      Backspace: onUp,
      Escape: () => onSelect([]),
      ...((event.ctrlKey || event.metaKey) && { a: () => void rows.range(0, total - 1).then(onSelect) }),
    };
    const action = keys[event.key];
    if (!action || (event.target as HTMLElement).closest('button')) return;
    event.preventDefault();
    action();
  };
  const onClick = (event: MouseEvent, index: number, entry: Entry) => {
    setActive(index);
    wanted.current = true;
    // A finger has no second button and no keys: it opens.
    const isTouch = (event.nativeEvent as PointerEvent).pointerType === 'touch';
    if (event.shiftKey) {
      void selectTo(index);
      return;
    }
    anchor.current = index;
    if (event.ctrlKey || event.metaKey) onSelect(toggled(selected, entry));
    else if (isTouch && selected.size === 0) onOpen(entry, index);
    else onSelect(isTouch ? toggled(selected, entry) : [entry]);
  };
  return { active: current, onKeyDown, onClick };
}
