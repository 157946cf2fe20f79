import { type RequestHandler, Router } from 'express';
import type { DownloadPath } from '../download/download-path.ts';
import { auditAction } from '../protection/audit.ts';
import { limitStrangers } from '../protection/strangers.ts';
import type { HttpServices } from '../services.ts';
import { TrackedResponse } from '../tracked-response.ts';
import { alarmOperations } from './alarms.ts';
import { backupOperations } from './backups.ts';
import { browseOperations } from './browse.ts';
import { careOperations } from './care.ts';
import { clusterOperations } from './cluster.ts';
import type { EventStream } from './event-stream.ts';
import { fileOperations } from './files.ts';
import { importOperations } from './imports.ts';
import { linkOperations } from './links.ts';
import { nodeOperations } from './node.ts';
import { openApiDocument } from './openapi.ts';
import { type GuardsOf, operation, register } from './operation.ts';
import { packOperations } from './packs.ts';
import { policyOperations } from './policy.ts';
import { retentionOperations } from './retention.ts';
import { sessionOperations } from './session.ts';
import { supportOperations } from './support.ts';
import { trashOperations } from './trash.ts';
import { trustOperations } from './trust.ts';
import { watchOperations } from './watch.ts';

/** Everything below `/api/v1`. Only callers that may manage the node get in, except where an operation says `open`. */
export function apiRoutes(services: HttpServices, downloads: DownloadPath, stream: EventStream): Router {
  const router = Router({ caseSensitive: true });
  const begin: RequestHandler = (_request, response, next) => {
    if (response instanceof TrackedResponse) response.kind = 'api';
    response.setHeader('Cache-Control', 'no-store');
    next();
  };
  /** Whoever opens an answer as a page gets one that can do nothing; contents may be shown in a page of this node. */
  const frame = (isContent: boolean): RequestHandler => {
    return (_request, response, next) => {
      if (isContent) response.setHeader('X-Frame-Options', 'SAMEORIGIN');
      else response.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
      next();
    };
  };
  const manage: RequestHandler = (request, response, next) => {
    response.locals.manager = services.access.check(request);
    next();
  };
  const strangers = limitStrangers(services);
  const guardsOf: GuardsOf = ({ id, method, access, answer }) => [
    begin,
    frame(answer === undefined),
    ...(method === 'get' ? [] : [auditAction(services, id, access === 'open')]),
    access === 'open' ? strangers : manage,
  ];
  const operations = [
    ...fileOperations(services, downloads),
    ...browseOperations(services),
    ...trashOperations(services),
    ...packOperations(services),
    ...importOperations(services),
    ...backupOperations(services),
    ...watchOperations(services),
    ...careOperations(services),
    ...sessionOperations(services),
    ...linkOperations(services),
    ...alarmOperations(services),
    ...retentionOperations(services),
    ...clusterOperations(services),
    ...policyOperations(services),
    ...trustOperations(services),
    ...nodeOperations(services),
    ...supportOperations(services),
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
  const document = openApiDocument(operations, services.version, services.protection.sessionCookie);
  router.get('/openapi.json', begin, frame(false), manage, (_request, response) => {
    response.json(document);
  });
  register(router, operations, guardsOf);
  return router;
}
