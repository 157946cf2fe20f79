/** One entry of the list: a row or a tile, or the place of one that is being read. */
import { ActionIcon, Checkbox, Skeleton, Text } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import type { DragEvent, MouseEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { Entry } from '../../api/types.ts';
import { Name } from '../../components/basics.tsx';
import { formatBytes, formatTime } from '../../components/format.ts';
import { desktop, dragOut } from '../../state/desktop.ts';
import { contentUrl } from './actions.ts';
import { EntryPicture } from './entry-picture.tsx';
import type { ListProps } from './list-props.ts';
import { toggled } from './list-props.ts';

/** What an entry is shown with. */
export interface CellProps extends Omit<ListProps, 'onClick'> {
  readonly index: number;
  readonly entry: Entry | undefined;
  readonly active: boolean;
  readonly loading: string;
  readonly onClick: (event: MouseEvent, index: number, entry: Entry) => void;
}

/** The entry. */
export function Cell(props: CellProps) {
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
    onDragStart: (event: DragEvent) => startDrag(event, entry, selected),
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

/**
 * What is dragged can be dropped on a folder here; a single file on the desktop too, where the browser can do that, and any
 * files where the desktop app does it.
 */
function startDrag(event: DragEvent, entry: Entry, selected: ReadonlyMap<string, Entry>): void {
  const dragged = selected.has(entry.path) ? [...selected.values()] : [entry];
  if (desktop && dragged.every(({ kind }) => kind === 'file')) {
    event.preventDefault();
    dragOut(dragged);
    return;
  }
  event.dataTransfer.setData('application/x-shoal', JSON.stringify(dragged));
  event.dataTransfer.effectAllowed = 'copyMove';
  if (dragged.length !== 1 || entry.kind !== 'file') return;
  const url = contentUrl(entry.path, true);
  event.dataTransfer.setData('DownloadURL', `${entry.mediaType}:${entry.name.replaceAll(':', '_')}:${url}`);
}
