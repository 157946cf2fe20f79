import { rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Answer,
  call,
  download,
  expectRefusal,
  remove,
  sendRaw,
  type UploadAnswer,
  upload,
} from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';

const alphabet = 'abcdefghijklmnopqrstuvwxyz';

/** One part of a multipart/byteranges body. */
interface RangePart {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Reads a multipart/byteranges answer (RFC 9110, 14.6) strictly. */
function rangeParts(answer: Answer): RangePart[] {
  const separator = /^multipart\/byteranges; boundary=(\S+)$/.exec(answer.headers['content-type'] ?? '')?.[1];
  if (separator === undefined) throw new Error(`no multipart/byteranges: ${answer.headers['content-type']}`);
  const text = answer.body.toString('latin1');
  expect(text.endsWith(`\r\n--${separator}--\r\n`)).toBe(true);
  const pieces = `\r\n${text}`.split(`\r\n--${separator}`).slice(1, -1);
  return pieces.map((piece) => {
    const end = piece.indexOf('\r\n\r\n');
    const lines = piece.slice(2, end).split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.split(':')[0]?.toLowerCase() ?? '', line.slice(line.indexOf(':') + 1).trim()]),
    );
    return { headers, body: piece.slice(end + 4) };
  });
}

// Small files come from memory the second time, large ones are streamed: both must obey the same rules.
for (const size of ['small', 'large'] as const) {
  describe(`a ${size} file`, () => {
    const content =
      size === 'small' ? Buffer.from(alphabet) : Buffer.from(alphabet.repeat(40_000)).subarray(0, 1_000_003);
    const last = content.length - 1;
    let node: TestNode;
    let file: UploadAnswer;
    const get = (headers: Readonly<Record<string, string>> = {}, method = 'GET') => call(file.url, { method, headers });

    beforeAll(async () => {
      node = await startNode();
      file = await upload(node, content, { fields: { path: 'd' } });
    });

    it('comes whole, the second time as well', async () => {
      for (let round = 0; round < 2; round += 1) {
        const answer = await get();
        expect(answer.status).toBe(200);
        expect(answer.body.equals(content)).toBe(true);
        expect(answer.headers).toMatchObject({
          'accept-ranges': 'bytes',
          'content-length': String(content.length),
          'content-type': 'application/octet-stream',
          'x-content-type-options': 'nosniff',
        });
        expect(answer.headers.etag).toMatch(/^"[^"]+"$/);
        expect(Date.parse(answer.headers['last-modified'] ?? '')).toBeLessThanOrEqual(Date.now());
      }
    });

    it('shows the same headers for HEAD, without a body', async () => {
      const { date: _get, connection: _keep, ...expected } = (await get()).headers;
      const answer = await get({}, 'HEAD');
      expect(answer.status).toBe(200);
      expect(answer.body.length).toBe(0);
      expect(answer.headers).toMatchObject(expected);
    });

    const ranges: readonly (readonly [header: string, start: number, end: number])[] = [
      ['bytes=0-0', 0, 0],
      ['bytes=5-9', 5, 9],
      ['bytes=20-', 20, last],
      ['bytes=-3', last - 2, last],
      ['bytes=0-999999999', 0, last],
      ['bytes=-999999999', 0, last],
      [`bytes=${last}-${last}`, last, last],
      ['Bytes=1-2', 1, 2],
    ];
    it.each(ranges)('answers %s with that part', async (header, start, end) => {
      const answer = await get({ range: header });
      expect(answer.status).toBe(206);
      expect(answer.headers['content-range']).toBe(`bytes ${start}-${end}/${content.length}`);
      expect(answer.headers['content-length']).toBe(String(end - start + 1));
      expect(answer.body.equals(content.subarray(start, end + 1))).toBe(true);
      const head = await get({ range: header }, 'HEAD');
      expect(head.body.length).toBe(0);
    });

    it.each(['bytes=10-20,24-25', 'bytes=24-25, 0-1 ,-2'])('answers several ranges %s as parts', async (header) => {
      const answer = await get({ range: header });
      expect(answer.status).toBe(206);
      expect(answer.headers['content-length']).toBe(String(answer.body.length));
      expect(answer.headers['content-range']).toBeUndefined();
      const parts = rangeParts(answer);
      expect(parts.length).toBeGreaterThan(1);
      for (const part of parts) {
        const [, start, end] = /^bytes (\d+)-(\d+)\/\d+$/.exec(part.headers['content-range'] ?? '') ?? [];
        expect(part.body).toBe(content.subarray(Number(start), Number(end) + 1).toString('latin1'));
        expect(part.headers['content-type']).toBe('application/octet-stream');
      }
    });

    it('serves what can be served of several ranges', async () => {
      const answer = await get({ range: `bytes=0-1,${content.length}-` });
      expect(answer.status).toBe(206);
      expect(answer.body.equals(content.subarray(0, 2))).toBe(true);
    });

    it.each([`bytes=${content.length}-`, `bytes=${content.length + 5}-${content.length + 9}`, 'bytes=-0'])(
      'answers %s with 416 and the size',
      async (header) => {
        const answer = await get({ range: header });
        expectRefusal(answer, 416, 'RANGE_NOT_SATISFIABLE');
        expect(answer.headers['content-range']).toBe(`bytes */${content.length}`);
      },
    );

    it.each(['lines=1-2', 'bytes=a-b', 'bytes=', 'bytes 1-2', `bytes=${'0-0,'.repeat(500)}1-1`])(
      'ignores a Range that it cannot follow: %s',
      async (header) => {
        const answer = await get({ range: header });
        expect(answer.status).toBe(200);
        expect(answer.body.length).toBe(content.length);
      },
    );

    it('follows If-Range only while the file is the same', async () => {
      const { etag = '', 'last-modified': modified = '' } = (await get()).headers;
      for (const same of [etag, modified]) {
        expect((await get({ range: 'bytes=0-3', 'if-range': same })).status, same).toBe(206);
      }
      const earlier = new Date(Date.parse(modified) - 60_000).toUTCString();
      for (const other of ['"other"', `W/${etag}`, earlier, 'nonsense']) {
        const answer = await get({ range: 'bytes=0-3', 'if-range': other });
        expect({ other, status: answer.status, length: answer.body.length }).toEqual({
          other,
          status: 200,
          length: content.length,
        });
      }
    });

    it('answers conditions as RFC 9110 has them', async () => {
      const { etag = '', 'last-modified': modified = '' } = (await get()).headers;
      const earlier = new Date(Date.parse(modified) - 60_000).toUTCString();
      const later = new Date(Date.parse(modified) + 60_000).toUTCString();
      const cases: readonly (readonly [Readonly<Record<string, string>>, number])[] = [
        [{ 'if-none-match': etag }, 304],
        [{ 'if-none-match': `W/${etag}` }, 304],
        [{ 'if-none-match': `"x", ${etag}` }, 304],
        [{ 'if-none-match': '*' }, 304],
        [{ 'if-none-match': '"x"' }, 200],
        [{ 'if-modified-since': modified }, 304],
        [{ 'if-modified-since': later }, 304],
        [{ 'if-modified-since': earlier }, 200],
        [{ 'if-modified-since': 'yesterday' }, 200],
        [{ 'if-none-match': '"x"', 'if-modified-since': later }, 200],
        [{ 'if-match': etag }, 200],
        [{ 'if-match': '*' }, 200],
        [{ 'if-match': '"x"' }, 412],
        [{ 'if-match': `W/${etag}` }, 412],
        [{ 'if-unmodified-since': earlier }, 412],
        [{ 'if-unmodified-since': modified }, 200],
        [{ 'if-match': etag, 'if-unmodified-since': earlier }, 200],
      ];
      for (const [headers, status] of cases) {
        const answer = await get(headers);
        expect({ headers, status: answer.status }).toEqual({ headers, status });
        if (status === 304) {
          expect(answer.body.length).toBe(0);
          expect(answer.headers.etag).toBe(etag);
        }
        if (status === 412) expectRefusal(answer, 412, 'PRECONDITION_FAILED');
      }
    });
  });
}

