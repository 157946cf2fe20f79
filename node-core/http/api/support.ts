/** /api/v1: what somebody who helps wants to see, as one zip, without secrets. */
import { redactConfig } from '../../config/redact.ts';
import { attachment } from '../download/content-headers.ts';
import type { HttpServices } from '../services.ts';
import { readLog } from './log-reader.ts';
import { type Operation, operation } from './operation.ts';
import { sendTexts } from './zip.ts';

/** Lines of the log that go along. */
const logLines = 5000;

/** Makes the bundle. */
export function supportOperations(services: HttpServices): readonly Operation[] {
  return [
    operation({
      id: 'supportBundle',
      method: 'get',
      path: '/support-bundle',
      tag: 'node',
      summary: 'State, settings without secrets, members, alarms and log of this node as a zip, for those who help',
      media: 'application/zip',
      handle: async (_input, _request, response) => {
        response.setHeader('Content-Disposition', attachment(`shoal-support-${services.nodeId.slice(0, 8)}.zip`));
        await sendTexts(await contentsOf(services), response);
      },
    }),
  ];
}

async function contentsOf(services: HttpServices): Promise<Readonly<Record<string, string>>> {
  const { configuration, catalog, cluster, monitor, metrics, logFolder } = services;
  const { loaded } = configuration;
  const { members, removed } = cluster.members.current;
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const lines = await readLog(logFolder, 'shoal', logLines, 'debug');
  return {
    'node.json': json({
      version: services.version,
      node: services.nodeId,
      runtime: { node: process.version, platform: process.platform, arch: process.arch },
      uptimeSeconds: Math.round(process.uptime()),
      memory: process.memoryUsage(),
      disk: await services.guard.space().catch(String),
      notReady: await services.notReady(),
      totals: catalog.totals(),
    }),
    'settings.json': json({ values: redactConfig(loaded.config), sources: loaded.sources, warnings: loaded.warnings }),
    'members.json': json({
      members: [...members.values()].map(({ id, name, way, sinceMs }) => ({
        id,
        name,
        way,
        sinceMs,
        online: cluster.liveness.isOnline(id),
        refusal: cluster.liveness.refusal(id),
      })),
      removed: [...removed.values()].map(({ id, name, atMs }) => ({ id, name, atMs })),
      transfers: cluster.transfers.list().length,
    }),
    'alarms.json': json(await monitor.board.list(200)),
    'days.json': json(await catalog.dayStatistics()),
    'metrics.txt': await metrics.registry.metrics(),
    // Oldest first, as people read a log.
    'log.jsonl': lines
      .reverse()
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(''),
  };
}
