/** What must hold once everything has healed. */
import { createHash } from 'node:crypto';
import { replicationTables } from '../../../node-core/catalog/replication-values.ts';
import { isRefused } from '../../../node-core/domain/removal-cut.ts';
import { type Dot, formatDot, parseDot } from '../../../node-core/domain/version.ts';
import type { Ledger } from './ledger.ts';
import type { Life } from './node.ts';

/** @returns every promise that was broken, in words. */
export async function checkWorld(lives: readonly Life[], ledger: Ledger): Promise<string[]> {
  const [first, ...others] = lives;
  if (!first) return ['no node is alive'];
  const broken: string[] = [];
  const records = await liveRecords(first);
  for (const life of others) {
    const own = await liveRecords(life);
    for (const path of new Set([...records.keys(), ...own.keys()])) {
      if (records.get(path) !== own.get(path))
        broken.push(
          `${short(first)} and ${short(life)} differ at ${path}:\n  ${records.get(path) ?? '-'}\n  ${own.get(path) ?? '-'}`,
        );
    }
    if (JSON.stringify(await first.catalog.buckets()) !== JSON.stringify(await life.catalog.buckets()))
      broken.push(`the trees of ${short(first)} and ${short(life)} differ`);
  }
  for (const life of lives) broken.push(...(await checkBytes(life, ledger)));
  const dots = new Set<string>();
  for (const path of records.keys()) {
    for (const { dot } of first.catalog.record(path)?.versions ?? []) dots.add(formatDot(dot));
  }
  for (const [dot, { path, version, node, void: lost }] of ledger.promised) {
    if (lost || ledger.isAccountedFor(dot, (one) => dots.has(one))) continue;
    broken.push(`${node.slice(0, 4)} acknowledged ${path} (${version.sha256.slice(0, 8)}), and it is gone`);
  }
  for (const dot of dots) {
    const parsed = parseDot(dot);
    if (parsed && isRefused(ledger.cuts, parsed)) broken.push(`${dot} counts, although it is beyond a cut`);
  }
  for (const { path, version, node, void: lost } of ledger.deletes) {
    if (!lost && !ledger.isDisturbed(path) && dots.has(formatDot(version.dot)))
      broken.push(`${node.slice(0, 4)} deleted ${path} (${version.sha256.slice(0, 8)}), and it is back`);
  }
  return broken;
}

async function liveRecords(life: Life): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (
    let page = await life.catalog.readFeed(undefined, 10_000);
    ;
    page = await life.catalog.readFeed(page.cursor, 10_000)
  ) {
    for (const text of page.records) {
      const record = JSON.parse(text) as { path: string; versions: unknown[] };
      if (record.versions.length > 0) found.set(record.path, text);
    }
    if (page.seen) return found;
  }
}

/** Everything that shows has its bytes, nothing is wanted or held, and nothing is left over on the disk. */
async function checkBytes(life: Life, ledger: Ledger): Promise<string[]> {
  const broken: string[] = [];
  const used = new Set<string>();
  for await (const { path } of life.catalog.walk()) {
    const file = life.catalog.find(path);
    try {
      const bytes = await life.read(path);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      if (sha256 !== file?.version.sha256) broken.push(`${short(life)} shows wrong bytes at ${path}`);
    } catch (error) {
      if (file && ledger.lostBytes.has(file.version.sha256)) {
        // What was there before is kept, so that somebody can have it back.
        for (const place of heldAt(life, file.recordPath)) used.add(place);
        continue;
      }
      broken.push(`${short(life)} has no bytes of ${path}: ${String(error)}`);
    }
    if (file?.local) used.add(file.local.place);
  }
  for await (const entry of life.catalog.trash()) used.add(entry.place);
  for (const place of life.disk.files.keys()) {
    if (!used.has(place)) broken.push(`${short(life)} has bytes at ${place} that nothing refers to`);
  }
  for (const { id, path } of await life.catalog.intents())
    broken.push(`${short(life)} has an intent left: ${id} ${path}`);
  return broken;
}

function heldAt({ catalog }: Life, path: string): string[] {
  const held = (catalog.row(replicationTables.held, path) ?? []) as readonly { readonly dot: Dot }[];
  return held.flatMap(({ dot }) => catalog.localOf(path, dot)?.place ?? []);
}

function short(life: Life): string {
  return life.id.slice(0, 4);
}
