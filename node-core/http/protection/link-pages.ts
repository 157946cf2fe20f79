/** The pages of share links, without scripts. */
import type { Request, Response } from 'express';
import type { OpenedLink } from '../../access/share-links.ts';
import type { CataloguedFile } from '../../catalog/catalog.ts';
import { describeError, type ShoalError } from '../../domain/errors.ts';
import { baseName, joinPath, parentOf } from '../../domain/paths.ts';
import { chunksOf } from '../../storage/byte-source.ts';
import { urlPath } from '../compat/surface.ts';
import { mediaTypeOf } from '../download/content-headers.ts';
import { languageOf } from '../language.ts';
import { cursorOf, folderTable, nextPageLink } from '../pages/folder-table.ts';
import { sizeText } from '../pages/format.ts';
import { html, type Markup, type PageOptions, sendPage } from '../pages/html.ts';
import type { HttpServices } from '../services.ts';

/** Rows of one page. */
const pageRows = 1000;

const words = {
  en: {
    password: 'Password of the link',
    open: 'Open',
    up: 'Up',
    zip: 'Download everything (zip)',
    shared: 'Shared files',
    upload: 'Send files',
    file: 'File',
    send: 'Upload',
    done: '{name} has been received.',
    another: 'Send another file',
    download: 'Download',
    wrong: 'This link does not open',
  },
  zh: {
    password: '链接密码',
    open: '打开',
    up: '上一级',
    zip: '全部下载(zip)',
    shared: '共享文件',
    upload: '发送文件',
    file: '文件',
    send: '上传',
    done: '已收到 {name}。',
    another: '再发送一个文件',
    download: '下载',
    wrong: '无法打开此链接',
  },
} as const;

/** Asks for the link's password. @param problem what was wrong with the last one. */
export function showPasswordForm(request: Request, response: Response, token: string, problem?: string): void {
  const w = words[languageOf(request)];
  const alert = problem === undefined ? '' : html`<p role="alert"><strong>${problem}</strong></p>`;
  const body = html`${alert}<form action="/s/${token}" method="post">
<label>${w.password}<input type="password" name="password" autocomplete="off" required autofocus></label>
<button>${w.open}</button></form>`;
  show(request, response, w.password, body, { status: 401 });
}

/**
 * Shows what a link to a file gives: its name, its size, a look into it. Looking costs a use, so that what is counted is
 * not shown before somebody asks for it.
 */
export async function showFile(
  services: HttpServices,
  request: Request,
  response: Response,
  link: OpenedLink,
  file: CataloguedFile,
): Promise<void> {
  const w = words[languageOf(request)];
  const { size, mtimeMs } = file.version;
  const url = `/s/${link.token}`;
  const preview = link.maxUses === undefined ? await previewOf(services, url, file) : '';
  const day = new Date(mtimeMs).toISOString().slice(0, 10);
  const body = html`<p class="facts">${sizeText(size)} · ${day}</p>${preview}
<p><a class="button" href="${url}?download=1&name=${encodeURIComponent(baseName(link.path))}" download>${w.download}</a></p>`;
  show(request, response, baseName(link.path), body, { media: true });
}

/** Most bytes of a text that are shown. */
const textBytes = 16 * 1024;

/** Images, sound, film and texts; what is anything else is not shown. */
async function previewOf({ reader }: HttpServices, url: string, file: CataloguedFile): Promise<Markup | ''> {
  const type = mediaTypeOf(file.path);
  const source = `${url}?download=0`;
  if (/^image\//.test(type)) return html`<img class="preview" src="${source}" alt="">`;
  if (/^video\//.test(type)) return html`<video class="preview" src="${source}" controls preload="metadata"></video>`;
  if (/^audio\//.test(type)) return html`<audio class="preview" src="${source}" controls preload="metadata"></audio>`;
  if (!/^text\/|json|xml/.test(type) || file.version.size === 0) return '';
  const { handle } = await reader.open(file.path);
  try {
    for await (const chunk of chunksOf(handle, textBytes)) {
      return html`<pre class="preview">${new TextDecoder().decode(chunk.subarray(0, textBytes))}</pre>`;
    }
    return '';
  } finally {
    await handle.close();
  }
}

/** Says why a link opens nothing, to those who came with a browser. */
export function showRefusal(request: Request, response: Response, error: ShoalError): void {
  const w = words[languageOf(request)];
  const { status, message, hint } = describeError(error, languageOf(request));
  const more = hint === undefined ? '' : html`<p>${hint}</p>`;
  show(request, response, w.wrong, html`<p role="alert">${message}</p>${more}`, { status });
}

/** Lists a folder of a link. @param at the link, and the folder below its own. */
export async function showFolder(
  services: HttpServices,
  request: Request,
  response: Response,
  at: { readonly link: OpenedLink; readonly inside: string },
): Promise<void> {
  const { link, inside } = at;
  const language = languageOf(request);
  const w = words[language];
  const prefix = `/s/${link.token}`;
  const urlOf = (path: string, isFolder: boolean) =>
    path === '' ? `${prefix}/` : `${urlPath(prefix, path)}${isFolder ? '/' : ''}`;
  const page = await services.browser.page(joinPath(link.path, inside), pageRows, cursorOf(request.query));
  const up = inside === '' ? '' : html`<p><a href="${urlOf(parentOf(inside), true)}">↑ ${w.up}</a></p>`;
  const table = folderTable(language, page.rows, (name, isFolder) => urlOf(joinPath(inside, name), isFolder));
  const zip = page.rows.length === 0 ? '' : html`<p><a href="${urlOf(inside, true)}?zip=1">${w.zip}</a></p>`;
  const title = link.label || baseName(joinPath(link.path, inside)) || w.shared;
  show(request, response, title, html`${up}${table}${nextPageLink(language, page.next)}${zip}`);
}

/** A form to put a file into the link's folder. */
export function showUploadForm(request: Request, response: Response, token: string, label: string): void {
  const w = words[languageOf(request)];
  const body = html`<form action="/s/${token}" method="post" enctype="multipart/form-data">
<label>${w.file}<input type="file" name="file" required></label><button>${w.send}</button></form>`;
  show(request, response, label || w.upload, body);
}

/** Says that a file has been stored. Where it stands is none of the sender's business. */
export function showUploadDone(request: Request, response: Response, token: string, name: string): void {
  const w = words[languageOf(request)];
  if (!(request.headers.accept ?? '').includes('text/html')) {
    response.json({ status: 'ok', message: '', data: { name } });
    return;
  }
  const body = html`<p>${w.done.replace('{name}', name)}</p><p><a href="/s/${token}">${w.another}</a></p>`;
  show(request, response, w.upload, body);
}

function show(request: Request, response: Response, title: string, body: Markup, options: PageOptions = {}): void {
  const language = languageOf(request) === 'zh' ? 'zh-CN' : 'en';
  sendPage(response, language, title, html`<main><h1>${title}</h1>${body}</main>`, options);
}
