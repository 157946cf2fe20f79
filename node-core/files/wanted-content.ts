/**
 * Contents that files here need and this disk lacks. They are keyed by sha256; when one arrives its bytes go to every file
 * that still needs them, and to none when nobody does any more (replication.md, 16).
 */
import type { CataloguedFile } from '../catalog/catalog.ts';
import { replicationTables, type Want } from '../catalog/replication-values.ts';
import { chunksOf } from '../storage/byte-source.ts';
import { isPacked } from '../storage/file-store.ts';
import { untouched } from '../storage/identity.ts';
import type { StagedFile } from '../storage/staging.ts';
import type { FilesContext } from './context.ts';
import type { FileStorer } from './store-file.ts';

const copyBytes = 1024 * 1024;

/** Keeps the list of what is wanted, and fills it. */
export class WantedContent {
  readonly #context: FilesContext;
  readonly #storer: FileStorer;

  constructor(context: FilesContext, storer: FileStorer) {
    this.#context = context;
    this.#storer = storer;
  }

  /** Everything that is wanted, in order of the digest. */
  list(): AsyncGenerator<Want> {
    return this.#context.catalog.rows(replicationTables.wants);
  }

  find(sha256: string): Want | undefined {
    return this.#context.catalog.row(replicationTables.wants, sha256);
  }

  /**
   * Notes a try that failed, and when the next one is due.
   * @param lost every member was asked, and none has it; undefined: that is as it was.
   */
  async postpone(sha256: string, nextMs: number, lost?: boolean): Promise<void> {
    const wasLost = await this.#context.catalog.commit((transaction) => {
      const want = transaction.row(replicationTables.wants, sha256);
      if (!want) return true;
      const next = { ...want, attempts: want.attempts + 1, nextMs, lost: lost ?? want.lost };
      transaction.putRow(replicationTables.wants, sha256, next);
      return want.lost;
    });
    if (lost !== true || wasLost) return;
    const paths = (await this.needing(sha256)).map(({ path }) => path);
    this.#context.events.emit('files-lost', { sha256, paths });
  }

  /** Files that need a content. */
  async needing(sha256: string): Promise<CataloguedFile[]> {
    const files = await this.#context.catalog.findByDigest('sha256', sha256);
    return files.filter(({ local }) => local === undefined);
  }

  /**
   * Fills a want with bytes that are on this disk already, in another file or in the trash (replication.md, 7 and 17).
   * @returns whether nothing is wanted of it any more.
   */
  async fillFromHome(sha256: string): Promise<boolean> {
    for (;;) {
      const [file] = await this.needing(sha256);
      if (!file) {
        await this.#drop(sha256);
        return true;
      }
      const staged = await this.#stageFromHome(file);
      if (!staged) return false;
      await this.#storer.fill(staged, file);
    }
  }

  /** Gives arrived bytes to all files that need them. They are consumed. */
  async fill(staged: StagedFile): Promise<void> {
    const { sha256 } = staged.digests;
    const [file] = await this.needing(sha256);
    if (!file) await this.#context.staging.discard(staged);
    else await this.#storer.fill(staged, file);
    // The others find them at home.
    await this.fillFromHome(sha256);
  }

  async #drop(sha256: string): Promise<void> {
    const want = this.find(sha256);
    if (!want) return;
    await this.#context.catalog.commit((transaction) => transaction.removeRow(replicationTables.wants, sha256));
    if (want.damaged !== true) return;
    const paths = (await this.#context.catalog.findByDigest('sha256', sha256)).map(({ path }) => path);
    if (paths.length > 0) this.#context.events.emit('bytes-repaired', { sha256, paths });
  }

  async #stageFromHome({ version }: CataloguedFile): Promise<StagedFile | undefined> {
    const { catalog, store, staging } = this.#context;
    const { sha256 } = version;
    const source = catalog.linkSource(sha256);
    const found = source && store.identify(source.place);
    if (source && found && untouched(found, source.identity) && this.#context.othersWrite?.() !== true) {
      const linked = await staging.linkOwn(source.place, version, catalog.blocks(sha256));
      if (linked) return linked;
    }
    for (const place of await catalog.placesOf(sha256)) {
      const opened = await store.open(place);
      if (!opened) continue;
      try {
        if (!isPacked(place) && opened.identity.size !== version.size) continue;
        const writer = await staging.begin({ expectedBytes: version.size });
        try {
          for await (const chunk of chunksOf(opened.handle, Math.min(copyBytes, version.size + 1)))
            await writer.write(chunk);
        } catch (error) {
          await writer.discard();
          throw error;
        }
        const staged = await writer.finish();
        if (staged.digests.sha256 === sha256) return staged;
        // Somebody has changed it: it stands for nothing any more.
        await staging.discard(staged);
      } finally {
        await opened.handle.close();
      }
    }
    return undefined;
  }
}
