/** What the list of entries is given, and what it tells. */
import type { View } from '../../api/queries.ts';
import type { Entry } from '../../api/types.ts';
import type { Rows } from './rows.ts';

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

/** What the list is given. */
export interface ListProps extends ListEvents {
  readonly rows: Rows;
  readonly total: number;
  readonly view: Pick<View, 'sort' | 'order'>;
  readonly layout: 'list' | 'grid';
  /** Entries stand in different folders: each says where. */
  readonly showFolders: boolean;
  readonly selected: ReadonlyMap<string, Entry>;
  readonly label: string;
}

/** A selection with an entry in it that was not, or without one that was. */
export function toggled(selected: ReadonlyMap<string, Entry>, entry: Entry): Entry[] {
  const next = new Map(selected);
  if (!next.delete(entry.path)) next.set(entry.path, entry);
  return [...next.values()];
}
