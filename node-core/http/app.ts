import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { MulterError } from 'multer';
import { ShoalError, toShoalError } from '../domain/errors.ts';
import type { EventStream } from './api/event-stream.ts';
import { apiRoutes } from './api/routes.ts';
import { compatibleRoutes } from './compat/routes.ts';
import { groupPrefix } from './compat/surface.ts';
import type { DownloadPath } from './download/download-path.ts';
import { type ReportError, sendError } from './error-mapper.ts';
import { operationRoutes } from './operations.ts';
import { uploadPage } from './pages/upload-page.ts';
import { accountPages } from './protection/account-pages.ts';
import { linkRoutes } from './protection/link-routes.ts';
import { sendSecurityHeaders } from './security-headers.ts';
import type { HttpServices } from './services.ts';
import { TrackedResponse } from './tracked-response.ts';
import { type WebApp, webAppRoutes } from './web/web-app.ts';

/** What the app shares with the server around it. */
export interface AppParts {
  readonly downloads: DownloadPath;
  readonly stream: EventStream;
  /** Undefined when it has not been built. */
  readonly web: WebApp | undefined;
  /** Answers everything below `G/big/upload`. */
  readonly tus: RequestHandler;
}

// Express gives every response another prototype: without this, what it handles would not be counted and logged as what
// it is. Shared by all apps of the process, and harmless to those that use plain responses.
Object.setPrototypeOf(express.response, TrackedResponse.prototype);

/** Everything that is not the download path. */
export function createApp(services: HttpServices, parts: AppParts, report: ReportError): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.set('case sensitive routing', true);
  app.use(sendSecurityHeaders);
  app.use(operationRoutes(services));
  app.use('/api/v1', apiRoutes(services, parts.downloads, parts.stream));
  app.use('/s', linkRoutes(services, parts.downloads));
  app.use(webAppRoutes(services, parts.web));
  app.use(accountPages(services));
  const prefix = groupPrefix(services.config());
  if (prefix !== '') app.get('/', uploadPage(services));
  app.use(`${prefix}/big/upload`, parts.tus);
  app.use(prefix === '' ? '/' : prefix, compatibleRoutes(services));
  app.use((request) => {
    throw new ShoalError('ROUTE_NOT_FOUND', { details: { path: request.path.slice(0, 200) } });
  });
  app.use(errorHandler(report));
  return app;
}

function errorHandler(report: ReportError): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => sendError(request, response, frameworkError(error), report);
}

/** Errors of Express, body parsers and multer carry a status: they are the caller's, not the node's. */
function frameworkError(error: unknown): ShoalError {
  if (error instanceof ShoalError) return error;
  if (error instanceof MulterError) {
    if (error.code === 'LIMIT_FIELD_VALUE')
      return new ShoalError('FIELD_TOO_LARGE', { details: { name: error.field ?? '' } });
    return new ShoalError('MULTIPART_INVALID', { details: { reason: error.message }, cause: error });
  }
  const status = typeof error === 'object' && error !== null && 'status' in error ? Number(error.status) : 0;
  if (!(error instanceof Error)) return toShoalError(error);
  if (status === 413) return new ShoalError('BODY_TOO_LARGE', { cause: error });
  if (status === 415) return new ShoalError('UNSUPPORTED_MEDIA_TYPE', { details: { type: 'charset' }, cause: error });
  if (status >= 400 && status < 500)
    return new ShoalError('BAD_REQUEST', { details: { reason: error.message }, cause: error });
  if (/^(Unexpected end of form|Multipart:|Malformed|Request (aborted|closed))/.test(error.message)) {
    return new ShoalError('MULTIPART_INVALID', { details: { reason: error.message }, cause: error });
  }
  return toShoalError(error);
}
