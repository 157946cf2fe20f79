/**
 * The web app: static files that the build has made (`dist/renderer`), and the one page that loads them.
 *
 * Its files stand below `/api/web/`, a name that no file of the store can have; their names hold a digest, so they are kept
 * for ever. The page itself is made for every request, because its Content-Security-Policy names a new number each time.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import sirv from 'sirv';
import { errnoOf } from '../../domain/errors.ts';
import { groupPrefix } from '../compat/surface.ts';
import { languageOf } from '../language.ts';
import { html, sendPage } from '../pages/html.ts';
import type { HttpServices } from '../services.ts';
import { TrackedResponse } from '../tracked-response.ts';

/** Where the files of the app stand, below the root of the node and of its folder alike (renderer/vite.config.ts). */
const assetFolder = 'api/web';

/** Stands in the page where the number goes that lets its own styles in. */
const noncePlaceholder = '{{nonce}}';

/** The built app. */
export interface WebApp {
  /** The page, with a placeholder for the nonce. */
  readonly page: string;
  /** Absolute path of the folder with the files. */
  readonly folder: string;
}

/** Reads the built app. @returns undefined when it has not been built. */
export async function loadWebApp(folder: string): Promise<WebApp | undefined> {
  try {
    const page = await readFile(path.join(folder, 'index.html'), 'utf8');
    return { page, folder: path.join(folder, assetFolder) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The app at `/`, `/login` and `/setup`, and instead of the upload page of the compatible interface; for browsers only.
 * Without a build the pages without scripts stay, and the root says what is missing.
 */
export function webAppRoutes(services: HttpServices, app: WebApp | undefined): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const browsersOnly: RequestHandler = (request, response, next) => {
    if (!wantsPage(request)) return next('router');
    if (response instanceof TrackedResponse) response.kind = 'page';
    next();
  };
  if (!app) {
    router.get('/', browsersOnly, (request, response) => showMissing(services, request, response));
    return router;
  }
  const files = sirv(app.folder, { etag: true, gzip: true, brotli: true, immutable: true, maxAge: 31_536_000 });
  router.use(`/${assetFolder}`, (request, response, next) => {
    if (response instanceof TrackedResponse) response.kind = 'page';
    if (request.method !== 'GET' && request.method !== 'HEAD') return next('router');
    // What is not one of them is another part's affair, which knows nothing of it either.
    files(request, response, next);
  });
  router.get(['/', '/login', '/setup'], browsersOnly, (_request, response) => sendApp(response, app));
  router.get(uploadPagesOf(services), browsersOnly, (request, response, next) => {
    // Off is off: the page that stands there says so.
    if (!services.config().enable_web_upload) return next('router');
    response.redirect(302, uploadViewOf(request));
  });
  return router;
}

function uploadPagesOf(services: HttpServices): string[] {
  const prefix = groupPrefix(services.config());
  return prefix === '' ? ['/upload.html'] : [prefix, `${prefix}/`, `${prefix}/upload.html`];
}

/** A page of the listing is asked for by its query: that is not the app. */
function wantsPage(request: Request): boolean {
  return (request.headers.accept ?? '').includes('text/html') && request.query.list === undefined;
}

/** Address of the upload view, relative: a proxy may have put the node below a path of its own. */
function uploadViewOf(request: Request): string {
  const depth = request.path.split('/').length - 2;
  const given = ['scene', 'path', 'filename', 'output', 'code', 'auth_token'].flatMap((name) => {
    const value = request.query[name];
    return typeof value === 'string' && value !== '' ? [[name, value] as const] : [];
  });
  const query = new URLSearchParams(Object.fromEntries(given)).toString();
  return `${depth === 0 ? './' : '../'.repeat(depth)}${query === '' ? '' : `?${query}`}#/upload`;
}

function sendApp(response: Response, { page }: WebApp): void {
  const nonce = randomBytes(16).toString('base64');
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "frame-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  response.set({ 'Content-Security-Policy': policy, 'Cache-Control': 'no-cache, no-store' });
  response.type('html').send(page.replaceAll(noncePlaceholder, nonce));
}

const words = {
  en: {
    title: 'The web app has not been built',
    text: 'This node runs without its web app. Build it with “npm run build” and start the node again.',
    upload: 'Upload a file',
    signIn: 'Sign in',
  },
  zh: {
    title: '网页应用尚未构建',
    text: '本节点没有网页应用。请运行“npm run build”构建后重新启动节点。',
    upload: '上传文件',
    signIn: '登录',
  },
} as const;

function showMissing(services: HttpServices, request: Request, response: Response): void {
  const language = languageOf(request);
  const w = words[language];
  const body = html`<main><h1>${w.title}</h1><p>${w.text}</p>
<p><a href="${groupPrefix(services.config())}/upload.html">${w.upload}</a> · <a href="/login">${w.signIn}</a></p></main>`;
  sendPage(response, language === 'zh' ? 'zh-CN' : 'en', w.title, body);
}
