/** /api/v1: the trash. */
import type { TrashEntry } from '../../catalog/values.ts';
import { normalizePath } from '../../domain/paths.ts';
import { type HttpServices, readOnlyCheck } from '../services.ts';
import * as contract from './contract.ts';
import { detailsOf } from './files.ts';
import { type Operation, operation } from './operation.ts';

const tag = 'trash';

/** The operations on the trash. */
export function trashOperations(services: HttpServices): readonly Operation[] {
  return [
    operation({
      id: 'listTrash',
      method: 'get',
      path: '/trash',
      tag,
      summary: 'What was deleted or replaced, by whom and when',
      query: contract.trashQuery,
      answer: contract.trashPage,
      handle: async ({ query }) => {
        const entries = await services.trash.list(query.limit, query.cursor);
        const last = entries.length === query.limit ? entries.at(-1) : undefined;
        return { entries: entries.map(entryOf), ...(last && { cursor: last.id }) };
      },
    }),
    operation({
      id: 'restore',
      method: 'post',
      path: '/trash/restore',
      tag,
      summary: 'Brings bytes back from the trash',
      body: contract.restoreBody,
      answer: contract.fileDetails,
      handle: async ({ body }, request) => {
        readOnlyCheck(services);
        const file = await services.trash.restore(body.id, {
          ...(body.path !== undefined && { path: normalizePath(body.path) }),
          occupied: body.replace ? 'replace' : 'refuse',
          by: services.access.addressOf(request),
        });
        return detailsOf(file);
      },
    }),
    operation({
      id: 'discardTrash',
      method: 'delete',
      path: '/trash',
      tag,
      summary: 'Frees one entry, or everything in the trash',
      query: contract.discardQuery,
      answer: contract.changed,
      handle: async ({ query }) => {
        readOnlyCheck(services);
        if (query.id === undefined) return { done: await services.trash.empty(), failed: 0, finished: true };
        await services.trash.discard(query.id);
        return { done: 1, failed: 0, finished: true };
      },
    }),
  ];
}

function entryOf({ id, path, name, size, sha256, reason, by, trashedMs }: TrashEntry) {
  return { id, path, name, size, sha256, reason, by, trashedMs };
}
