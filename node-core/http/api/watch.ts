/** /api/v1: the store's folder that other programs write, too. */
import type { HttpServices } from '../services.ts';
import * as contract from './moving-in-contract.ts';
import { type Operation, operation } from './operation.ts';

const tag = 'watching';

/** Paths that the state names. */
const namedPaths = 100;

/** The operations on the watching of the store. */
export function watchOperations(services: HttpServices): readonly Operation[] {
  const state = () => {
    const { enabled, waiting, scannedMs, held } = services.watcher.state;
    return {
      enabled,
      waiting,
      ...(scannedMs !== undefined && { scannedMs }),
      ...(held && {
        held: {
          id: held.id,
          sinceMs: held.sinceMs,
          files: held.paths.length,
          total: held.total,
          paths: held.paths.slice(0, namedPaths),
        },
      }),
    };
  };
  return [
    operation({
      id: 'watchState',
      method: 'get',
      path: '/watch',
      tag,
      summary: 'How the watching of the store is, and which removals wait for a word',
      answer: contract.watchState,
      handle: state,
    }),
    operation({
      id: 'scanStore',
      method: 'post',
      path: '/watch/scan',
      tag,
      summary: 'Looks now for what other programs changed; it is taken in once it is quiet',
      answer: contract.watchState,
      handle: async () => {
        await services.watcher.scan();
        return state();
      },
    }),
    operation({
      id: 'answerRemovals',
      method: 'post',
      path: '/watch/removals',
      tag,
      summary: 'Says of files that went at once whether they were deleted, or are to be kept in the catalogue',
      body: contract.removalsAnswer,
      answer: contract.removalsAnswered,
      handle: async ({ body }) => ({ removed: await services.watcher.answer(body.id, body.decision) }),
    }),
  ];
}
