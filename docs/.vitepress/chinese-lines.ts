/** A line of the source that ends within Chinese text ends in nothing: a space would stand in the middle of the sentence. */
import type { MarkdownOptions } from 'vitepress';

type MarkdownIt = Parameters<NonNullable<MarkdownOptions['config']>>[0];

const wide = /[\u2e80-\u9fff\uff00-\uffef\u3000-\u303f]/;
const punctuation = /[\u3000-\u303f\uff00-\uff0f\uff1a-\uff1f\u201c\u201d]/;

/** Joins such lines. */
export function chineseLines(md: MarkdownIt): void {
  md.renderer.rules.softbreak = (tokens, index) => {
    const before = tokens[index - 1]?.content.at(-1) ?? '';
    const after = tokens[index + 1]?.content.at(0) ?? '';
    // Between Chinese and Latin letters a space stands, as elsewhere in these pages.
    const isChinese = wide.test(before) && wide.test(after);
    return isChinese || punctuation.test(before) || punctuation.test(after) ? '' : '\n';
  };
}
