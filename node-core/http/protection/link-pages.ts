/** The pages of share links, without scripts. */
import type { Request, Response } from 'express';
import type { OpenedLink } from '../../access/share-links.ts';
import { baseName, joinPath, parentOf } from '../../domain/paths.ts';
import { urlPath } from '../compat/surface.ts';
import { languageOf } from '../language.ts';
import { cursorOf, folderTable, nextPageLink } from '../pages/folder-table.ts';
import { html, type Markup, sendPage } from '../pages/html.ts';
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
  },
} as const;

/** Asks for the link's password. @param problem what was wrong with the last one. */
export function showPasswordForm(request: Request, response: Response, token: string, problem?: string): void {
  const w = words[languageOf(request)];
  const alert = problem === undefined ? '' : html`<p role="alert"><strong>${problem}</strong></p>`;
  const body = html`${alert}<form action="/s/${token}" method="post">
<label>${w.password}<input type="password" name="password" autocomplete="off" required autofocus></label>
<button>${w.open}</button></form>`;
  show(request, response, w.password, body, 401);
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

function show(request: Request, response: Response, title: string, body: Markup, status = 200): void {
  const language = languageOf(request) === 'zh' ? 'zh-CN' : 'en';
  sendPage(response, language, title, html`<main><h1>${title}</h1>${body}</main>`, status);
}
