/**
 * Conflicts: versions of one path that were written without knowing of each other (replication.md, 1). They show beside each other until somebody
 * resolves them; what somebody decides is about the very versions that were looked at.
 */
import type { CataloguedFile } from '../catalog/catalog.ts';
import { ShoalError } from '../domain/errors.ts';
import { viewOf } from '../domain/file-record.ts';
import { baseName, joinPath, parentOf, splitExtension } from '../domain/paths.ts';
import { formatDot, sameDot } from '../domain/version.ts';
import type { FilesContext } from './context.ts';
import type { FileMover } from './move-file.ts';
import type { FileRemover } from './remove-file.ts';

/** Names tried for a version that is kept beside another one. */
const maxNames = 1000;

/** A path with several versions, the one that shows at it first. */
export interface Conflict {
  readonly path: string;
  readonly versions: readonly CataloguedFile[];
}

/** What becomes of a conflict. */
export interface Resolution {
  readonly path: string;
  /** Ids of all versions that were looked at. */
  readonly seen: readonly string[];
  /** Id of the version that stays at the path. */
  readonly keep: string;
  /** What becomes of the others: they go to the trash, or get names of their own. */
  readonly others: 'delete' | 'rename';
  /** Names of their own, by id of the version; paths. Chosen where none is given. */
  readonly names?: Readonly<Record<string, string>>;
  readonly by: string;
}

/** Id of a version. */
export function versionId({ version }: CataloguedFile): string {
  return formatDot(version.dot);
}

/** Lists conflicts and resolves them. */
export class Conflicts {
  readonly #context: FilesContext;
  readonly #remover: FileRemover;
  readonly #mover: FileMover;

  constructor(context: FilesContext, remover: FileRemover, mover: FileMover) {
    this.#context = context;
    this.#remover = remover;
    this.#mover = mover;
  }

  /** One page, in order of the conflict names. @param cursor of the page before. */
  async list(limit: number, cursor = ''): Promise<{ readonly conflicts: Conflict[]; readonly cursor?: string }> {
    const conflicts: Conflict[] = [];
    const paths = new Set<string>();
    let last = cursor;
    for await (const { name, path } of this.#context.catalog.conflictNames(cursor)) {
      if (paths.size === limit && !paths.has(path)) return { conflicts, cursor: last };
      last = name;
      if (paths.has(path)) continue;
      paths.add(path);
      const conflict = this.find(path);
      // One that runs over the end of a page is told on the page where its first name stands.
      if (conflict && (cursor === '' || firstNameOf(conflict) > cursor)) conflicts.push(conflict);
    }
    return { conflicts };
  }

  /** The conflict at a path, if there is one. */
  find(path: string): Conflict | undefined {
    const { catalog } = this.#context;
    const record = catalog.record(path);
    const versions = record
      ? viewOf(record).flatMap(({ version }) => catalog.findVersion(path, version.dot) ?? [])
      : [];
    return versions.length > 1 ? { path, versions } : undefined;
  }

  /**
   * Resolves a conflict. What was written meanwhile without being looked at is not touched.
   * @throws ShoalError CONFLICT_NOT_FOUND, CONFLICT_CHANGED, TARGET_EXISTS, PATH_INVALID.
   */
  async resolve({ path, seen, keep, others, names = {}, by }: Resolution): Promise<void> {
    const conflict = this.find(path);
    if (!conflict) throw new ShoalError('CONFLICT_NOT_FOUND', { details: { path } });
    const ids = conflict.versions.map(versionId);
    const isSame = ids.length === seen.length && ids.every((id) => seen.includes(id)) && ids.includes(keep);
    if (!isSame) throw new ShoalError('CONFLICT_CHANGED', { details: { path } });
    for (const { version } of conflict.versions) {
      const id = formatDot(version.dot);
      if (id === keep) continue;
      // The names of the others depend on which of them shows: each is looked for anew.
      const file = this.#context.catalog.findVersion(path, version.dot);
      if (!file) throw new ShoalError('CONFLICT_CHANGED', { details: { path } });
      if (others === 'delete') await this.#remove(file, by);
      else await this.#rename(file, names[id] ?? this.#freeName(file), by);
    }
    this.#context.events.emit('conflict-gone', { path });
  }

  async #remove(file: CataloguedFile, by: string): Promise<void> {
    const removed = await this.#remover.removeVersion(file, by);
    if (!removed) throw new ShoalError('CONFLICT_CHANGED', { details: { path: file.recordPath } });
  }

  async #rename(file: CataloguedFile, to: string, by: string): Promise<void> {
    const current = this.#context.catalog.find(file.path);
    if (!current || !sameDot(current.version.dot, file.version.dot))
      throw new ShoalError('CONFLICT_CHANGED', { details: { path: file.recordPath } });
    await this.#mover.move(file.path, to, { by });
  }

  /** `name (2).ext`, `name (3).ext` ... beside the path. */
  #freeName({ recordPath }: CataloguedFile): string {
    const { stem, extension } = splitExtension(baseName(recordPath));
    for (let number = 2; number < maxNames; number += 1) {
      const path = joinPath(parentOf(recordPath), `${stem} (${number})${extension}`);
      if (!this.#context.catalog.find(path) && !this.#context.catalog.hasFolder(path)) return path;
    }
    throw new ShoalError('PATH_INVALID', { details: { reason: 'too many files of this name' } });
  }
}

/** The first of the names beside the path, in the order of the list. */
function firstNameOf({ path, versions }: Conflict): string {
  const names = versions.map((file) => file.path).filter((name) => name !== path);
  return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))[0] ?? '';
}
