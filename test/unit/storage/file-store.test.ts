import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileStore, storeFolders } from '../../../node-core/storage/file-store.ts';
import { FolderSync } from '../../../node-core/storage/folder-sync.ts';
import { makeFolder } from '../temp-folder.ts';

async function open(family: 'posix' | 'windows' = 'posix') {
  const root = path.join(await makeFolder(), 'files');
  await mkdir(root);
  const store = new FileStore(root, new FolderSync(true), undefined, family);
  await store.prepare();
  const stage = async (content: string) => {
    const id = randomBytes(4).toString('hex');
    await writeFile(store.pathOf(`_tmp/${id}`), content);
    return id;
  };
  return {
    root,
    store,
    stage,
    /** Stages a content and places it. */
    put: async (logicalPath: string, content: string) => {
      const id = await stage(content);
      return { id, ...(await store.place(`_tmp/${id}`, id, logicalPath)) };
    },
    read: (place: string) => readFile(store.pathOf(place), 'utf8'),
  };
}

describe('FileStore.place', () => {
  it('puts bytes at their natural place, in new folders too', async () => {
    const { store, put, read, root } = await open();
    for (const name of ['a', 'd/e/f/a.txt', 'd/é 🐟', '...', 'a:b*?"<>|', ' x ']) {
      const { place, identity } = await put(name, name);
      expect(place).toBe(name);
      expect(await read(place)).toBe(name);
      expect(identity).toEqual(store.identify(place));
    }
    expect(await readdir(path.join(root, '_tmp'))).toEqual([]);
  });

  const long = 'n'.repeat(300);
  it.each([
    ['a file is where a folder should be', 'a/b', async (put: (p: string, c: string) => unknown) => put('a', 'old')],
    ['a file is far above', 'a/b/c/d', async (put: (p: string, c: string) => unknown) => put('a', 'old')],
    ['a folder with files is in the way', 'a', async (put: (p: string, c: string) => unknown) => put('a/b', 'old')],
    ['another file stands there', 'a', async (put: (p: string, c: string) => unknown) => put('a', 'old')],
    ['its name is too long', `d/${long}`, async () => {}],
    ['a folder of it has too long a name', `${long}/d`, async () => {}],
    ['a name of many bytes is too long', '文'.repeat(86), async () => {}],
  ])('puts bytes into _alt when %s', async (_why, logicalPath, prepare) => {
    const { put, read, root } = await open();
    await prepare(put);
    const { place, id } = await put(logicalPath, 'new');
    expect(place).toBe(`_alt/${id}`);
    expect(await read(place)).toBe('new');
    const before = (await readdir(root, { recursive: true, withFileTypes: true })).filter(
      (entry) => entry.isFile() && !entry.parentPath.includes('_alt'),
    );
    for (const entry of before) expect(await readFile(path.join(entry.parentPath, entry.name), 'utf8')).toBe('old');
  });

  it.each(['CON', 'd/nul.txt', 'a:b', 'ends.', 'ends ', 'a\u0001'])(
    'puts %j into _alt on a disk of Windows',
    async (name) => {
      const { put } = await open('windows');
      expect((await put(name, 'x')).place).toMatch(/^_alt\//);
    },
  );

  it('never overwrites a file that is not its own, nor a link', async () => {
    const { put, read, root } = await open();
    await writeFile(path.join(root, 'foreign'), 'theirs');
    await symlink('/nowhere', path.join(root, 'dangling'));
    expect((await put('foreign', 'ours')).place).toMatch(/^_alt\//);
    expect((await put('dangling', 'ours')).place).toMatch(/^_alt\//);
    expect(await read('foreign')).toBe('theirs');
  });

  it('takes the name of an empty folder that nobody needs', async () => {
    const { put, root } = await open();
    await mkdir(path.join(root, 'a'));
    expect((await put('a', 'x')).place).toBe('a');
  });

  it('stays in the store when a link in it leads elsewhere, and makes nothing there', async () => {
    const { put, root } = await open();
    const outside = await makeFolder();
    await symlink(outside, path.join(root, 'link'));
    expect((await put('link/a', 'x')).place).toMatch(/^_alt\//);
    expect((await put('link/deep/er/a', 'x')).place).toMatch(/^_alt\//);
    expect(await readdir(outside)).toEqual([]);
  });

  it('follows a link that stays inside', async () => {
    const { put, root, read } = await open();
    await mkdir(path.join(root, 'real'));
    await symlink('real', path.join(root, 'link'));
    expect((await put('link/a', 'x')).place).toBe('link/a');
    expect(await read('real/a')).toBe('x');
  });

  it('makes a folder again that was taken away', async () => {
    const { put, root } = await open();
    await put('d/e/a', 'x');
    await rm(path.join(root, 'd'), { recursive: true });
    expect((await put('d/e/b', 'x')).place).toBe('d/e/b');
  });

  it('puts fifty files at once into new folders, while empty ones are removed', async () => {
    const { put, store, read } = await open();
    const work = Array.from({ length: 50 }, async (_, i) => {
      const { place } = await put(`x/${i % 5}/y/f${i}`, `${i}`);
      await store.pruneEmptyFolders(`x/${(i + 1) % 5}/y/gone`);
      return { place, i };
    });
    for (const { place, i } of await Promise.all(work)) {
      expect(place).toBe(`x/${i % 5}/y/f${i}`);
      expect(await read(place)).toBe(`${i}`);
    }
  });
});

describe('FileStore.findPlaced', () => {
  it('finds bytes after a crash at their place or in _alt, by inode and size', async () => {
    const { store, put, stage } = await open();
    const natural = await put('d/a', 'one');
    expect(await store.findPlaced(natural.id, 'd/a', natural.identity)).toBe('d/a');
    const other = await put('d/a', 'two');
    expect(await store.findPlaced(other.id, 'd/a', other.identity)).toBe(`_alt/${other.id}`);
    const id = await stage('three');
    const staged = store.identify(`_tmp/${id}`);
    expect(staged && (await store.findPlaced(id, 'd/a', staged))).toBeUndefined();
  });
});

describe('FileStore.linkStaged', () => {
  it('makes the staged bytes share the inode of equal ones', async () => {
    const { store, put, stage, root } = await open();
    const { identity } = await put('a', 'same');
    const id = await stage('same');
    const linked = await store.linkStaged(`_tmp/${id}`, 'a');
    expect(linked?.ino).toBe(identity.ino);
    expect(linked).toEqual(store.identify('a'));
    expect(await readdir(path.join(root, '_tmp'))).toEqual([id]);
  });

  it('keeps the staged bytes when the others are gone', async () => {
    const { store, stage, read } = await open();
    const id = await stage('same');
    expect(await store.linkStaged(`_tmp/${id}`, 'nothing/here')).toBeUndefined();
    expect(await read(`_tmp/${id}`)).toBe('same');
  });
});

describe('FileStore.move', () => {
  it('moves bytes and says whether there were any', async () => {
    const { store, put, read } = await open();
    await put('d/a', 'x');
    expect(await store.move('d/a', '_trash/1')).toBe(true);
    expect(await read('_trash/1')).toBe('x');
    expect(await store.move('d/a', '_trash/1')).toBe(false);
    expect(await store.move('no/such/folder', '_trash/2')).toBe(false);
    expect(await store.idsIn('trash')).toEqual(['1']);
  });

  it('does not fail when the folder it leaves is pruned beside it', async () => {
    const root = path.join(await makeFolder(), 'files');
    await mkdir(root);
    /** A delete of the folder's last other file is just quicker than the sync. */
    class PrunedBeside extends FolderSync {
      override async sync(folder: string): Promise<void> {
        if (folder.includes('going')) await rm(folder, { recursive: true });
        return super.sync(folder);
      }
    }
    const store = new FileStore(root, new PrunedBeside(true));
    await store.prepare();
    await mkdir(path.join(root, 'going'));
    await writeFile(path.join(root, 'going', 'a'), 'a');
    expect(await store.move('going/a', '_trash/a')).toBe(true);
    expect(await readFile(path.join(root, '_trash', 'a'), 'utf8')).toBe('a');
    await mkdir(path.join(root, 'going'));
    await writeFile(path.join(root, 'going', 'b'), 'b');
    expect((await store.place('going/b', 'id', 'kept/b')).place).toBe('kept/b');
  });

  it('leaves one name when both are the same inode', async () => {
    const { store, put } = await open();
    await put('a', 'x');
    await link(store.pathOf('a'), store.pathOf('_trash/1'));
    expect(await store.move('a', '_trash/1')).toBe(true);
    expect(existsSync(store.pathOf('a'))).toBe(false);
    expect((await stat(store.pathOf('_trash/1'))).nlink).toBe(1);
  });
});

describe('FileStore.open, remove and pruneEmptyFolders', () => {
  it('opens regular files only', async () => {
    const { store, put, root } = await open();
    await put('d/a', 'x');
    await symlink('d/a', path.join(root, 'link'));
    const opened = await store.open('d/a');
    expect(opened?.identity).toEqual(store.identify('d/a'));
    await opened?.handle.close();
    for (const place of ['d', 'link', 'none', 'd/a/below']) expect(await store.open(place), place).toBeUndefined();
  });

  it('removes bytes, also those that are gone, also from folders that are gone', async () => {
    const { store, put } = await open();
    await put('d/a', 'x');
    await store.remove('d/a');
    await store.remove('d/a');
    await store.remove('no/such/a');
    expect(store.identify('d/a')).toBeUndefined();
  });

  it('removes empty folders upwards and stops at the first with something in it', async () => {
    const { store, put, root } = await open();
    await put('a/b/c/d', 'x');
    await put('a/e', 'x');
    await store.remove('a/b/c/d');
    await store.pruneEmptyFolders('a/b/c/d');
    expect(await readdir(path.join(root, 'a'))).toEqual(['e']);
    await store.pruneEmptyFolders('_alt/x');
    await store.pruneEmptyFolders('no/such/folder');
    expect((await readdir(root)).sort()).toEqual([...Object.values<string>(storeFolders), 'a'].sort());
  });
});
