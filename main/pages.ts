/** Pages that are shown while there is no node to show its own: plain HTML without scripts, made here. */

/** A choice on a page. */
export interface PageAction {
  /** What is behind `#` in the address after it was chosen. */
  readonly id: string;
  readonly label: string;
  readonly note?: string;
}

/** @returns HTML. All texts are escaped. */
export function plainPage(title: string, text: string, actions: readonly PageAction[] = [], lines = ''): string {
  const buttons = actions
    .map(
      ({ id, label, note }, index) =>
        `<p${index > 0 ? ' class="more"' : ''}><a href="#${escaped(id)}">${escaped(label)}</a>${note === undefined ? '' : ` <small>${escaped(note)}</small>`}</p>`,
    )
    .join('');
  const page = `<!doctype html><html><head><meta charset="utf-8"><title>${escaped(title)}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem;background:Canvas;color:CanvasText}
h1{font-size:1.3rem}a{display:inline-block;padding:.4rem .9rem;border-radius:.4rem;border:1px solid #0d727b;color:CanvasText;text-decoration:none}
p:not(.more)>a{background:#0d727b;color:#fff}a:focus-visible{outline:2px solid Highlight;outline-offset:2px}
small{color:GrayText}pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px;border:1px solid GrayText;border-radius:.4rem;padding:.7rem;max-height:14rem;overflow:auto}</style></head>
<body><h1>${escaped(title)}</h1><p role="status">${escaped(text)}</p>${buttons}${lines === '' ? '' : `<pre>${escaped(lines)}</pre>`}</body></html>`;
  return page;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
