/** What was dropped, pasted or chosen: files with the folders they stand in. */

/** Files with their paths below the folder they go to, and folders that hold nothing. */
export interface Dropped {
  readonly files: readonly { readonly file: File; readonly path: string }[];
  readonly emptyFolders: readonly string[];
}

/** Reads what was dropped, folders with all that is in them. Must be called before the event is over. */
export async function readDropped(transfer: DataTransfer): Promise<Dropped> {
  const files: { file: File; path: string }[] = [];
  const emptyFolders: string[] = [];
  // The list is empty as soon as the event is over.
  const entries = [...transfer.items]
    .filter(({ kind }) => kind === 'file')
    .map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
  for (const entry of entries) {
    if (entry instanceof File) files.push({ file: entry, path: entry.name });
    else if (entry) await walk(entry, '', files, emptyFolders);
  }
  return { files, emptyFolders };
}

/** Files of an input; those of a folder know where they stood. */
export function readChosen(list: FileList): Dropped {
  const files = [...list].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
  return { files, emptyFolders: [] };
}

async function walk(
  entry: FileSystemEntry,
  folder: string,
  files: { file: File; path: string }[],
  emptyFolders: string[],
): Promise<void> {
  const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    files.push({ file, path });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  let found = 0;
  for (;;) {
    // A browser gives a hundred at a time, and nothing at the end.
    const page = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (page.length === 0) break;
    found += page.length;
    for (const one of page) await walk(one, path, files, emptyFolders);
  }
  if (found === 0) emptyFolders.push(path);
}
