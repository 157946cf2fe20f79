/** Files that are dropped or pasted, and entries that are dragged to another folder. */
import { useQueryClient } from '@tanstack/react-query';
import { type DragEvent, useEffect, useRef, useState } from 'react';
import type { Entry } from '../../api/types.ts';
import { isOwnDrag, takeDragged } from '../../state/desktop.ts';
import { folderOf, moveEntries } from './actions.ts';
import { type Dropped, readDropped } from './dropped.ts';

/** Files that are pasted anywhere but into a field are uploaded. */
export function usePaste(onFiles: (files: Promise<Dropped>) => void): void {
  const handler = useRef(onFiles);
  handler.current = onFiles;
  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => {
      if (!event.clipboardData || event.clipboardData.files.length === 0) return;
      event.preventDefault();
      handler.current(readDropped(event.clipboardData));
    };
    document.addEventListener('paste', onPaste);
    return () => document.removeEventListener('paste', onPaste);
  }, []);
}

/** Files from outside are uploaded into the folder that is shown; entries of the app are moved to where they are dropped. */
export function useDrop(folder: string, onFiles: (files: Promise<Dropped>) => void) {
  const client = useQueryClient();
  const [depth, setDepth] = useState(0);
  const isFromOutside = (event: DragEvent) => event.dataTransfer.types.includes('Files') && !isOwnDrag();
  const handlers = {
    onDragEnter: (event: DragEvent) => isFromOutside(event) && setDepth((old) => old + 1),
    onDragLeave: (event: DragEvent) => isFromOutside(event) && setDepth((old) => Math.max(0, old - 1)),
    onDragOver: (event: DragEvent) => event.preventDefault(),
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      setDepth(0);
      if (isFromOutside(event)) onFiles(readDropped(event.dataTransfer));
      else moveDropped(event, targetOf(event) ?? folder);
    },
  };
  const moveDropped = (event: DragEvent, target: string) => {
    const text = event.dataTransfer.getData('application/x-shoal');
    const dropped = text === '' ? takeDragged() : (JSON.parse(text) as Entry[]);
    const entries = dropped.filter(
      ({ path }) => path !== target && folderOf(path) !== target && !target.startsWith(`${path}/`),
    );
    if (entries.length > 0) void moveEntries(client, entries, target);
  };
  return {
    isOver: depth > 0,
    handlers,
    onDropInside: (event: DragEvent, target: string) => {
      event.preventDefault();
      event.stopPropagation();
      moveDropped(event, target);
    },
  };
}

/** The folder whose row or tile something was dropped on. */
function targetOf(event: DragEvent): string | undefined {
  const row = (event.target as HTMLElement).closest<HTMLElement>('[data-folder]');
  return row?.dataset.folder;
}
