/** /api/v1: the node itself: health, statistics, settings, log. */
import { nodeNameOf } from '../../config/node-name.ts';
import { redactConfig } from '../../config/redact.ts';
import { type ConfigKeyInfo, configKeys } from '../../config/schema.ts';
import type { Language } from '../../domain/errors.ts';
import { languageOf } from '../language.ts';
import type { HttpServices } from '../services.ts';
import * as contract from './contract.ts';
import { readLog } from './log-reader.ts';
import { type Operation, operation } from './operation.ts';

const tag = 'node';

/** The operations on the node itself. */
export function nodeOperations(services: HttpServices): readonly Operation[] {
  return [
    operation({
      id: 'health',
      method: 'get',
      path: '/health',
      tag,
      summary: 'How the node is',
      answer: contract.health,
      handle: async () => {
        const reasons = await services.notReady();
        const disk = await services.guard.space().catch(() => ({ total: 0, free: 0, floor: 0 }));
        return {
          ready: reasons.length === 0,
          reasons: [...reasons],
          version: services.version,
          nodeId: services.nodeId,
          name: nodeNameOf(services.config()),
          uptimeSeconds: Math.round(process.uptime()),
          ...services.catalog.totals(),
          disk,
          memory: { rss: process.memoryUsage.rss() },
          dataFolder: services.dataFolder,
        };
      },
    }),
    operation({
      id: 'statistics',
      method: 'get',
      path: '/statistics',
      tag,
      summary: 'Live files and bytes by day of storing',
      answer: contract.statistics,
      handle: async () => {
        const rows = await services.catalog.dayStatistics();
        return { total: services.catalog.totals(), days: rows.filter(({ day }) => day !== 'all') };
      },
    }),
    operation({
      id: 'readSettings',
      method: 'get',
      path: '/settings',
      tag,
      summary: 'Every configuration key with its value, default and explanation',
      answer: contract.settings,
      handle: (_input, request) => {
        const language = languageOf(request);
        return { settings: configKeys.map((info) => settingOf(services, info, language)) };
      },
    }),
    operation({
      id: 'changeSettings',
      method: 'patch',
      path: '/settings',
      tag,
      summary: 'Changes configuration keys: all of them or, when one value is bad, none',
      body: contract.settingsBody,
      answer: contract.settingsChanged,
      handle: async ({ body }) => {
        const { applied, afterRestart } = await services.configuration.change(body.changes);
        return { applied: [...applied], afterRestart: [...afterRestart] };
      },
    }),
    operation({
      id: 'readLog',
      method: 'get',
      path: '/logs',
      tag,
      summary: 'The newest lines of the log',
      query: contract.logQuery,
      answer: contract.logLines,
      handle: async ({ query }) => ({ lines: await readLog(services.logFolder, 'shoal', query.limit, query.level) }),
    }),
  ];
}

function settingOf(services: HttpServices, info: ConfigKeyInfo, language: Language) {
  const { key, group, kind, choices, min, max, secret, expert, applies } = info;
  const { loaded } = services.configuration;
  return {
    key,
    group,
    kind,
    value: redactConfig(loaded.config)[key],
    default: info.default,
    source: loaded.sources[key],
    ...(choices && { choices: [...choices] }),
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    secret,
    expert,
    applies,
    explanation: info[language],
  };
}
