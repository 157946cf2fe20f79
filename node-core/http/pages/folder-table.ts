/** The rows of a folder as a table, for every page that lists one. */
import type { FolderCursor, FolderRow } from '../../catalog/catalog.ts';
import type { Language } from '../../domain/errors.ts';
import { sizeText } from './format.ts';
import { html, type Markup } from './html.ts';

const words = {
  en: { name: 'Name', size: 'Size', time: 'Changed', next: 'Next page', empty: 'This folder is empty.' },
  zh: { name: '名称', size: '大小', time: '修改时间', next: '下一页', empty: '此文件夹为空。' },
} as const;

/** @param urlOf address of an entry of the folder. */
export function folderTable(
  language: Language,
  rows: readonly FolderRow[],
  urlOf: (name: string, isFolder: boolean) => string,
): Markup {
  const w = words[language];
  if (rows.length === 0) return html`<p class="empty">${w.empty}</p>`;
  return html`<table><thead><tr><th scope="col">${w.name}</th><th scope="col" class="size">${w.size}</th><th scope="col" class="time">${w.time}</th></tr></thead>
<tbody>${rows.map((row) => rowOf(row, urlOf))}</tbody></table>`;
}

/** A link to the page that goes on, if there is one. */
export function nextPageLink(language: Language, next: FolderCursor | undefined): Markup | '' {
  if (!next) return '';
  return html`<p><a href="?after=${encodeURIComponent(next.name)}&kind=${next.kind}">${words[language].next} →</a></p>`;
}

/** Where the page of a request begins. */
export function cursorOf(query: { readonly [name: string]: unknown }): FolderCursor | undefined {
  const { after, kind } = query;
  if (typeof after !== 'string') return undefined;
  return { name: after, kind: kind === 'dir' ? 'dir' : 'file' };
}

function rowOf(row: FolderRow, urlOf: (name: string, isFolder: boolean) => string): Markup {
  const time = new Date(row.mtimeMs).toISOString().slice(0, 16).replace('T', ' ');
  const isFolder = row.kind === 'dir';
  const size = row.kind === 'dir' ? '–' : sizeText(row.size);
  return html`<tr><td><a href="${urlOf(row.name, isFolder)}">${row.name}${isFolder ? '/' : ''}</a></td><td class="size">${size}</td><td class="time">${time}</td></tr>`;
}
