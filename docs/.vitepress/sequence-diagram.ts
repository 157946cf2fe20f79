/**
 * Sequence diagrams as inline SVG, made when the site is built: blocks marked `mermaid`, of which GitHub draws the same text itself.
 * A small part of Mermaid's notation: `participant A as Name`, `A->>B: text`, `A-->>B: text` (an answer), `Note over A,B: text`,
 * `alt text`, `else text`, `end`. Mermaid itself is not used: it would send every reader more script than the whole site has.
 */
import type { MarkdownOptions } from 'vitepress';

type MarkdownIt = Parameters<NonNullable<MarkdownOptions['config']>>[0];

type Step =
  | {
      readonly kind: 'message';
      readonly from: number;
      readonly to: number;
      readonly text: string;
      readonly answer: boolean;
    }
  | { readonly kind: 'note'; readonly from: number; readonly to: number; readonly text: string }
  | { readonly kind: 'alt' | 'else' | 'end'; readonly text: string };

interface Diagram {
  readonly names: readonly string[];
  readonly steps: readonly Step[];
}

const row = 40;
const margin = 16;

/** Draws the blocks of a page. */
export function sequenceDiagrams(md: MarkdownIt): void {
  const usual = md.renderer.rules.fence;
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    const token = tokens[index];
    if (token?.info.trim() === 'mermaid') return draw(parse(token.content));
    return usual?.(tokens, index, ...rest) ?? '';
  };
}

/** @throws Error for a line that is not of this notation: a diagram that lacks something is worse than none. */
function parse(text: string): Diagram {
  const names: string[] = [];
  const ids: string[] = [];
  const steps: Step[] = [];
  const column = (id: string) => {
    const found = ids.indexOf(id.trim());
    if (found < 0) throw new Error(`no participant ${id}`);
    return found;
  };
  for (const line of text.split('\n').map((one) => one.trim())) {
    const participant = /^participant (\w+) as (.+)$/.exec(line);
    const message = /^(\w+)(--?)>>(\w+): (.+)$/.exec(line);
    const note = /^Note over (\w+)(?:,(\w+))?: (.+)$/.exec(line);
    const block = /^(alt|else|end)\b ?(.*)$/.exec(line);
    if (line === '' || line === 'sequenceDiagram') continue;
    if (participant) {
      ids.push(participant[1] ?? '');
      names.push(participant[2] ?? '');
    } else if (message) {
      const [, from = '', dash, to = '', words = ''] = message;
      steps.push({ kind: 'message', from: column(from), to: column(to), text: words, answer: dash === '--' });
    } else if (note) {
      const [, from = '', to = from, words = ''] = note;
      steps.push({ kind: 'note', from: column(from), to: column(to), text: words });
    } else if (block) {
      steps.push({ kind: block[1] as 'alt' | 'else' | 'end', text: block[2] ?? '' });
    } else throw new Error(`not understood: ${line}`);
  }
  return { names, steps };
}

/** Places of the columns: as far apart as names and texts between neighbours want. */
function columnsOf({ names, steps }: Diagram): number[] {
  const gaps = names.slice(1).map((name, index) => (widthOf(name) + widthOf(names[index] ?? '')) / 2 + 48);
  for (const step of steps) {
    if (step.kind !== 'message') continue;
    const [low, high] = [Math.min(step.from, step.to), Math.max(step.from, step.to)];
    const wanted = widthOf(step.text) + 36;
    for (let at = low; at < high; at += 1) gaps[at] = Math.max(gaps[at] ?? 0, wanted / (high - low));
  }
  const first = margin + widthOf(names[0] ?? '') / 2 + 14;
  const places = [first];
  for (const gap of gaps) places.push((places.at(-1) ?? 0) + gap);
  return places;
}

function draw(diagram: Diagram): string {
  const { names, steps } = diagram;
  const columns = columnsOf(diagram);
  const last = names.length - 1;
  const notes = steps.map((step) => (step.kind === 'note' ? widthOf(step.text) + 20 + 2 * margin : 0));
  const width = Math.ceil(Math.max((columns[last] ?? 0) + widthOf(names[last] ?? '') / 2 + 14 + margin, ...notes));
  const height = 56 + steps.length * row + 16;
  const at = (column: number) => columns[column] ?? 0;
  const parts = names.flatMap((name, index) => [
    `<line x1="${at(index)}" y1="40" x2="${at(index)}" y2="${height - 8}" class="life"/>`,
    `<rect x="${at(index) - widthOf(name) / 2 - 12}" y="8" width="${widthOf(name) + 24}" height="32" rx="6" class="name"/>`,
    words(at(index), 29, name),
  ]);
  for (const [index, step] of steps.entries()) {
    const y = 56 + index * row + 26;
    if (step.kind === 'message') parts.push(...arrow(at(step.from), at(step.to), y, step.text, step.answer));
    else if (step.kind === 'note') {
      const half = Math.max(widthOf(step.text) / 2 + 10, Math.abs(at(step.to) - at(step.from)) / 2 + 10);
      // One at the edge is moved inwards rather than making all of it wider.
      const middle = Math.max(margin + half, Math.min((at(step.from) + at(step.to)) / 2, width - margin - half));
      parts.push(`<rect x="${middle - half}" y="${y - 20}" width="${half * 2}" height="28" rx="3" class="note"/>`);
      parts.push(words(middle, y - 1, step.text));
    } else {
      parts.push(`<line x1="8" y1="${y - 6}" x2="${width - 8}" y2="${y - 6}" class="block"/>`);
      if (step.text !== '') parts.push(`<text x="12" y="${y + 9}" class="case">[${escaped(step.text)}]</text>`);
    }
  }
  return `<div class="sequence"><svg viewBox="0 0 ${width} ${height}" width="${width}" role="img">${parts.join('')}</svg></div>\n`;
}

function arrow(from: number, to: number, y: number, text: string, isAnswer: boolean): string[] {
  const tip = to > from ? -8 : 8;
  return [
    `<line x1="${from}" y1="${y}" x2="${to}" y2="${y}" class="${isAnswer ? 'answer' : 'message'}"/>`,
    `<path d="M${to} ${y}l${tip} -4v8z" class="tip"/>`,
    words((from + to) / 2, y - 7, text),
  ];
}

function words(x: number, y: number, text: string): string {
  return `<text x="${x}" y="${y}" text-anchor="middle">${escaped(text)}</text>`;
}

/** Width of a text of 13 pixels; a Chinese character is as wide as high. */
function widthOf(text: string): number {
  return [...text].reduce((sum, one) => sum + (one > '\u2e80' ? 13 : 7), 0);
}

/** Braces are Vue's. */
function escaped(text: string): string {
  return text.replace(/[&<>{}]/g, (one) => `&#${one.charCodeAt(0)};`);
}
