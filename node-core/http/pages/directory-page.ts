import type { RequestHandler } from 'express';
import { ShoalError } from '../../domain/errors.ts';
import { joinPath, normalizeFolder, parentOf } from '../../domain/paths.ts';
import { decode, groupPrefix, urlPath } from '../compat/surface.ts';
import { languageOf } from '../language.ts';
import { checkFolderDoor } from '../protection/download-door.ts';
import type { HttpServices } from '../services.ts';
import { cursorOf, folderTable, nextPageLink } from './folder-table.ts';
import { html, sendPage } from './html.ts';

/** Rows of one page. */
const pageRows = 1000;

const words = {
  en: { folder: 'Folder', up: 'Up' },
  zh: { folder: '文件夹', up: '上一级' },
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
    const list = folderTable(language, page.rows, (name, isFolder) => {
      const path = joinPath(folder, name);
      return isFolder ? folderUrl(prefix, path) : urlPath(prefix, path);
    });
    const title = `/${folder}`;
    sendPage(
      response,
      language === 'zh' ? 'zh-CN' : 'en',
      title,
      html`<main><h1>${w.folder} ${title}</h1>${up}${list}${nextPageLink(language, page.next)}</main>`,
    );
  };
}

function folderUrl(prefix: string, folder: string): string {
  return folder === '' ? `${prefix}/?list=1` : `${urlPath(prefix, folder)}/`;
}
