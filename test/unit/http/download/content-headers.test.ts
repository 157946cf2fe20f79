import { describe, expect, it } from 'vitest';
import { asDownload, asInline } from '../../../../node-core/http/download/content-headers.ts';

describe('asInline', () => {
  it.each([
    ['a.jpg', 'image/jpeg'],
    ['a.PNG', 'image/png'],
    ['a.mp4', 'video/mp4'],
    ['a.txt', 'text/plain; charset=utf-8'],
    ['a.pdf', 'application/pdf'],
    ['a.unknown-thing', 'application/octet-stream'],
    ['none', 'application/octet-stream'],
    ['d.jpg/none', 'application/octet-stream'],
  ])('shows %s as %s, as it is', (path, contentType) => {
    expect(asInline(path)).toEqual({ contentType });
  });

  it.each(['a.js', 'a.mjs', 'a.css', 'a.wasm'])('shows %s as text: no page can load it', (path) => {
    expect(asInline(path)).toEqual({ contentType: 'text/plain; charset=utf-8' });
  });

  it.each([
    'a.html',
    'a.htm',
    'a.svg',
    'a.xml',
    'a.xhtml',
    'a.svgz',
    'a.json',
    'a.mht',
    'a.shtml',
    'a.xsl',
    'a.rdf',
    'a.cjs',
  ])('puts %s into a sandbox without scripts and without an origin', (path) => {
    const { policy } = asInline(path);
    expect(policy).toMatch(/^sandbox;/);
    expect(policy).not.toContain('allow-');
    expect(policy).toContain("default-src 'none'");
  });
});

describe('asDownload', () => {
  it.each([
    ['plain.txt', 'attachment; filename="plain.txt"'],
    ['with "quotes".txt', 'attachment; filename="with \\"quotes\\".txt"'],
    ['文件.txt', 'attachment; filename="??.txt"; filename*=UTF-8\'\'%E6%96%87%E4%BB%B6.txt'],
    ['', 'attachment; filename="download"'],
  ])('names %j: %s', (name, disposition) => {
    expect(asDownload(name)).toEqual({ contentType: 'application/octet-stream', disposition });
  });

  it.each(['a\r\nSet-Cookie: x', 'a\0b', 'a\u007fb', '\n'])('lets no control character of %j into a header', (name) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
    expect(asDownload(name).disposition).not.toMatch(/[\u0000-\u001f\u007f]/);
  });
});
