/** /api/v1: how the node looks after what it holds: the scrub, comparisons with members, lost files. */
import { normalizePath } from '../../domain/paths.ts';
import type { HttpServices } from '../services.ts';
import { readOnlyCheck } from '../services.ts';
import * as shape from './care-contract.ts';
import { fileDetails } from './contract.ts';
import { detailsOf } from './files.ts';
import { type Operation, operation } from './operation.ts';

const tag = 'care';

/** Lost files that are named. */
const namedFiles = 1000;

/** The operations on scrub, repair and losses. */
export function careOperations(services: HttpServices): readonly Operation[] {
  return [...scrubOperations(services), ...repairOperations(services), ...lossOperations(services)];
}

function scrubOperations({ catalog, config, scrubber }: HttpServices): readonly Operation[] {
  const state = () => ({
    ...scrubber.report,
    kibPerSecond: config().scrub_kib_per_second,
    total: catalog.totals(),
    damaged: scrubber.counted.damaged,
    repaired: scrubber.counted.repaired,
  });
  return [
    operation({
      id: 'readScrub',
      method: 'get',
      path: '/scrub',
      tag,
      summary: 'How far the slow reading of the whole store is, and what it found',
      answer: shape.scrub,
      handle: state,
    }),
    operation({
      id: 'startScrub',
      method: 'post',
      path: '/scrub',
      tag,
      summary: 'Begins a run now, or goes on with the one that is paused',
      answer: shape.scrub,
      handle: async () => {
        await scrubber.begin();
        return state();
      },
    }),
    operation({
      id: 'pauseScrub',
      method: 'put',
      path: '/scrub',
      tag,
      summary: 'Pauses the scrub, also over restarts, or lets it go on',
      body: shape.scrubPause,
      answer: shape.scrub,
      handle: async ({ body }) => {
        await scrubber.pause(body.paused);
        return state();
      },
    }),
  ];
}

function repairOperations({ cluster, logger }: HttpServices): readonly Operation[] {
  const { repairer } = cluster.care;
  const state = () => ({ ...repairer.state, members: repairer.last() });
  return [
    operation({
      id: 'readRepair',
      method: 'get',
      path: '/repair',
      tag,
      summary: 'How the comparisons with the other members went',
      answer: shape.repair,
      handle: state,
    }),
    operation({
      id: 'startRepair',
      method: 'post',
      path: '/repair',
      tag,
      summary: 'Begins to compare with all members now, and has them compare with this node',
      answer: shape.repair,
      handle: () => {
        repairer.runAll(true).catch((error: unknown) => logger.error({ err: error }, 'the repair failed'));
        return state();
      },
    }),
  ];
}

function lossOperations(services: HttpServices): readonly Operation[] {
  const { access, lost } = services;
  return [
    operation({
      id: 'listLost',
      method: 'get',
      path: '/lost',
      tag,
      summary: 'Files whose bytes no member has any more, with what they were before',
      answer: shape.lostFiles,
      handle: async () => ({ contents: await lost.count(), files: await lost.list(namedFiles) }),
    }),
    operation({
      id: 'restorePrevious',
      method: 'post',
      path: '/lost/restore',
      tag,
      summary: 'Makes a lost file what it was before, as a new version',
      body: shape.lostBody,
      answer: fileDetails,
      handle: async ({ body }, request) => {
        readOnlyCheck(services);
        return detailsOf(await lost.restorePrevious(normalizePath(body.path), access.addressOf(request)));
      },
    }),
  ];
}
