/** /api/v1: the packs that hold small files. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ShoalError } from '../../domain/errors.ts';
import { type HttpServices, readOnlyCheck } from '../services.ts';
import * as contract from './contract.ts';
import { type Operation, operation } from './operation.ts';

const tag = 'packs';

/** How long a caller who began a packing waits for its end, in milliseconds. */
const waitMs = 20_000;

/** The operations on packs. */
export function packOperations(services: HttpServices): readonly Operation[] {
  return [
    operation({
      id: 'packFiles',
      method: 'post',
      path: '/packs',
      tag,
      summary: 'Moves small files that stand by themselves into packs; called again while it runs, tells how far it is',
      answer: contract.packing,
      handle: async () => {
        readOnlyCheck(services);
        if (services.watcher.enabled) throw new ShoalError('STORE_WATCHED');
        const { run, joined } = services.packer.join();
        if (!joined) {
          // Whoever began it may have gone by the time it fails.
          run.ended.catch((error: unknown) => services.logger.error({ err: error }, 'packing failed'));
          await Promise.race([run.ended, sleep(waitMs, undefined, { ref: false })]);
        }
        return { finished: run.finished, ...run.progress };
      },
    }),
    operation({
      id: 'compactPacks',
      method: 'post',
      path: '/packs/compact',
      tag,
      summary: 'Rewrites the pack segments of which more than half is not used any more',
      answer: contract.compaction,
      handle: () => services.packKeeper.compact(),
    }),
  ];
}
