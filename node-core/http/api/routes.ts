import { type RequestHandler, Router } from 'express';
import type { DownloadPath } from '../download/download-path.ts';
import type { HttpServices } from '../services.ts';
import { TrackedResponse } from '../tracked-response.ts';
import { alarmOperations } from './alarms.ts';
import { backupOperations } from './backups.ts';
import type { EventStream } from './event-stream.ts';
import { fileOperations } from './files.ts';
import { importOperations } from './imports.ts';
import { nodeOperations } from './node.ts';
import { openApiDocument } from './openapi.ts';
import { operation, register } from './operation.ts';
import { packOperations } from './packs.ts';
import { retentionOperations } from './retention.ts';
import { trashOperations } from './trash.ts';
import { watchOperations } from './watch.ts';

/** Everything below `/api/v1`. Only callers that may manage the node get in. */
export function apiRoutes(services: HttpServices, downloads: DownloadPath, stream: EventStream): Router {
  const router = Router({ caseSensitive: true });
  const guard: RequestHandler = (request, response, next) => {
    if (response instanceof TrackedResponse) response.kind = 'api';
    response.setHeader('Cache-Control', 'no-store');
    services.access.check(request);
    next();
  };
  const operations = [
    ...fileOperations(services, downloads),
    ...trashOperations(services),
    ...packOperations(services),
    ...importOperations(services),
    ...backupOperations(services),
    ...watchOperations(services),
    ...alarmOperations(services),
    ...retentionOperations(services),
    ...nodeOperations(services),
    operation({
      id: 'events',
      method: 'get',
      path: '/events',
      tag: 'node',
      summary: 'News as they happen: server-sent events, resumed with Last-Event-ID',
      media: 'text/event-stream',
      handle: (_input, request, response) => stream.connect(request, response),
    }),
  ];
  const document = openApiDocument(operations, services.version);
  router.get('/openapi.json', guard, (_request, response) => {
    response.json(document);
  });
  register(router, operations, guard);
  return router;
}
