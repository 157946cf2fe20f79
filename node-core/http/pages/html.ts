/** Pages without scripts. Everything that a stranger named is text: it passes through {@link html}. */
import { createHash } from 'node:crypto';
import type { Response } from 'express';

/** Text that is markup already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A template whose values are escaped unless they are {@link Markup}; arrays are joined. */
export function html(parts: TemplateStringsArray, ...values: readonly unknown[]): Markup {
  return new Markup(parts.map((part, index) => part + (index < values.length ? render(values[index]) : '')).join(''));
}

function render(value: unknown): string {
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(render).join('');
  return escapeMarkup(String(value ?? ''));
}

/** Escapes markup, and takes the power from characters that turn text around or hide it (bidirectional controls). */
function escapeMarkup(text: string): string {
  return text
    .replace(/[\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const style = `
:root{color-scheme:light dark;--line:#8884;--edge:#888b;--accent:#0b6bcb;--soft:#8882}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,"PingFang SC","Microsoft YaHei",sans-serif;margin:0 auto;max-width:46rem;padding:2rem 1rem}
h1{font-size:1.4rem;margin:0 0 1.2rem;overflow-wrap:anywhere}
form{display:grid;gap:1rem}
label{display:grid;gap:.3rem;font-weight:600}
input:not([type=file]),select{height:2.6rem}
input,select{font:inherit;font-weight:400;padding:.5rem .6rem;border:1px solid var(--edge);border-radius:.4rem;width:100%;background:transparent;color:inherit}
option{background:Canvas;color:CanvasText}
input[type=file]{padding:1.2rem .8rem;border-style:dashed}
::file-selector-button{font:inherit;padding:.4rem .9rem;margin-right:.8rem;border:1px solid var(--edge);border-radius:.4rem;background:var(--soft);color:inherit;cursor:pointer}
.row{display:grid;gap:1rem 1.5rem;align-items:end;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr))}
small{font-weight:400;opacity:.75}
button{font:inherit;font-weight:600;padding:.6rem 1.2rem;border:0;border-radius:.4rem;background:var(--accent);color:#fff;justify-self:start;cursor:pointer}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
table{border-collapse:collapse;width:100%;table-layout:fixed}
th,td{text-align:left;padding:.45rem .5rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
th.size,td.size{width:7rem;text-align:right;font-variant-numeric:tabular-nums}
th.time,td.time{width:11rem;font-variant-numeric:tabular-nums}
tbody tr:hover{background:var(--soft)}
a{color:var(--accent)}
td a{text-decoration:none}
td a:hover{text-decoration:underline}
@media (prefers-color-scheme:dark){:root{--accent:#5aa9f0}button,a.button{color:#061524}}
@media (max-width:36rem){th.time,td.time{display:none}th.size,td.size{width:5.8rem}}
p.empty{opacity:.75}
h2{font-size:1.1rem;margin:1.6rem 0 .6rem}
.cards{display:flex;flex-wrap:wrap;gap:.8rem;margin:0 0 1.6rem}
.card{display:grid;flex:1 1 10rem;padding:.8rem 1rem;border:1px solid var(--line);border-radius:.5rem}
.card b{font-size:1.5rem;font-variant-numeric:tabular-nums}
.card span,figcaption span,.axis{opacity:.75;font-weight:400}
figure{margin:0;min-width:0}
figcaption{display:flex;justify-content:space-between;gap:1rem;font-weight:600}
a.button{display:inline-block;font-weight:600;padding:.6rem 1.2rem;border-radius:.4rem;background:var(--accent);color:#fff;text-decoration:none}
p.facts{opacity:.8}
.preview{display:block;max-width:100%;max-height:65vh;margin:1.2rem 0;border-radius:.5rem}
pre.preview{padding:1rem;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere;background:var(--soft);font-size:.85rem}
audio.preview{width:100%}
svg.bars{display:block;width:100%;height:9rem;margin:.4rem 0 .2rem;border-bottom:1px solid var(--line)}
svg.bars rect{fill:var(--accent)}
svg.bars .hit{fill:transparent}
svg.bars g:hover .hit{fill:var(--soft)}
.axis{display:flex;justify-content:space-between;margin:0;font-size:.85rem;font-variant-numeric:tabular-nums}`;

const styleDigest = createHash('sha256').update(style).digest('base64');

/** What a page shows besides its own text: contents of this node, or nothing. */
export interface PageOptions {
  readonly status?: number;
  readonly media?: boolean;
}

/** Sends a page that can run nothing, and load nothing but what it is allowed to show. */
export function sendPage(
  response: Response,
  language: string,
  title: string,
  body: Markup,
  { status = 200, media = false }: PageOptions = {},
): void {
  const shows = media ? " img-src 'self'; media-src 'self';" : '';
  const page = html`<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title><style>${new Markup(style)}</style></head><body>${body}</body></html>
`;
  response
    .status(status)
    .set({
      'Content-Security-Policy': `default-src 'none';${shows} style-src 'sha256-${styleDigest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
      'Cache-Control': 'no-store',
      Vary: 'Accept-Language',
    })
    .type('html')
    .send(page.text);
}
