/** /api/v1: imports of folders of the host. */
import type { Request } from 'express';
import { isLoopback } from '../../access/network.ts';
import { ShoalError } from '../../domain/errors.ts';
import type { ImportReport } from '../../import/import-report.ts';
import type { HttpServices } from '../services.ts';
import * as contract from './moving-in-contract.ts';
import { type Operation, operation } from './operation.ts';

const tag = 'moving in';

/**
 * The operations on imports. Only from the host itself: whoever may name a folder of the host can read all that the node
 * can read. `read_only` does not refuse them: it is about uploads, and a read-only store moves in too.
 */
export function importOperations(services: HttpServices): readonly Operation[] {
  return [
    operation({
      id: 'beginImport',
      method: 'post',
      path: '/imports',
      tag,
      summary: 'Begins to take in a go-fastdfs store or a folder of the host; what is there already is left alone',
      body: contract.importBody,
      answer: contract.importReport,
      handle: async ({ body }, request) => {
        hostOnly(services, request);
        return answerOf(await services.imports.begin({ ...body, by: services.access.addressOf(request) }));
      },
    }),
    operation({
      id: 'readImport',
      method: 'get',
      path: '/imports',
      tag,
      summary: 'How far the import is; its report once it has ended',
      answer: contract.importState,
      handle: () => {
        const { report } = services.imports;
        return report ? { import: answerOf(report) } : {};
      },
    }),
    operation({
      id: 'cancelImport',
      method: 'delete',
      path: '/imports',
      tag,
      summary: 'Ends the import under way; begun again, it goes on where it was',
      answer: contract.importState,
      handle: async () => {
        await services.imports.cancel();
        const { report } = services.imports;
        return report ? { import: answerOf(report) } : {};
      },
    }),
  ];
}

/** @throws ShoalError HOST_ONLY for a caller that is not on the host. */
export function hostOnly(services: HttpServices, request: Request): void {
  const address = services.access.addressOf(request);
  if (!isLoopback(address)) throw new ShoalError('HOST_ONLY', { details: { address } });
}

function answerOf(report: ImportReport) {
  const reasons = Object.fromEntries(Object.entries(report.reasons));
  return { ...report, reasons, left: [...report.left], setAside: [...report.setAside] };
}
