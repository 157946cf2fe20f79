/** What the use cases need of the disk. The classes beside this are the real thing; simulations have theirs in memory. */
import type { ContentDigests } from '../domain/digests.ts';
import type { FileStore } from './file-store.ts';
import type { StagedFile, StagedWriter, Staging } from './staging.ts';
import type { StoreGuard } from './store-guard.ts';

/** Where bytes stand. */
export type FilePlaces = { [K in keyof FileStore]: FileStore[K] };

/** One content that is being written. */
export type ContentWriter = { [K in 'id' | 'size' | 'write' | 'finish' | 'discard']: StagedWriter[K] };

/** Where contents are written before they have a place. */
export interface StagingArea {
  begin(...limits: Parameters<Staging['begin']>): Promise<ContentWriter>;
  linkOwn(source: string, content: ContentDigests, blocks: Buffer): Promise<StagedFile | undefined>;
  discard(staged: StagedFile): Promise<void>;
  drain(ms: number): Promise<void>;
  sweep(isReferred: (id: string) => boolean): Promise<number>;
}

/** Whether bytes may be written. */
export type SpaceGuard = { [K in keyof StoreGuard]: StoreGuard[K] };
