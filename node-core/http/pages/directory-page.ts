import type { RequestHandler } from 'express';
import type { FolderRow } from '../../catalog/catalog.ts';
import { ShoalError } from '../../domain/errors.ts';
import { joinPath, normalizeFolder, parentOf } from '../../domain/paths.ts';
import { decode, groupPrefix, urlPath } from '../compat/surface.ts';
import { languageOf } from '../language.ts';
import { checkFolderDoor } from '../protection/download-door.ts';
import type { HttpServices } from '../services.ts';
import { sizeText } from './format.ts';
import { html, type Markup, sendPage } from './html.ts';

/** Rows of one page. */
const pageRows = 1000;

const words = {
  en: {
    folder: 'Folder',
    name: 'Name',
    size: 'Size',
    time: 'Changed',
    up: 'Up',
    next: 'Next page',
    empty: 'This folder is empty.',
  },
  zh: {
    folder: '文件夹',
    name: '名称',
    size: '大小',
    time: '修改时间',
    up: '上一级',
    next: '下一页',
    empty: '此文件夹为空。',
  },
} as const;

/** Lists a folder as a page, a thousand rows at a time, when `show_dir` is on. */
export function directoryPage(services: HttpServices): RequestHandler {
  return async (request, response) => {
    const config = services.config();
    const prefix = groupPrefix(config);
    const folder = normalizeFolder(decode(new URL(request.originalUrl, 'http://host').pathname.slice(prefix.length)));
    await checkFolderDoor(services, request, folder);
    if (!services.catalog.hasFolder(folder)) throw new ShoalError('FILE_NOT_FOUND', { details: { what: folder } });
    if (!config.show_dir) throw new ShoalError('LISTING_OFF');
    const language = languageOf(request);
    const w = words[language];
    const page = await services.browser.page(folder, pageRows, cursorOf(request.query));
    const up = folder === '' ? '' : html`<p><a href="${folderUrl(prefix, parentOf(folder))}">↑ ${w.up}</a></p>`;
    const next = page.next
      ? html`<p><a href="?after=${encodeURIComponent(page.next.name)}&kind=${page.next.kind}">${w.next} →</a></p>`
      : '';
    const list =
      page.rows.length === 0
        ? html`<p class="empty">${w.empty}</p>`
        : html`<table><thead><tr><th scope="col">${w.name}</th><th scope="col" class="size">${w.size}</th><th scope="col" class="time">${w.time}</th></tr></thead>
<tbody>${page.rows.map((row) => rowOf(row, folder, prefix))}</tbody></table>`;
    const title = `/${folder}`;
    sendPage(
      response,
      language === 'zh' ? 'zh-CN' : 'en',
      title,
      html`<main><h1>${w.folder} ${title}</h1>${up}${list}${next}</main>`,
    );
  };
}

function cursorOf(query: { readonly [name: string]: unknown }) {
  const { after, kind } = query;
  if (typeof after !== 'string') return undefined;
  return { name: after, kind: kind === 'dir' ? ('dir' as const) : ('file' as const) };
}

function rowOf(row: FolderRow, folder: string, prefix: string): Markup {
  const path = joinPath(folder, row.name);
  const time = new Date(row.mtimeMs).toISOString().slice(0, 16).replace('T', ' ');
  if (row.kind === 'dir') {
    return html`<tr><td><a href="${folderUrl(prefix, path)}">${row.name}/</a></td><td class="size">–</td><td class="time">${time}</td></tr>`;
  }
  return html`<tr><td><a href="${urlPath(prefix, path)}">${row.name}</a></td><td class="size">${sizeText(row.size)}</td><td class="time">${time}</td></tr>`;
}

function folderUrl(prefix: string, folder: string): string {
  return folder === '' ? `${prefix}/?list=1` : `${urlPath(prefix, folder)}/`;
}
