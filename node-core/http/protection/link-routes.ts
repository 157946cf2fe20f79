/**
 * `/s/<token>`: what share links open. A file; a folder with everything below it, as pages, files and one zip; or a place
 * to put files, of which nothing shows.
 */
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import express, { Router } from 'express';
import { setCookie } from '../../access/cookies.ts';
import { type OpenedLink, unlockCookieName, unlockSeconds } from '../../access/share-links.ts';
import { describeError, ShoalError } from '../../domain/errors.ts';
import { baseName, joinPath, normalizeFolder } from '../../domain/paths.ts';
import { sendZip } from '../api/zip.ts';
import { parameter } from '../compat/parameters.ts';
import { decode } from '../compat/surface.ts';
import { handlersOf } from '../compat/upload.ts';
import type { DownloadPath } from '../download/download-path.ts';
import { languageOf } from '../language.ts';
import type { HttpServices } from '../services.ts';
import { TrackedResponse } from '../tracked-response.ts';
import { LinkDownloads } from './link-downloads.ts';
import { showFile, showFolder, showPasswordForm, showRefusal, showUploadDone, showUploadForm } from './link-pages.ts';
import { limitStrangers } from './strangers.ts';

/** Most bytes of the form with the password. */
const maxFormBytes = 16 * 1024;

/** A link's URL, taken apart: its token, and what stands behind it, decoded. */
interface LinkTarget {
  readonly token: string;
  readonly rest: string;
  readonly query: string;
}

/** The routes below `/s`. Other paths there are left to others: a store without groups may have a folder of that name. */
export function linkRoutes(services: HttpServices, downloads: DownloadPath): Router {
  const router = Router({ caseSensitive: true });
  const counted = new LinkDownloads(services.protection.links);
  const begin: RequestHandler = (request, response, next) => {
    if (!tokenPattern.test(request.originalUrl)) return next('router');
    if (response instanceof TrackedResponse) response.kind = 'page';
    response.setHeader('Cache-Control', 'no-store');
    // The address is the key: it goes to nobody, and into no index.
    response.setHeader('Referrer-Policy', 'no-referrer');
    response.setHeader('X-Robots-Tag', 'noindex');
    next();
  };
  router.use(begin, limitStrangers(services));
  router.get('/{*rest}', (request, response) => serveLink(services, downloads, counted, request, response));
  const form = express.urlencoded({ extended: false, limit: maxFormBytes, parameterLimit: 10 });
  const formsOnly: RequestHandler = (request, _response, next) => next(isMultipart(request) ? undefined : 'route');
  const receive = handlersOf(services, {
    linkToken: (request) => targetOf(request).token,
    showPage: () => undefined,
    answer: (request, response, file) => showUploadDone(request, response, targetOf(request).token, file.version.name),
  });
  router.post('/:token', formsOnly, ...receive);
  router.post('/:token', form, (request, response) => unlock(services, request, response));
  const refuse: ErrorRequestHandler = (error: unknown, request, response, next) => {
    const isTold = error instanceof ShoalError && error.status < 500 && !response.headersSent;
    if (!isTold || !wantsPage(request) || !tokenPattern.test(request.originalUrl)) return next(error);
    if (response instanceof TrackedResponse) response.errorCode = error.code;
    showRefusal(request, response, error);
  };
  router.use(refuse);
  return router;
}

const tokenPattern = /^\/s\/([\w-]{48})(\/[^?]*)?(?:\?(.*))?$/s;

function targetOf(request: Request): LinkTarget {
  const [, token = '', rest = '', query = ''] = tokenPattern.exec(request.originalUrl) ?? [];
  return { token, rest: decode(rest), query };
}

function isMultipart(request: Request): boolean {
  return /^multipart\/form-data/i.test(request.headers['content-type'] ?? '');
}

