/** /api/v1: verification of the store, backups of the node, and contents that come back from one. */
import { pipeline } from 'node:stream/promises';
import type { HttpServices } from '../services.ts';
import { hostOnly } from './imports.ts';
import * as contract from './moving-in-contract.ts';
import { type Operation, operation } from './operation.ts';

const tag = 'backups';

/** The operations on verifications and backups. */
export function backupOperations(services: HttpServices): readonly Operation[] {
  return [
    operation({
      id: 'verifyStore',
      method: 'post',
      path: '/verification',
      tag,
      summary: 'Begins to read every byte of the store; called while it runs, tells how far it is',
      answer: contract.verifyReport,
      handle: () => {
        const { run, joined } = services.verifier.join();
        if (!joined) {
          // Whoever began it may have gone by the time it fails.
          run.ended.catch((error: unknown) => services.logger.error({ err: error }, 'verification failed'));
        }
        return run.progress;
      },
    }),
    operation({
      id: 'readVerification',
      method: 'get',
      path: '/verification',
      tag,
      summary: 'How far the verification is; its report once it has ended',
      answer: contract.verifyState,
      handle: () => ({ ...(services.verifier.report && { verification: services.verifier.report }) }),
    }),
    operation({
      id: 'backup',
      method: 'get',
      path: '/backup',
      tag,
      summary:
        'Catalogue and configuration, as they are at one moment, and if asked for the bytes: a tar stream. Holds secrets',
      query: contract.backupQuery,
      media: 'application/x-tar',
      handle: async ({ query }, request, response) => {
        // The key of the node and its settings are in it.
        hostOnly(services, request);
        const archive = services.backups.begin(query.bytes);
        response.writeHead(200, { 'Content-Type': 'application/x-tar', 'Cache-Control': 'no-store' });
        try {
          await pipeline(archive, response);
        } catch (error) {
          // Headers are out: a cut connection is the only way left to say that the archive is not complete.
          services.logger.error({ err: error }, 'a backup was cut');
          response.destroy();
        }
      },
    }),
    operation({
      id: 'restoreContent',
      method: 'put',
      path: '/contents',
      tag,
      summary: 'Brings back the bytes of files that the catalogue knows and that are not here, as from a backup',
      query: contract.restoredContentQuery,
      bodyMedia: 'application/octet-stream',
      answer: contract.contentRestored,
      handle: async ({ query }, request) => {
        hostOnly(services, request);
        return { files: await services.contents.restore(query.sha256, request) };
      },
    }),
  ];
}
