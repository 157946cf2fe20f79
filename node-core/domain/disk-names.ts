/**
 * Which logical paths a disk can hold under their own name.
 *
 * A path that cannot stand on this disk is kept under `_alt/<id>` (replication.md, 6): every member stores every file,
 * whatever names its file system knows.
 */

/** The families of file systems that differ in what names they hold. */
export type DiskFamily = 'posix' | 'windows';

/** Longest name of one file or folder, in bytes of UTF-8; ext4, xfs, btrfs, apfs and NTFS agree on 255. */
const maxSegmentBytes = 255;

/** Longest place below the store's root, in bytes: PATH_MAX is 4096 with the root's own path before it. */
const maxPlaceBytes = { posix: 3500, windows: 3500 } as const;

const windowsDevice = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: Windows forbids exactly these characters.
const windowsForbidden = /[<>:"|?*\\\u0000-\u001f]/;

/** Whether a logical path can be a place on a disk of that family as it is. */
export function canStandOnDisk(path: string, family: DiskFamily): boolean {
  if (Buffer.byteLength(path) > maxPlaceBytes[family]) return false;
  return path.split('/').every((segment) => {
    if (Buffer.byteLength(segment) > maxSegmentBytes) return false;
    if (family === 'posix') return true;
    return !windowsDevice.test(segment) && !windowsForbidden.test(segment) && !/[. ]$/.test(segment);
  });
}