describe('how a file is presented', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startNode({ enable_trim_file_name_special_char: false });
  });

  it('names a download as RFC 6266 has it', async () => {
    const { path: stored } = await upload(node, 'names', {
      name: '报告 "2026".txt',
      fields: { filename: 'n.txt', path: 'n' },
    });
    const disposition = async (query: string) =>
      (await call(`${node.origin}${stored}${query}`)).headers['content-disposition'];
    const own = await disposition('');
    expect(own).toMatch(/^attachment; filename="[\x20-\x7e]*"; filename\*=UTF-8''/);
    expect(own).toContain(encodeURIComponent('报告'));
    expect(await disposition('?name=plain.txt')).toBe('attachment; filename="plain.txt"');
    expect(await disposition('?name=%E4%B8%AD.txt&download=1')).toContain("filename*=UTF-8''%E4%B8%AD.txt");
    expect(await disposition('?name=a%22b.txt')).toBe('attachment; filename="a\\"b.txt"');
  });

  it('lets no name break out of its header', async () => {
    const { path: stored } = await upload(node, 'injection', { fields: { path: 'n' } });
    for (const name of [
      'a%0d%0aX-Evil:%201',
      'a%0aX-Evil:1',
      'a%00b',
      '%0d%0a%0d%0a<html>',
      '%e2%80%ae.txt',
      '%ff',
      'a;b',
    ]) {
      const answer = await call(`${node.origin}${stored}?name=${name}&download=1`);
      expect(answer.status, name).toBe(200);
      expect(answer.headers['x-evil']).toBeUndefined();
      expect(answer.headers['content-disposition']).toMatch(/^attachment; filename=/);
      expect(answer.text).toBe('injection');
    }
  });

  const inline: readonly (readonly [name: string, type: RegExp, mayRun: boolean])[] = [
    ['a.txt', /^text\/plain/, false],
    ['a.png', /^image\/png$/, false],
    ['a.jpg', /^image\/jpeg$/, false],
    ['a.mp4', /^video\/mp4$/, false],
    ['a.pdf', /^application\/pdf$/, false],
    ['a.bin', /^application\/octet-stream$/, false],
    ['noextension', /^application\/octet-stream$/, false],
    ['a.html', /html|text\/plain/, true],
    ['a.HTM', /html|text\/plain/, true],
    ['a.xhtml', /xhtml|text\/plain/, true],
    ['a.svg', /svg|text\/plain/, true],
    ['a.svgz', /svg|text\/plain/, true],
    ['a.xml', /xml|text\/plain/, true],
    ['a.js', /^text\/plain/, true],
    ['a.mjs', /^text\/plain/, true],
    ['a.css', /^text\/plain/, true],
    ['a.wasm', /./, true],
    ['a.shtml', /./, true],
    ['a.swf', /./, true],
  ];
  it.each(inline)(
    'shows %s in the browser so that nothing of a stranger runs in this origin',
    async (name, type, mayRun) => {
      const { path: stored } = await upload(node, `<script>alert('${name}')</script>`, {
        name,
        fields: { path: 'inline' },
      });
      const answer = await call(`${node.origin}${stored}?download=0`);
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toMatch(type);
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
      expect(answer.headers['content-disposition'] ?? 'inline').toMatch(/^inline/);
      const policy = String(answer.headers['content-security-policy'] ?? '');
      const harmless = /^(text\/plain|application\/octet-stream)/.test(answer.headers['content-type'] ?? '');
      if (mayRun && !harmless) {
        expect(policy).toMatch(/(^|; ?)sandbox( ?;|$)/);
        expect(policy).not.toMatch(/allow-scripts|allow-same-origin/);
      }
    },
  );

  it('never shows what is asked as a download', async () => {
    const { path: stored } = await upload(node, '<script>1</script>', { name: 'x.html', fields: { path: 'inline' } });
    for (const query of ['', '?download=1', '?download=true', '?download=']) {
      const answer = await call(`${node.origin}${stored}${query}`);
      expect(answer.headers['content-type']).toBe('application/octet-stream');
      expect(answer.headers['content-disposition']).toMatch(/^attachment/);
    }
  });

  it('shows files in the browser when default_download is off', async () => {
    const showing = await startNode({ default_download: false });
    const answer = await upload(showing, 'shown', { fields: { path: 'p' } });
    expect(answer.url).toBe(`${showing.origin}/group1/p/a.txt`);
    expect((await call(answer.url)).headers['content-type']).toMatch(/^text\/plain/);
    expect((await call(`${answer.url}?download=1`)).headers['content-disposition']).toMatch(/^attachment/);
  });

  it('serves an empty file, to which no range fits', async () => {
    const { url } = await upload(node, '', { name: 'empty.txt', fields: { path: 'e' } });
    const answer = await call(url);
    expect({ status: answer.status, length: answer.headers['content-length'] }).toEqual({ status: 200, length: '0' });
    expect((await call(url, { method: 'HEAD' })).status).toBe(200);
    expect((await call(url, { headers: { range: 'bytes=0-' } })).status).toBe(416);
  });
});

