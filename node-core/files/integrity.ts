/** Are the bytes on disk still those that were acknowledged? Cheap when nothing touched them, by digest when in doubt. */
import type { CataloguedFile } from '../catalog/catalog.ts';
import { formatDot } from '../domain/version.ts';
import { ContentHasher } from '../storage/content-hasher.ts';
import { isPacked, type OpenedBytes, type Place } from '../storage/file-store.ts';
import { sameContent } from '../storage/identity.ts';
import { type FilesContext, withPath } from './context.ts';

/** Bytes read at once while a file is hashed again. */
const readBytes = 1024 * 1024;

/** Whether the bytes of a file stand here unharmed. The caller holds the path. */
export async function isIntact(context: FilesContext, file: CataloguedFile): Promise<boolean> {
  if (!file.local) return false;
  // Nothing but reading tells of a damaged frame; it is small.
  if (isPacked(file.local.place)) return isFrameSound(context, file.local.place);
  const found = context.store.identify(file.local.place);
  if (!found) return false;
  return sameContent(found, file.local.identity) || adoptByDigest(context, file);
}

async function isFrameSound(context: FilesContext, place: Place): Promise<boolean> {
  const opened = await context.store.open(place);
  await opened?.handle.close();
  return opened !== undefined;
}

/**
 * Hashes bytes whose times have changed. When they are what was acknowledged (the store was copied to another disk
 * without its times) their new identity is recorded. The caller holds the path.
 */
export async function adoptByDigest(context: FilesContext, file: CataloguedFile): Promise<boolean> {
  const { local, version, recordPath } = file;
  if (!local) return false;
  const opened = await context.store.open(local.place);
  if (!opened) return false;
  try {
    if (opened.identity.size !== version.size || (await sha256Of(opened)) !== version.sha256) {
      context.events.emit('bytes-damaged', { path: file.path, place: local.place });
      return false;
    }
  } finally {
    await opened.handle.close();
  }
  await context.catalog.commit((transaction) => {
    const current = transaction.local(recordPath, version.dot);
    if (current?.place !== local.place) return;
    transaction.setLocal(recordPath, version, {
      ...current,
      identity: opened.identity,
      verifiedMs: context.clock.now(),
    });
  });
  return true;
}

/** Waits until nobody is placing bytes at a path, then says whether a file still shows what it did. */
export function settled(context: FilesContext, file: CataloguedFile): Promise<boolean> {
  return withPath(context, file.recordPath, async () => {
    const now = context.catalog.find(file.path);
    return (
      now !== undefined &&
      formatDot(now.version.dot) === formatDot(file.version.dot) &&
      now.local?.place === file.local?.place
    );
  });
}

async function sha256Of(opened: OpenedBytes): Promise<string> {
  const hasher = new ContentHasher('md5');
  const buffer = Buffer.allocUnsafe(readBytes);
  for (let position = 0; ; ) {
    const { bytesRead } = await opened.handle.read(buffer, 0, readBytes, position);
    if (bytesRead === 0) return hasher.finish().digests.sha256;
    hasher.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}
