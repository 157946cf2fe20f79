/** The texts of the web app: both languages have all of them, none is left over, and none stands in a component. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const folder = path.join(import.meta.dirname, '..', '..', '..', 'renderer');

type Texts = { readonly [key: string]: string | Texts };

async function textsOf(language: string): Promise<Map<string, string>> {
  const texts = JSON.parse(await readFile(path.join(folder, 'locales', `${language}.json`), 'utf8')) as Texts;
  const found = new Map<string, string>();
  const walk = (part: Texts, prefix: string) => {
    for (const [key, value] of Object.entries(part)) {
      if (typeof value === 'string') found.set(prefix + key, value);
      else walk(value, `${prefix}${key}.`);
    }
  };
  walk(texts, '');
  return found;
}

/** A key without the ending that stands for one or many. */
const baseOf = (key: string) => key.replace(/_(one|other)$/, '');

const en = await textsOf('en');
const zh = await textsOf('zh-CN');
const keys = new Set([...en.keys()].map(baseOf));
const spaces = new Set([...keys].map((key) => key.split('.')[0] ?? ''));

interface Uses {
  /** Texts that look like keys. */
  readonly literal: ReadonlySet<string>;
  /** Beginnings of keys that are put together. */
  readonly prefixes: ReadonlySet<string>;
  /** Visible words that stand in a component. */
  readonly words: readonly string[];
}

/** Attributes that people read or hear. */
const visible = new Set(['label', 'title', 'aria-label', 'placeholder', 'alt', 'description', 'text']);

async function usesOf(): Promise<Uses> {
  const literal = new Set<string>();
  const prefixes = new Set<string>();
  const words: string[] = [];
  const files = (await readdir(folder, { recursive: true })).filter((name) => /\.tsx?$/.test(name));
  for (const file of files) {
    const text = await readFile(path.join(folder, file), 'utf8');
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    const isKey = (value: string) => /^[a-z][\w-]*(\.[\w-]+)+$/.test(value) && spaces.has(value.split('.')[0] ?? '');
    const visit = (node: ts.Node) => {
      if (ts.isStringLiteral(node) && isKey(node.text)) literal.add(node.text);
      if (ts.isTemplateExpression(node) && isKey(`${node.head.text}x`)) prefixes.add(node.head.text);
      if (ts.isJsxText(node) && /\p{L}{2,}/u.test(node.text)) words.push(`${file}: ${node.text.trim()}`);
      if (ts.isJsxAttribute(node) && node.initializer && ts.isStringLiteral(node.initializer)) {
        const name = node.name.getText(source);
        if (visible.has(name) && /\p{L}{2,}/u.test(node.initializer.text))
          words.push(`${file}: ${name}=${node.initializer.text}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return { literal, prefixes, words };
}

const uses = await usesOf();

/** Names and things that are the same in every language. */
const names = ['Shoal', 'Path', 'SHA-256', 'MD5', 'SHA-1', 'smtp.example.org:587', '192.168.1.20:8443'];

describe('texts of the web app', () => {
  it('are there in both languages', () => {
    expect([...zh.keys()].map(baseOf).sort()).toEqual([...keys].sort());
    for (const [key, text] of [...en, ...zh]) expect(text.trim(), key).not.toBe('');
  });

  it('are there for all that the sources ask for', () => {
    // Names of files look like keys.
    const asked = [...uses.literal].filter((key) => !/\.(tsx?|css|svg|json)$/.test(key));
    expect(asked.filter((key) => !keys.has(key))).toEqual([]);
    expect([...uses.prefixes].filter((prefix) => ![...keys].some((key) => key.startsWith(prefix)))).toEqual([]);
  });

  it('are all used', () => {
    const isUsed = (key: string) =>
      uses.literal.has(key) || [...uses.prefixes].some((prefix) => key.startsWith(prefix));
    expect([...keys].filter((key) => !isUsed(key))).toEqual([]);
  });

  it('fill in the same values in both languages', () => {
    const valuesOf = (text: string | undefined) =>
      [...new Set([...(text ?? '').matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? ''))].sort();
    for (const key of keys) {
      const many = en.get(`${key}_other`) ?? en.get(key);
      // A language may name the first thing of several, or only count them.
      if (en.has(`${key}_one`) && key === 'files.removed') continue;
      expect(valuesOf(zh.get(`${key}_other`) ?? zh.get(key)), key).toEqual(valuesOf(many));
    }
  });

  it('in Chinese are Chinese', () => {
    const same = [...zh].filter(([key, text]) => text === en.get(key) && !/^(URL)$/.test(text));
    expect(same.map(([key]) => key)).toEqual([]);
  });

  it('stand in no component', () => {
    const left = uses.words.filter((word) => !names.some((name) => word.endsWith(name)));
    expect(left).toEqual([]);
  });
});

it('everything that can be changed over the API has words for the list of who did what', async () => {
  const at = path.join(folder, '..', 'node-core', 'http', 'api');
  const sources = await Promise.all((await readdir(at)).map((name) => readFile(path.join(at, name), 'utf8')));
  const changing = /\bid: '(\w+)',\s+method: '(?:post|put|patch|delete)'/g;
  const ids = sources.flatMap((text) => [...text.matchAll(changing)].map(([, id]) => id));
  expect(ids.length).toBeGreaterThan(40);
  for (const texts of [en, zh]) {
    const told = [...texts.keys()].filter((key) => key.startsWith('account.did.')).map((key) => key.slice(12));
    expect(told.sort()).toEqual([...ids].sort());
  }
});
