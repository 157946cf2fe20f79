/** /api/v1: rules that remove old files. */
import type { z } from 'zod';
import type { RetentionRule, RetentionState } from '../../catalog/retention-values.ts';
import { ShoalError } from '../../domain/errors.ts';
import { normalizeFolder } from '../../domain/paths.ts';
import type { RetentionRequest } from '../../files/retention.ts';
import { type HttpServices, readOnlyCheck } from '../services.ts';
import * as contract from './contract.ts';
import { detailsOf } from './files.ts';
import { type Operation, operation } from './operation.ts';

const tag = 'retention';

/** The operations on retention rules. */
export function retentionOperations(services: HttpServices): readonly Operation[] {
  const { retention, deletionClock, access } = services;
  return [
    operation({
      id: 'listRetention',
      method: 'get',
      path: '/retention',
      tag,
      summary: 'Rules by age, how they fare, and whether the clock is trusted',
      answer: contract.retention,
      handle: async () => ({
        rules: (await retention.list()).map(({ rule, state }) => ruleOf(rule, state)),
        clockLeadMs: deletionClock.leadMs,
      }),
    }),
    operation({
      id: 'addRetention',
      method: 'post',
      path: '/retention',
      tag,
      summary: 'Adds a rule; it runs every hour, and asks before it removes many files at once',
      body: contract.retentionBody,
      answer: contract.retentionRule,
      handle: async ({ body }, request) => {
        readOnlyCheck(services);
        return ruleOf(await retention.add(asked(body), access.addressOf(request)), { removed: 0 });
      },
    }),
    operation({
      id: 'removeRetention',
      method: 'delete',
      path: '/retention',
      tag,
      summary: 'Ends a rule',
      query: contract.retentionQuery,
      answer: contract.nothing,
      handle: async ({ query }) => {
        await retention.remove(query.id);
        return {};
      },
    }),
    operation({
      id: 'previewRetention',
      method: 'post',
      path: '/retention/preview',
      tag,
      summary: 'What a rule would remove now; changes nothing',
      body: contract.retentionBody,
      answer: contract.retentionPreview,
      handle: async ({ body }) => {
        const { examples, ...preview } = await retention.preview(asked(body));
        return { ...preview, examples: examples.map(detailsOf) };
      },
    }),
    operation({
      id: 'runRetention',
      method: 'post',
      path: '/retention/run',
      tag,
      summary: 'Runs a rule now; with `confirmed`, although it removes many files',
      body: contract.retentionRun,
      answer: contract.retentionState,
      handle: ({ body }) => {
        readOnlyCheck(services);
        return retention.run(body.id, body.confirmed);
      },
    }),
    operation({
      id: 'confirmClock',
      method: 'post',
      path: '/retention/clock',
      tag,
      summary: 'Says that the clock of this machine is right, after it has jumped ahead',
      answer: contract.nothing,
      handle: async () => {
        await deletionClock.confirm();
        return {};
      },
    }),
  ];
}

function asked({ folder, scene, days }: z.output<typeof contract.retentionBody>): RetentionRequest {
  if ((folder === undefined) === (scene === undefined)) {
    throw new ShoalError('PARAMETER_INVALID', { details: { name: 'folder', reason: 'give either folder or scene' } });
  }
  return {
    ...(folder !== undefined && { folder: normalizeFolder(folder) }),
    ...(scene !== undefined && { scene }),
    days,
  };
}

function ruleOf({ id, folder, scene, days, createdMs, by }: RetentionRule, state: RetentionState) {
  return {
    id,
    ...(folder !== undefined && { folder }),
    ...(scene !== undefined && { scene }),
    days,
    createdMs,
    by,
    state,
  };
}
