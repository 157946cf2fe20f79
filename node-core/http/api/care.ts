/** /api/v1: how the node looks after what it holds: the scrub, comparisons with members, lost files, conflicts. */
import type { CataloguedFile } from '../../catalog/catalog.ts';
import { normalizePath } from '../../domain/paths.ts';
import { versionId } from '../../files/conflicts.ts';
import type { HttpServices } from '../services.ts';
import { readOnlyCheck } from '../services.ts';
import * as shape from './care-contract.ts';
import { fileDetails, nothing } from './contract.ts';
import { detailsOf } from './files.ts';
import { type Operation, operation } from './operation.ts';

const tag = 'care';

/** Lost files that are named. */
const namedFiles = 1000;

/** The operations on scrub, repair and losses. */
export function careOperations(services: HttpServices): readonly Operation[] {
  return [
    ...scrubOperations(services),
    ...repairOperations(services),
    ...lossOperations(services),
    ...conflictOperations(services),
  ];
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

function conflictOperations(services: HttpServices): readonly Operation[] {
  const { access, conflicts } = services;
  return [
    operation({
      id: 'listConflicts',
      method: 'get',
      path: '/conflicts',
      tag,
      summary: 'Paths with versions that were written without knowing of each other',
      query: shape.conflictsQuery,
      answer: shape.conflicts,
      handle: async ({ query }) => {
        const page = await conflicts.list(query.limit, query.cursor && textOf(query.cursor));
        return {
          conflicts: page.conflicts.map(({ path, versions }) => ({
            path,
            versions: versions.map((file) => versionOf(services, file)),
          })),
          ...(page.cursor !== undefined && { cursor: Buffer.from(page.cursor).toString('base64url') }),
        };
      },
    }),
    operation({
      id: 'resolveConflict',
      method: 'post',
      path: '/conflicts/resolve',
      tag,
      summary: 'Says which version stays at a path, and what becomes of the others',
      body: shape.resolution,
      answer: nothing,
      handle: async ({ body }, request) => {
        readOnlyCheck(services);
        const { path, seen, keep, others } = body;
        const names = Object.entries(body.names ?? {}).map(([id, name]) => [id, normalizePath(name)] as const);
        const by = access.addressOf(request);
        await conflicts.resolve({
          path: normalizePath(path),
          seen,
          keep,
          others,
          names: Object.fromEntries(names),
          by,
        });
        return {};
      },
    }),
  ];
}

function versionOf({ cluster }: HttpServices, file: CataloguedFile) {
  const { path, version, local } = file;
  const { name, size, sha256, mtimeMs, storedMs, dot } = version;
  return {
    id: versionId(file),
    path,
    name,
    size,
    sha256,
    mtimeMs,
    storedMs,
    node: dot.node,
    nodeName: cluster.members.nameOf(dot.node),
    here: local !== undefined,
  };
}

function textOf(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString('utf8');
}