describe('the address of a file', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startNode({ enable_trim_file_name_special_char: false });
    await upload(node, 'encoded', { name: '100% 中文 #1?.txt', fields: { path: 'a b' } });
  });

  it('may be percent-encoded in any way that names the same characters', async () => {
    const exact = encodeURIComponent('100% 中文 #1?.txt');
    for (const target of [
      `/group1/a%20b/${exact}`,
      `/group1/%61%20b/${exact.toLowerCase()}`,
      `/group1/a%20b//${exact}`,
    ]) {
      expect((await call(`${node.origin}${target}`)).text, target).toBe('encoded');
    }
  });

  const refused: readonly (readonly [target: string, status: number])[] = [
    ['/group1/a%2fb.txt', 400],
    ['/group1/a%5cb.txt', 400],
    ['/group1/a\\b.txt', 400],
    ['/group1/a%00b.txt', 400],
    ['/group1/%zz', 400],
    ['/group1/%ff', 400],
    ['/group1/%', 400],
    ['/group1/../conf/cfg.json', 400],
    ['/group1/%2e%2e/conf/cfg.json', 400],
    ['/group1/a/./b', 400],
    ['/group1/..', 400],
    ['/group1/_tmp/x', 400],
    ['/group1/_trash/x', 400],
    ['/group1/.shoal-store', 400],
    ['/../conf/cfg.json', 404],
    ['/conf/cfg.json', 404],
    ['/group1/unknown.txt', 404],
    ['/group1/unknown/', 404],
    ['/group1x/a', 404],
  ];
  it.each(refused)('fault 3: %j is refused with %i and a code', async (target, status) => {
    const text = await sendRaw(node.port, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))).toMatchObject({ status: 'fail', data: null });
  });

  it('answers an unknown file with 404 and its code', async () => {
    expectRefusal(await call(`${node.group}/unknown.txt`), 404, 'FILE_NOT_FOUND');
    const head = await call(`${node.group}/unknown.txt`, { method: 'HEAD' });
    expect({ status: head.status, length: head.body.length }).toEqual({ status: 404, length: 0 });
  });
});

