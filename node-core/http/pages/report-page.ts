import type { RequestHandler } from 'express';
import { dayOf } from '../../domain/days.ts';
import { languageOf } from '../language.ts';
import type { HttpServices } from '../services.ts';
import { type Bar, barChart } from './bar-chart.ts';
import { countText, sizeText } from './format.ts';
import { html, sendPage } from './html.ts';

/** Days that the charts show. */
const chartDays = 30;

/** Days that the table lists, newest first. */
const tableDays = 366;

const words = {
  en: {
    title: 'Report',
    files: 'Files',
    size: 'Size',
    day: 'Day',
    filesPerDay: 'Files per day',
    bytesPerDay: 'Size per day',
    most: 'most: {value}',
    total: 'In the store',
    today: 'Today',
    days: 'By day',
    empty: 'Nothing is stored yet.',
  },
  zh: {
    title: '统计报告',
    files: '文件数',
    size: '大小',
    day: '日期',
    filesPerDay: '每日文件数',
    bytesPerDay: '每日大小',
    most: '最高:{value}',
    total: '存储总量',
    today: '今天',
    days: '按日统计',
    empty: '尚未存储任何文件。',
  },
} as const;

interface Row {
  readonly day: string;
  readonly files: number;
  readonly bytes: number;
}

/** `report`: live files and bytes of each day, as charts and as a table. */
export function reportPage(services: HttpServices): RequestHandler {
  return async (request, response) => {
    const language = languageOf(request);
    const w = words[language];
    const rows = (await services.catalog.dayStatistics()).filter(({ day }) => day !== 'all');
    const total = services.catalog.totals();
    const today = dayOf(services.clock.now());
    const now = rows.find(({ day }) => day === today) ?? { files: 0, bytes: 0 };
    const figures = [
      [w.total, total],
      [w.today, now],
    ] as const;
    const cards = figures.map(
      ([name, { files, bytes }]) =>
        html`<div class="card"><span>${name}</span><b>${sizeText(bytes)}</b><span>${w.files}: ${countText(files)}</span></div>`,
    );
    const body = rows.length === 0 ? html`<p class="empty">${w.empty}</p>` : chartsAndTable(rows, w);
    const page = html`<main><h1>${w.title}</h1><div class="cards">${cards}</div>${body}</main>`;
    sendPage(response, language === 'zh' ? 'zh-CN' : 'en', w.title, page);
  };
}

function chartsAndTable(rows: readonly Row[], w: (typeof words)['en' | 'zh']) {
  const shown = lastDays(rows);
  const chart = (title: string, value: (row: Row) => number, text: (value: number) => string) => {
    const bars: Bar[] = shown.map((row) => ({ label: dateText(row.day), value: value(row), text: text(value(row)) }));
    const top = text(Math.max(0, ...bars.map((bar) => bar.value)));
    return barChart(title, w.most.replace('{value}', top), bars);
  };
  const listed = rows.slice(-tableDays).reverse();
  return html`<div class="row">${chart(w.filesPerDay, ({ files }) => files, countText)}${chart(w.bytesPerDay, ({ bytes }) => bytes, sizeText)}</div>
<h2>${w.days}</h2><table><thead><tr><th scope="col">${w.day}</th><th scope="col" class="size">${w.files}</th><th scope="col" class="size">${w.size}</th></tr></thead>
<tbody>${listed.map(({ day, files, bytes }) => html`<tr><td>${dateText(day)}</td><td class="size">${countText(files)}</td><td class="size">${sizeText(bytes)}</td></tr>`)}</tbody></table>`;
}

/** The calendar days up to the newest one with files, those without any too. */
function lastDays(rows: readonly Row[]): Row[] {
  const byDay = new Map(rows.map((row) => [row.day, row]));
  const newest = rows.at(-1)?.day ?? '19700101';
  const [year, month, date] = [newest.slice(0, 4), newest.slice(4, 6), newest.slice(6, 8)].map(Number);
  return Array.from({ length: chartDays }, (_, index) => {
    // Noon: no change of the clocks moves it to another day.
    const day = dayOf(new Date(year ?? 0, (month ?? 1) - 1, (date ?? 1) - chartDays + 1 + index, 12).getTime());
    return byDay.get(day) ?? { day, files: 0, bytes: 0 };
  });
}

function dateText(day: string): string {
  return `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6, 8)}`;
}
