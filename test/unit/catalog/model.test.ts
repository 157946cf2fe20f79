/** Random histories of writes, conflicts and deletes, compared with a model that keeps a list and derives everything. */
import fc from 'fast-check';
import { Level } from 'level';
import { describe, expect, it } from 'vitest';
import { Catalog, type FolderCursor, type FolderRow } from '../../../node-core/catalog/catalog.ts';
import { keys } from '../../../node-core/catalog/keys.ts';
import type { CatalogTransaction } from '../../../node-core/catalog/transaction.ts';
import { dayOf } from '../../../node-core/domain/days.ts';
import { compareVersions, emptyRecord, type FileVersion, viewOf } from '../../../node-core/domain/file-record.ts';
import { baseName, parentOf } from '../../../node-core/domain/paths.ts';
import { digestsOf, nodeId } from '../domain/versions.ts';
import { makeFolder } from '../temp-folder.ts';

const paths = ['a', 'a/b', 'a/b/c', 'a/\u0001', 'd.txt', 'd/é 🐟.txt', 'd/\uffff', 'd/e/f', 'd/e/g'] as const;
const contents = ['', 'one', 'two', 'three!'] as const;
const dayMs = 24 * 60 * 60 * 1000;

const change = fc.record({
  do: fc.constantFrom('write', 'write', 'conflict', 'conflict', 'edit-one', 'remove', 'remove-one', 'make-folder'),
  path: fc.constantFrom(...paths),
  content: fc.constantFrom(...contents),
  day: fc.nat({ max: 2 }),
  which: fc.nat({ max: 3 }),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** Changes of one inner list are committed in one turn, and so in one batch. */
const history = fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { maxLength: 12 });

/** The catalogue as one would write it without any care for speed. */
class Model {
  readonly versions = new Map<string, readonly FileVersion[]>();
  /** Paths by last change, oldest first. */
  feed: string[] = [];

  set(path: string, versions: readonly FileVersion[]): void {
    this.versions.set(path, [...versions].sort(compareVersions));
    this.feed = [...this.feed.filter((other) => other !== path), path];
  }

  /** Everything that shows, by its path; files and made folders of one path stand side by side. */
  get visible() {
    return [...this.versions].flatMap(([path, versions]) => viewOf({ ...emptyRecord(path), versions }));
  }

  get files() {
    return this.visible.filter((file) => file.version.kind === 'file');
  }

  /** Folders that show: made ones, and those above anything that shows. */
  get folders(): Set<string> {
    const found = new Set<string>();
    for (const { path, version } of this.visible) {
      let folder = version.kind === 'dir' ? path : parentOf(path);
      for (; folder !== ''; folder = parentOf(folder)) found.add(folder);
    }
    return found;
  }

  rows(folder: string): string[] {
    const byteOrder = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
    const folders = [...this.folders].filter((one) => parentOf(one) === folder).map(baseName);
    const files = this.files.filter((file) => parentOf(file.path) === folder);
    return [
      ...folders
        .sort(byteOrder)
        .map((name) => `dir ${name} ${this.rows(folder === '' ? name : `${folder}/${name}`).length}`),
      ...files
        .sort((a, b) => byteOrder(a.path, b.path))
        .map((file) => `file ${baseName(file.path)} ${file.version.sha256}`),
    ];
  }

  days(): { day: string; files: number; bytes: number }[] {
    const days = new Map<string, { files: number; bytes: number }>();
    for (const { version } of this.files) {
      for (const day of [dayOf(version.storedMs), 'all']) {
        const sum = days.get(day) ?? { files: 0, bytes: 0 };
        days.set(day, { files: sum.files + 1, bytes: sum.bytes + version.size });
      }
    }
    return [...days].map(([day, sum]) => ({ day, ...sum })).sort((a, b) => (a.day < b.day ? -1 : 1));
  }
}

function apply(transaction: CatalogTransaction, model: Model, one: Change): void {
  const { path } = one;
  const before = model.versions.get(path) ?? [];
  const target = before[one.which % Math.max(1, before.length)];
  const storedMs = Date.UTC(2026, 0, 10, 12) + one.day * dayMs;
  const rest = { digests: digestsOf(one.content), name: baseName(path), scene: 's', mtimeMs: storedMs, storedMs };
  switch (one.do) {
    case 'write':
      model.set(path, [transaction.write(path, { kind: 'file', ...rest })]);
      break;
    case 'make-folder':
      model.set(path, [transaction.write(path, { kind: 'dir', ...rest, digests: digestsOf('') })]);
      break;
    case 'conflict':
      model.set(path, [...before, transaction.write(path, { kind: 'file', ...rest }, [])]);
      break;
    case 'edit-one': {
      if (!target) return;
      const version = transaction.write(path, { kind: 'file', ...rest }, [target.dot]);
      model.set(path, [...before.filter((other) => other !== target), version]);
      break;
    }
    case 'remove':
      transaction.remove(path, 'test');
      model.set(path, []);
      break;
    case 'remove-one':
      if (!target) return;
      transaction.remove(path, 'test', [target.dot]);
      model.set(
        path,
        before.filter((other) => other !== target),
      );
      break;
  }
}

async function listAll(catalog: Catalog, folder: string, limit: number): Promise<FolderRow[]> {
  const rows: FolderRow[] = [];
  for (let after: FolderCursor | undefined; ; ) {
    const page = await catalog.listFolder(folder, { limit, ...(after && { after }) });
    rows.push(...page);
    const last = page.at(-1);
    if (!last || page.length < limit) return rows;
    after = { kind: last.kind, name: last.name };
  }
}

async function compare(catalog: Catalog, model: Model): Promise<void> {
  const folders = new Set([...paths, ...paths.map(parentOf), ...model.folders, '']);
  for (const folder of folders) {
    expect(catalog.hasFolder(folder), `folder ${JSON.stringify(folder)}`).toBe(
      folder === '' || model.folders.has(folder),
    );
    for (const limit of [1, 100]) {
      const rows = (await listAll(catalog, folder, limit)).map((row) =>
        row.kind === 'dir' ? `dir ${row.name} ${row.children}` : `file ${row.name} ${row.sha256}`,
      );
      expect(rows, `rows of ${JSON.stringify(folder)}`).toEqual(model.rows(folder));
    }
  }
  const live = new Map(model.files.map((file) => [file.path, file.version.dot]));
  for (const path of new Set([...paths, ...live.keys()])) {
    expect(catalog.find(path)?.version.dot, `what shows at ${JSON.stringify(path)}`).toEqual(live.get(path));
  }
  for (const content of contents) {
    const digests = digestsOf(content);
    for (const algorithm of ['sha256', 'md5'] as const) {
      const found = await catalog.findByDigest(algorithm, digests[algorithm] ?? '');
      const expected = model.files.filter((file) => file.version.sha256 === digests.sha256).map((file) => file.path);
      expect(found.map((file) => file.path).sort(), `paths of ${algorithm} of ${content}`).toEqual(expected.sort());
    }
  }
  const days = await catalog.dayStatistics();
  const total = model.days().find((row) => row.day === 'all') ?? { files: 0, bytes: 0 };
  expect(catalog.totals()).toEqual({ files: total.files, bytes: total.bytes });
  expect(days.filter((row) => row.day !== 'all' || row.files > 0)).toEqual(model.days());
}

async function feedOf(folder: string): Promise<{ feed: string[]; arrivals: number }> {
  const db = new Level<string, string>(folder, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
  const feed = (await db.values(keys.feedAfter(0)).all()).map((text) => JSON.parse(text) as string);
  const arrivals = (await db.keys({ gt: 'p\0', lt: 'p\u0001' }).all()).length;
  await db.close();
  return { feed, arrivals };
}

describe('the catalogue and its model', () => {
  it('agree on folders, files, digests, statistics and the feed, after every batch and after a restart', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (batches) => {
        const folder = await makeFolder();
        let ms = Date.UTC(2026, 0, 20);
        const clock = { now: () => ms, monotonic: () => ms };
        const options = { folder, nodeId: nodeId('a'), clock, durable: false, onWriteError: () => {}, cacheEntries: 5 };
        const model = new Model();
        let catalog = new Catalog(options);
        await catalog.start();
        try {
          for (const changes of batches) {
            await Promise.all(
              changes.map((one) =>
                catalog.commit((transaction) => {
                  ms += 1;
                  apply(transaction, model, one);
                }),
              ),
            );
            await compare(catalog, model);
          }
          await catalog.stop();
          expect(await feedOf(folder)).toEqual({ feed: model.feed, arrivals: model.feed.length });
          catalog = new Catalog(options);
          await catalog.start();
          await compare(catalog, model);
        } finally {
          await catalog.stop();
        }
      }),
      { numRuns: 60, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
    );
  }, 60_000);
});