describe('a file that was changed from outside', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startNode();
  });

  /** Uploads a file and tells where it stands on disk. */
  async function stored(name: string, content: Buffer | string) {
    const answer = await upload(node, content, { name, fields: { path: 'outside' } });
    return { url: answer.url, path: answer.path, onDisk: path.join(node.dataDir, 'files', 'outside', name) };
  }

  /** Puts other bytes in the place of a file, as another program would. */
  async function overwrite(file: string, bytes: Buffer | string): Promise<void> {
    await rm(file);
    await writeFile(file, bytes);
  }

  for (const [kind, size] of [
    ['small', 1000],
    ['large', 1_000_000],
  ] as const) {
    for (const warm of [true, false]) {
      it(`is never served as what was stored: ${kind}, ${warm ? 'read before' : 'not read before'}`, async () => {
        const { url, onDisk } = await stored(`${kind}${warm}.bin`, Buffer.alloc(size, `${kind}${warm}`));
        if (warm) for (let round = 0; round < 3; round += 1) expect((await call(url)).status).toBe(200);
        await overwrite(onDisk, Buffer.alloc(size, 'B'));
        for (let round = 0; round < 2; round += 1) expectRefusal(await call(url), 503, 'BYTES_DAMAGED');
        expectRefusal(await call(url, { headers: { range: 'bytes=0-9' } }), 503, 'BYTES_DAMAGED');
      });
    }

    it(`is not served when its time was set back to the millisecond, too: ${kind}`, async () => {
      const { url, onDisk } = await stored(`${kind}back.bin`, Buffer.alloc(size, `${kind}back`));
      const before = await stat(onDisk);
      await call(url);
      await overwrite(onDisk, Buffer.alloc(size, 'C'));
      await utimes(onDisk, before.atime, before.mtime);
      expectRefusal(await call(url), 503, 'BYTES_DAMAGED');
    });

    it(`is served when only its time changed: ${kind}`, async () => {
      const content = Buffer.alloc(size, `${kind}touched`);
      const { url, onDisk } = await stored(`${kind}touched.bin`, content);
      await utimes(onDisk, new Date(), new Date(Date.now() - 1_000_000));
      for (let round = 0; round < 2; round += 1) expect((await call(url)).body.equals(content)).toBe(true);
    });

    it(`is served when it was copied away and back without its times: ${kind}`, async () => {
      const content = Buffer.alloc(size, `${kind}copied`);
      const { url, onDisk } = await stored(`${kind}copied.bin`, content);
      await call(url);
      await overwrite(onDisk, content);
      for (let round = 0; round < 2; round += 1) expect((await call(url)).body.equals(content)).toBe(true);
    });
  }

  it.each([0, 10, 2000])('is not served with another length: %i bytes', async (length) => {
    const { url, onDisk } = await stored(`length${length}.bin`, Buffer.alloc(1000, `l${length}`));
    await call(url);
    await overwrite(onDisk, Buffer.alloc(length, 'D'));
    expectRefusal(await call(url), 503, 'BYTES_DAMAGED');
  });

  it('is missed when it was removed, and healed by the same upload', async () => {
    const content = 'removed by somebody';
    const { url, onDisk } = await stored('removed.bin', content);
    await call(url);
    await rm(onDisk);
    expectRefusal(await call(url), 503, 'BYTES_DAMAGED');
    const again = await upload(node, content, { name: 'removed.bin', fields: { path: 'outside' } });
    expect(again.url).toBe(url);
    expect((await call(url)).text).toBe(content);
  });

  it('is healed by the same upload when its bytes were damaged', async () => {
    const content = 'damaged by somebody';
    const { url, onDisk } = await stored('healed.bin', content);
    await overwrite(onDisk, 'damaged by somebodY');
    expectRefusal(await call(url), 503, 'BYTES_DAMAGED');
    await upload(node, content, { name: 'healed.bin', fields: { path: 'outside' } });
    expect((await call(url)).text).toBe(content);
  });

  it('does not lend its damaged bytes to another path with the same content', async () => {
    const content = 'linked after damage';
    const { onDisk } = await stored('lender.bin', content);
    await overwrite(onDisk, 'LINKED after damage');
    const other = await upload(node, content, { name: 'borrower.bin', fields: { path: 'outside' } });
    expect((await call(other.url)).text).toBe(content);
  });

  it.each(['/etc/passwd', '/etc', 'a-file-of-the-node', 'itself'])(
    'is not followed when it became a link to %s',
    async (target) => {
      const { url, onDisk } = await stored(`link${target.length}.bin`, `link ${target}`);
      await call(url);
      await rename(onDisk, `${onDisk}.away`);
      const names = { 'a-file-of-the-node': path.join(node.dataDir, 'conf', 'cfg.json'), itself: `${onDisk}.away` };
      await symlink(names[target as keyof typeof names] ?? target, onDisk);
      for (let round = 0; round < 2; round += 1) {
        const answer = await call(url);
        // Through the link stand the right bytes in one case: those may be served, anything else never.
        if (target === 'itself' && answer.status === 200) expect(answer.text).toBe(`link ${target}`);
        else expectRefusal(answer, 503, 'BYTES_DAMAGED');
      }
    },
  );

  it('is not read through a folder that became a link out of the store', async () => {
    const { path: where } = await upload(node, 'in a folder', { name: 'cfg.json', fields: { path: 'folder/inner' } });
    const folder = path.join(node.dataDir, 'files', 'folder', 'inner');
    await rename(folder, `${folder}.away`);
    await symlink(path.join(node.dataDir, 'conf'), folder);
    expectRefusal(await download(node, where), 503, 'BYTES_DAMAGED');
  });

  it('lets no upload through a folder that became a link out of the store', async () => {
    await upload(node, 'before the link', { fields: { path: 'leads/out' } });
    const folder = path.join(node.dataDir, 'files', 'leads', 'out');
    await rename(folder, `${folder}.away`);
    await symlink(path.join(node.dataDir, 'conf'), folder);
    const answer = await upload(node, 'behind the link', { name: 'planted.txt', fields: { path: 'leads/out' } });
    expect((await download(node, answer.path)).text).toBe('behind the link');
    await expect(stat(path.join(node.dataDir, 'conf', 'planted.txt'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('can be deleted all the same', async () => {
    const { path: where, onDisk } = await stored('delete.bin', 'to be deleted');
    await overwrite(onDisk, 'other bytes');
    expect((await remove(node, where)).status).toBe(200);
    expectRefusal(await download(node, where), 404, 'FILE_NOT_FOUND');
  });
});

describe('CORS of downloads', () => {
  it('is open to other sites unless it is switched off', async () => {
    const open = await startNode();
    const { url } = await upload(open, 'cors');
    expect((await call(url, { headers: { origin: 'http://other.example' } })).headers).toMatchObject({
      'access-control-allow-origin': '*',
    });
    const closed = await startNode({ enable_cross_origin: false });
    const answer = await call((await upload(closed, 'cors')).url, { headers: { origin: 'http://other.example' } });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('an answer that is kept whole', () => {
  const content = alphabet.repeat(40);
  const request = (target: string, ...headers: string[]) =>
    [`GET ${target} HTTP/1.1`, 'Host: x', ...headers].join('\r\n').concat('\r\n\r\n');

  /** A node with a file whose plain answer is kept, and the target of that answer. */
  async function withKept(): Promise<{ node: TestNode; target: string; url: string }> {
    const node = await startNode();
    const { url } = await upload(node, content, { fields: { path: 'kept', filename: 'a.bin' } });
    for (let round = 0; round < 3; round += 1) expect((await call(url)).text).toBe(content);
    return { node, url, target: new URL(url).pathname };
  }

  it('is the same as the first, with the date of its own second', async () => {
    const { node, url } = await withKept();
    const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 });
    const first = await call(url, { agent });
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const second = await call(url, { agent });
    agent.destroy();
    const { date: firstDate, ...firstRest } = first.headers;
    const { date: secondDate, ...secondRest } = second.headers;
    expect(secondRest).toEqual(firstRest);
    expect(Date.parse(secondDate ?? '') - Date.parse(firstDate ?? '')).toBeGreaterThanOrEqual(1000);
    expect(second.text).toBe(first.text);
    expect(node.port).toBeGreaterThan(0);
  });

  it('comes in turn when several requests are sent at once', async () => {
    const { node, target } = await withKept();
    const received = await sendRaw(
      node.port,
      request(target) + request(target) + request(`${target}x`) + request(target, 'Connection: close'),
    );
    const heads = received
      .split('HTTP/1.1 ')
      .slice(1)
      .map((part) => part.slice(0, 3));
    expect(heads).toEqual(['200', '200', '404', '200']);
    expect(received.split(content)).toHaveLength(4);
  });

  it('is not used where the connection closes, for HEAD, or for an old protocol', async () => {
    const { node, target } = await withKept();
    const closing = await sendRaw(node.port, request(target, 'Connection: close'));
    expect(closing).toMatch(/\r\nConnection: close\r\n/);
    const head = await sendRaw(node.port, request(target, 'Connection: close').replace('GET', 'HEAD'));
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(head).not.toContain(alphabet);
    const old = await sendRaw(node.port, `GET ${target} HTTP/1.0\r\n\r\n`);
    expect(old.endsWith(content)).toBe(true);
    expect(old).not.toMatch(/keep-alive/i);
  });

  it('ends with the file: replaced, it shows the new content, deleted, nothing', async () => {
    const { node, url } = await withKept();
    await remove(node, 'kept/a.bin');
    expectRefusal(await call(url), 404, 'FILE_NOT_FOUND');
    await upload(node, 'new', { fields: { path: 'kept', filename: 'a.bin' } });
    for (let round = 0; round < 3; round += 1) expect((await call(url)).text).toBe('new');
  });
});
