import type { Virtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type MouseEvent, type RefObject, useEffect, useRef, useState } from 'react';
import type { Entry } from '../../api/types.ts';
import { type ListProps, toggled } from './list-props.ts';

/** Moving through the list by keys, and selecting as file managers do. */
export function useKeyboard(
  { rows, total, selected, onSelect, onOpen, onRename, onRemove, onUp }: ListProps,
  columns: number,
  virtual: Virtualizer<HTMLDivElement, Element>,
  scroll: RefObject<HTMLDivElement | null>,
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