async function serveLink(
  services: HttpServices,
  downloads: DownloadPath,
  counted: LinkDownloads,
  request: Request,
  response: Response,
): Promise<void> {
  const { links } = services.protection;
  const { token, rest, query } = targetOf(request);
  const link = links.open(token);
  checkPolicy(services, link, request);
  if (!links.isUnlocked(link, request) && request.headers['shoal-link-password'] === undefined && wantsPage(request)) {
    showPasswordForm(request, response, token);
    return;
  }
  await links.admit(link, request);
  // Below a file, or a place for uploads, there is nothing.
  if (link.kind !== 'folder' && rest !== '') throw new ShoalError('FILE_NOT_FOUND', { details: { what: rest } });
  if (link.kind === 'upload') {
    if (link.usedUp) throw new ShoalError('LINK_USED_UP');
    showUploadForm(request, response, token, link.label);
    return;
  }
  // Normalized by itself first: nothing leads out of the link's folder.
  const inside = normalizeFolder(rest);
  const path = joinPath(link.path, inside);
  const file = services.catalog.find(path);
  if (file) {
    if (link.kind === 'file' && query === '' && wantsPage(request)) {
      if (link.usedUp) throw new ShoalError('LINK_USED_UP');
      await showFile(services, request, response, link, file);
      return;
    }
    await counted.admitFile(link, services.access.addressOf(request), request, file);
    // Answers of a link end with it: nobody may keep them longer than they look.
    downloads.serveFile(request, response, path, query);
    return;
  }
  if (link.kind === 'file' || !services.catalog.hasFolder(path)) {
    throw new ShoalError('FILE_NOT_FOUND', { details: { what: inside === '' ? baseName(link.path) : inside } });
  }
  if (link.usedUp) throw new ShoalError('LINK_USED_UP');
  if (request.query.zip === undefined) await showFolder(services, request, response, { link, inside });
  else await serveZip(services, counted, link, path, request, response);
}

async function serveZip(
  services: HttpServices,
  counted: LinkDownloads,
  link: OpenedLink,
  path: string,
  request: Request,
  response: Response,
): Promise<void> {
  if (request.method === 'HEAD') {
    response.type('application/zip').end();
    return;
  }
  await counted.admitZip(link);
  const paths = path === '' ? await topLevel(services) : [path];
  await sendZip(services, paths, path === '' ? 'files' : baseName(path), response);
}

/** Everything that stands in the root. */
async function topLevel(services: HttpServices): Promise<string[]> {
  const names: string[] = [];
  let page = await services.browser.page('', 1000, undefined);
  for (;;) {
    names.push(...page.rows.map(({ name }) => name));
    if (!page.next) return [...new Set(names)];
    page = await services.browser.page('', 1000, page.next);
  }
}

/** Links are a door of their own, which the policies `session` and `off` close. @throws ShoalError DOWNLOAD_REFUSED. */
function checkPolicy(services: HttpServices, link: OpenedLink, request: Request): void {
  const policy = services.config()[link.kind === 'upload' ? 'upload_policy' : 'download_policy'];
  if (policy === 'open' || policy === 'token' || services.access.managerOf(request)) return;
  throw new ShoalError(link.kind === 'upload' ? 'UPLOAD_REFUSED' : 'DOWNLOAD_REFUSED');
}

/** Browsers get a form; scripts a code. */
function wantsPage(request: Request): boolean {
  return request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
}

/** The form with the password. What is right goes into a cookie that only this link's addresses get. */
async function unlock(services: HttpServices, request: Request, response: Response): Promise<void> {
  const { links } = services.protection;
  const { token } = targetOf(request);
  const link = links.open(token);
  checkPolicy(services, link, request);
  if (link.password !== undefined) {
    try {
      const value = await links.unlock(link, parameter(request, 'password') ?? '', request);
      const secure = services.access.isSecure(request);
      const options = { path: `/s/${token}`, sameSite: 'lax', secure, maxAgeSeconds: unlockSeconds } as const;
      response.append('Set-Cookie', setCookie(unlockCookieName(link), value, options));
    } catch (error) {
      if (!(error instanceof ShoalError) || error.code !== 'LINK_PASSWORD_REFUSED') throw error;
      showPasswordForm(request, response, token, describeError(error, languageOf(request)).message);
      return;
    }
  }
  response.redirect(303, `/s/${token}`);
}
