/**
 * Is a go-fastdfs node running on a folder? Its LevelDB holds a lock on the file LOCK: flock(2) where it is the Go
 * implementation, fcntl(2) where it is the C++ one. Node has neither call, so the kernel is asked in other ways. Nothing
 * here writes to the source.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../../domain/errors.ts';

/** BSD and macOS: open(2) takes an exclusive flock, or fails at once together with O_NONBLOCK. */
const exclusiveLockFlag = 0x20;

/** Exit code that flock(1) is told to end with when it does not get the lock. */
const lockedCode = 77;

/** Whether a process holds the lock of a LevelDB folder, as far as this system can tell. */
export async function isDatabaseLocked(folder: string): Promise<boolean> {
  const file = path.join(folder, 'LOCK');
  const found = await stat(file, { bigint: true }).catch(() => undefined);
  if (!found?.isFile()) return false;
  switch (process.platform) {
    case 'linux':
      return (await isInProcLocks(found.dev, found.ino)) || (await isRefusedByFlock(file));
    case 'darwin':
    case 'freebsd':
    case 'openbsd':
      return isRefusedByOpen(file, constants.O_RDONLY | constants.O_NONBLOCK | exclusiveLockFlag);
    default:
      // Windows: the lock is the open file itself, which nobody else may open.
      return isRefusedByOpen(file, constants.O_RDWR);
  }
}

/** proc_locks(5): `1: FLOCK  ADVISORY  WRITE 1234 fd:01:131090 0 EOF`, device and inode; devices are hex. */
async function isInProcLocks(dev: bigint, inode: bigint): Promise<boolean> {
  const text = await readFile('/proc/locks', 'utf8').catch(() => '');
  // makedev(3): twelve bits of the major number, then the minor in two parts.
  const major = (dev >> 8n) & 0xfffn;
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xfff00n);
  return text.split('\n').some((line) => {
    const [majorHex = '', minorHex = '', inodeText = ''] =
      line.match(/ ([\da-f]+:[\da-f]+:\d+) /)?.[1]?.split(':') ?? [];
    if (inodeText === '' || BigInt(inodeText) !== inode) return false;
    return BigInt(`0x${majorHex}`) === major && BigInt(`0x${minorHex}`) === minor;
  });
}

/** flock(1) of util-linux also sees processes of other containers, which /proc/locks hides. Without it: not locked. */
function isRefusedByFlock(file: string): Promise<boolean> {
  const args = ['--shared', '--nonblock', '--conflict-exit-code', String(lockedCode), file, 'true'];
  return new Promise((resolve) => {
    execFile('flock', args, { timeout: 5000 }, (error) => resolve(error?.code === lockedCode));
  });
}

async function isRefusedByOpen(file: string, flags: number): Promise<boolean> {
  try {
    const handle = await open(file, flags);
    await handle.close();
    return false;
  } catch (error) {
    return ['EAGAIN', 'EWOULDBLOCK', 'EBUSY', 'EPERM'].includes(errnoOf(error) ?? '');
  }
}
