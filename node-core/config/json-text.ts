/** Reads JSON that people edit by hand: says where it is broken, in words that do not repeat its content. */

/** Where a text stops being JSON. Lines and columns (in UTF-16 units) count from 1. */
export interface JsonSyntaxError {
  readonly line: number;
  readonly column: number;
  /** Plain English, such as `a comma or } is missing`. */
  readonly problem: string;
}

/**
 * Finds the first place where the text stops being JSON (RFC 8259), or undefined when it is JSON.
 * The messages of JSON.parse cannot be used for that: they quote the text, secrets included, and often lack the place.
 */
export function findJsonSyntaxError(text: string): JsonSyntaxError | undefined {
  const found = scan(text);
  if (!found) return undefined;
  const before = text.slice(0, found.offset).split(/\r\n|\r|\n/);
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, problem: found.problem };
}

interface Problem {
  readonly offset: number;
  readonly problem: string;
}

/** What may come next: a value, a value or the end of a list, a key, a key or the end of an object, or what follows a value. */
type Expected = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'after-value';

const space = /[ \t\r\n]*/y;
// Inside strings stands every character from the space on, except the quote and the backslash.
const scalar =
  /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const string = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/** Keeps its own stack: a file of nothing but brackets must not exhaust the one of the program. */
function scan(text: string): Problem | undefined {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let at = 0;
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const matched = pattern.test(text);
    if (matched) at = pattern.lastIndex;
    return matched;
  };
  const take = (character: string): boolean => {
    if (text[at] !== character) return false;
    at += 1;
    return true;
  };

  for (;;) {
    skip(space);
    const inside = open.at(-1);
    if (expected === 'after-value') {
      if (inside === undefined)
        return at === text.length ? undefined : problemAt(text, at, 'there is text after the end');
      if (take(inside === '{' ? '}' : ']')) open.pop();
      else if (take(',')) expected = inside === '{' ? 'key' : 'value';
      else return problemAt(text, at, `a comma or ${inside === '{' ? '}' : ']'} is missing`);
    } else if (expected === 'key' || expected === 'key-or-end') {
      if (expected === 'key-or-end' && take('}')) {
        open.pop();
        expected = 'after-value';
        continue;
      }
      if (!skip(string)) return problemAt(text, at, 'a key in double quotes is missing');
      skip(space);
      if (!take(':')) return problemAt(text, at, 'a colon is missing');
      expected = 'value';
    } else if (take('{')) {
      open.push('{');
      expected = 'key-or-end';
    } else if (take('[')) {
      open.push('[');
      expected = 'value-or-end';
    } else if (expected === 'value-or-end' && take(']')) {
      open.pop();
      expected = 'after-value';
    } else if (skip(scalar)) expected = 'after-value';
    else return problemAt(text, at, 'a value is missing');
  }
}

/** The more specific word for mistakes that people make often. */
function problemAt(text: string, offset: number, problem: string): Problem {
  const next = text[offset];
  if (next === undefined) return { offset, problem: 'the text ends too early' };
  if (next === '"' && !problem.startsWith('a comma')) return { offset, problem: badString(text, offset) };
  if (next === '/' || next === '#') return { offset, problem: 'comments are not possible in JSON' };
  if (next === "'") return { offset, problem: 'text must stand in double quotes' };
  if ((next === '}' || next === ']') && text.slice(0, offset).trimEnd().endsWith(',')) {
    return { offset, problem: `the comma before ${next} is one too many` };
  }
  return { offset, problem };
}

function badString(text: string, offset: number): string {
  const closed = /^"(?:[^"\\\r\n]|\\.)*"/.test(text.slice(offset));
  return closed ? 'this text holds a \\ or a control character that must be escaped' : 'this text has no closing quote';
}
