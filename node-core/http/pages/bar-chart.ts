import { html, type Markup } from './html.ts';

/** One bar. */
export interface Bar {
  /** What it stands for; shown when it is pointed at. */
  readonly label: string;
  readonly value: number;
  /** The value as people read it. */
  readonly text: string;
}

/** Width of a bar with its gap, of the bar alone, and height of the drawing, in its own units. */
const step = 10;
const barWidth = 7;
const height = 100;

/**
 * Bars as inline SVG, stretched to the width that there is; words stand around it, where they keep their size.
 * @param title what is counted. @param top the highest value as people read it.
 */
export function barChart(title: string, top: string, bars: readonly Bar[]): Markup {
  const highest = Math.max(1, ...bars.map(({ value }) => value));
  const columns = bars.map(({ label, value, text }, index) => {
    // The smallest value is still to be seen.
    const tall = value === 0 ? 0 : Math.max(1.5, (value / highest) * height);
    const x = index * step + (step - barWidth) / 2;
    return html`<g><title>${label}: ${text}</title><rect class="hit" x="${index * step}" y="0" width="${step}" height="${height}"/><rect x="${x}" y="${(height - tall).toFixed(2)}" width="${barWidth}" height="${tall.toFixed(2)}"/></g>`;
  });
  return html`<figure><figcaption>${title}<span>${top}</span></figcaption>
<svg class="bars" viewBox="0 0 ${bars.length * step} ${height}" preserveAspectRatio="none" role="img" aria-label="${title}">${columns}</svg>
<p class="axis"><span>${bars[0]?.label ?? ''}</span><span>${bars.at(-1)?.label ?? ''}</span></p></figure>`;
}
