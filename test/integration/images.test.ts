import { execFileSync } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { call, expectRefusal, upload } from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';

let node: TestNode;

beforeAll(async () => {
  node = await startNode({
    image_max_width: 400,
    image_max_height: 300,
    image_timeout: 3,
    image_max_pixels: 10_000_000,
  });
});

/** A picture with something in it, so that formats and positions can be told apart: left half red, right half blue. */
function picture(width: number, height: number) {
  const half = { create: { width: Math.ceil(width / 2), height, channels: 3 as const, background: '#0000ff' } };
  return sharp({ create: { width, height, channels: 3, background: '#ff0000' } }).composite([
    { input: half, left: Math.floor(width / 2), top: 0 },
  ]);
}

async function put(name: string, bytes: Buffer | string): Promise<string> {
  const { path: stored } = await upload(node, bytes, { fields: { path: 'images', filename: name } });
  return `${node.origin}${stored}`;
}

/** Whether a pixel is red, as fractions of the sides. */
async function isRed(image: Buffer, x: number, y: number): Promise<boolean> {
  const { data, info } = await sharp(image).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (Math.floor(y * info.height) * info.width + Math.floor(x * info.width)) * info.channels;
  return (data[at] ?? 0) > 200 && (data[at + 2] ?? 0) < 60;
}

/** An animated GIF of some frames, each of another colour. */
async function animation(frames: number): Promise<Buffer> {
  const colours = Array.from({ length: frames }, (_, index) => ({
    r: (index * 67) % 256,
    g: (index * 29) % 256,
    b: (index * 131) % 256,
  }));
  const pictures = colours.map((background) =>
    sharp({ create: { width: 40, height: 30, channels: 3, background } })
      .png()
      .toBuffer(),
  );
  return sharp(await Promise.all(pictures), { join: { animated: true } })
    .gif({ delay: 100 })
    .toBuffer();
}

describe('a scaled image', () => {
  it.each([
    ['jpeg', 'image/jpeg'],
    ['png', 'image/png'],
    ['webp', 'image/webp'],
    ['gif', 'image/gif'],
    ['avif', 'image/avif'],
    ['tiff', 'image/jpeg'],
  ] as const)('of a %s keeps the ratio and comes as %s', async (format, type) => {
    const url = await put(`shape.${format}`, await picture(800, 200).toFormat(format).toBuffer());
    const answer = await call(`${url}?width=100`);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, type]);
    expect(answer.headers['content-disposition']).toBeUndefined();
    const metadata = await sharp(answer.body).metadata();
    expect([metadata.width, metadata.height]).toEqual([100, 25]);
    expect(await isRed(answer.body, 0.2, 0.5)).toBe(true);
    expect(await isRed(answer.body, 0.8, 0.5)).toBe(false);
  });

  it.each([
    ['width=100&height=100', 100, 100],
    ['width=100&height=100&fit=inside', 100, 25],
    ['width=100&height=100&fit=cover', 100, 100],
    ['width=100&height=100&fit=contain', 100, 100],
    ['height=50', 200, 50],
    ['width=9999', 400, 100],
    ['height=9999', 400, 100],
    ['width=9999&height=9999', 400, 300],
    ['format=png', 400, 100],
  ])('with %s is %d x %d', async (query, width, height) => {
    const url = await put('sizes.jpg', await picture(800, 200).jpeg().toBuffer());
    const { body } = await call(`${url}?${query}`);
    const metadata = await sharp(body).metadata();
    expect([metadata.width, metadata.height]).toEqual([width, height]);
  });

  it('stands as its EXIF says, and carries no metadata along', async () => {
    const turned = await picture(200, 100)
      .withExif({ IFD0: { Copyright: 'somebody' }, IFD3: { GPSLatitudeRef: 'N' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const { body } = await call(`${await put('turned.jpg', turned)}?width=50`);
    const metadata = await sharp(body).metadata();
    expect([metadata.width, metadata.height, metadata.orientation, metadata.exif, metadata.icc]).toEqual([
      50,
      100,
      undefined,
      undefined,
      undefined,
    ]);
    // Turned by a quarter to the right: what was left is on top.
    expect([await isRed(body, 0.5, 0.2), await isRed(body, 0.5, 0.8)]).toEqual([true, false]);
  });

  it('is white where a JPEG cannot be transparent', async () => {
    const clear = await sharp({ create: { width: 20, height: 20, channels: 4, background: '#00000000' } })
      .png()
      .toBuffer();
    const { body } = await call(`${await put('clear.png', clear)}?width=10&format=jpg`);
    expect((await sharp(body).stats()).channels.map(({ min }) => min > 250)).toEqual([true, true, true]);
  });

  it('of an animation stays one, and becomes its first frame where the format has none', async () => {
    const url = await put('moves.gif', await animation(3));
    const gif = await call(`${url}?width=20`);
    const frames = await sharp(gif.body, { animated: true }).metadata();
    expect([gif.headers['content-type'], frames.pages, frames.width, frames.pageHeight]).toEqual([
      'image/gif',
      3,
      20,
      15,
    ]);
    const still = await sharp((await call(`${url}?width=20&format=png`)).body).metadata();
    expect([still.format, still.width, still.height]).toEqual(['png', 20, 15]);
  });

  it('is chosen by Accept with format=auto', async () => {
    const url = `${await put('auto.png', await picture(50, 50).png().toBuffer())}?format=auto`;
    const modern = await call(url, { headers: { accept: 'image/avif,image/webp,*/*' } });
    const old = await call(url, { headers: { accept: 'image/png' } });
    expect([modern.headers['content-type'], old.headers['content-type']]).toEqual(['image/webp', 'image/png']);
    expect([modern.headers.vary, old.headers.vary]).toEqual(['Accept', 'Accept']);
    expect(modern.headers.etag).not.toBe(old.headers.etag);
  });

  it('answers ranges, conditions and HEAD, with an ETag of its own', async () => {
    const url = await put('parts.png', await picture(300, 300).png().toBuffer());
    const whole = await call(`${url}?width=64`);
    const { etag = '' } = whole.headers;
    expect(etag).not.toBe((await call(url)).headers.etag);
    expect(etag).not.toBe((await call(`${url}?width=65`)).headers.etag);
    const part = await call(`${url}?width=64`, { headers: { range: 'bytes=10-19' } });
    expect([part.status, part.body.equals(whole.body.subarray(10, 20))]).toEqual([206, true]);
    expect((await call(`${url}?width=64`, { headers: { 'if-none-match': etag } })).status).toBe(304);
    const head = await call(`${url}?width=64`, { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([
      200,
      String(whole.body.length),
      0,
    ]);
    const attached = await call(`${url}?width=64&format=webp&download=1`);
    expect(attached.headers['content-disposition']).toMatch(/^attachment; filename=".*\.webp"$/);
  });

  it('is made of a packed file too, and anew when the file is replaced', async () => {
    const packed = await startNode({ enable_merge_small_file: true, enable_distinct_file: false });
    const store = (bytes: Buffer) => upload(packed, bytes, { fields: { path: 'p', filename: 'i.png' } });
    const file = await store(await picture(40, 20).png().toBuffer());
    const width = async () => (await sharp((await call(`${file.url}&height=10`)).body).metadata()).width;
    expect(await width()).toBe(20);
    await store(await picture(40, 40).png().toBuffer());
    expect(await width()).toBe(10);
  });

  it('is left alone when the configuration says so', async () => {
    const off = await startNode({ enable_image_resize: false });
    const bytes = await picture(40, 20).png().toBuffer();
    const file = await upload(off, bytes);
    expect((await call(`${file.url}&width=10`)).body.equals(bytes)).toBe(true);
  });
});

describe('a drawing', () => {
  it('is drawn as large as it is asked for', async () => {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><rect width="10" height="10" fill="#f00"/></svg>';
    const { body, headers } = await call(`${await put('drawing.svg', svg)}?width=200&format=png`);
    const metadata = await sharp(body).metadata();
    expect([headers['content-type'], metadata.width, metadata.height]).toEqual(['image/png', 200, 100]);
    // Sharp at its edge, because it was drawn at this size and not blown up.
    expect([await isRed(body, 0.49, 0.5), await isRed(body, 0.51, 0.5)]).toEqual([true, false]);
  });

  it('reaches no other file and no other host', async () => {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await put(
      'neighbour.png',
      await sharp({ create: { width: 9, height: 9, channels: 3, background: '#f00' } })
        .png()
        .toBuffer(),
    );
    const references = [
      'neighbour.png',
      `file://${node.dataDir}/files/images/neighbour.png`,
      `http://127.0.0.1:${port}/a.png`,
    ];
    for (const [index, reference] of references.entries()) {
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="${reference}" width="9" height="9"/></svg>`;
      const answer = await call(`${await put(`reference-${index}.svg`, svg)}?width=9&format=png`);
      expect(answer.status).toBe(200);
      expect(await isRed(answer.body, 0.5, 0.5)).toBe(false);
    }
    const included = `<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg" width="90" height="9"><text y="9">&x;</text></svg>`;
    expect([200, 422]).toContain((await call(`${await put('entity.svg', included)}?width=90`)).status);
    await new Promise((resolve) => server.close(resolve));
    expect(asked).toBe(0);
  });

  it('that would take for ever is given up in time, and others are served meanwhile and afterwards', async () => {
    const layers = Array.from(
      { length: 400 },
      (_, index) =>
        `<g filter="url(#f)"><circle cx="${index % 200}" cy="${index % 150}" r="150" fill="#${(index + 100).toString(16)}"/></g>`,
    );
    const slow = `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300"><filter id="f" x="-5" y="-5" width="11" height="11"><feTurbulence baseFrequency="0.01" numOctaves="60"/><feGaussianBlur stdDeviation="90"/></filter>${layers.join('')}</svg>`;
    const url = await put('slow.svg', slow);
    const good = await put('good.png', await picture(60, 60).png().toBuffer());
    const began = Date.now();
    const given = call(`${url}?width=400&height=300`);
    expect((await call(`${good}`)).status).toBe(200);
    expectRefusal(await given, 422, 'IMAGE_TIMEOUT');
    // The limit is 3 s; a second request does not wait for it again.
    expect(Date.now() - began).toBeLessThan(45_000);
    const again = Date.now();
    expectRefusal(await call(`${url}?width=400&height=300`), 422, 'IMAGE_TIMEOUT');
    expect(Date.now() - again).toBeLessThan(3_000);
    expect((await call(`${good}?width=30`)).status).toBe(200);
  });
});

/** A PNG of any size whose pixels are all the same: a few kilobytes for gigabytes. */
function bomb(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 0, 0, 0, 0], 8);
  const rows = deflateSync(Buffer.alloc((width + 1) * Math.min(height, 200)), { level: 9 });
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', head),
    chunk('IDAT', rows),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function crc(bytes: Buffer): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return (value ^ 0xffffffff) >>> 0;
}

describe('what is no good image', () => {
  it.each([
    ['text', () => Buffer.from('no image'), 415, 'IMAGE_UNSUPPORTED'],
    ['nothing', () => Buffer.alloc(0), 415, 'IMAGE_UNSUPPORTED'],
    ['a zip', () => Buffer.from('PK\u0003\u0004 and so on'), 415, 'IMAGE_UNSUPPORTED'],
    ['a PDF', () => Buffer.from('%PDF-1.4\n%\n'), 415, 'IMAGE_UNSUPPORTED'],
    ['a bomb', () => bomb(60_000, 60_000), 422, 'IMAGE_TOO_LARGE'],
    [
      'an SVG that is not closed',
      () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><g>'),
      422,
      'IMAGE_DAMAGED',
    ],
    [
      'an SVG without a size',
      () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="0" height="0"/>'),
      422,
      'IMAGE_DAMAGED',
    ],
    [
      'an entity bomb',
      () =>
        Buffer.from(
          `<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa">${'bcdefghi'
            .split('')
            .map((name, index) => `<!ENTITY ${name} "${`&${'abcdefghi'[index]};`.repeat(10)}">`)
            .join('')}]><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&i;</text></svg>`,
        ),
      422,
      'IMAGE_DAMAGED',
    ],
  ] as const)('%s is refused', async (name, bytes, status, code) => {
    const url = await put(`${name.replaceAll(' ', '-')}.png`, bytes());
    expectRefusal(await call(`${url}?width=10`), status, code);
    expectRefusal(await call(`${url}?width=10`), status, code);
    // The file itself is served all the same.
    expect((await call(url)).status).toBe(200);
  });

  it.each(['jpeg', 'png', 'webp', 'gif', 'avif'] as const)('a truncated %s is refused', async (format) => {
    const noise = sharp({
      create: { width: 300, height: 300, channels: 3, background: '#888', noise: { type: 'gaussian', sigma: 30 } },
    });
    const whole = await noise.toFormat(format).toBuffer();
    const url = await put(`truncated.${format}`, whole.subarray(0, Math.floor(whole.length / 2)));
    expectRefusal(await call(`${url}?width=10`), 422, 'IMAGE_DAMAGED');
  });

  it('counts the frames of an animation', async () => {
    const url = await put('long.gif', await animation(300));
    const strict = await startNode({ image_max_pixels: 40 * 30 * 299 });
    const file = await upload(strict, await animation(300));
    expect((await call(`${url}?width=5`)).status).toBe(200);
    expectRefusal(await call(`${file.url}&width=5`), 422, 'IMAGE_TOO_LARGE');
    expect((await call(`${file.url}&width=5&format=png`)).status).toBe(200);
  });

  it('is told by a code when the query is wrong, or nothing is there', async () => {
    const url = await put('query.png', await picture(20, 20).png().toBuffer());
    expectRefusal(await call(`${url}?width=abc`), 400, 'PARAMETER_INVALID');
    expectRefusal(await call(`${url}?format=exe`), 400, 'PARAMETER_INVALID');
    expectRefusal(await call(`${node.group}/images/none.png?width=5`), 404, 'FILE_NOT_FOUND');
  });
});

describe('the work', () => {
  it('is done once for a hundred that ask at the same time, and not again', async () => {
    const url = `${await put('once.png', await picture(2000, 2000).png().toBuffer())}?width=123`;
    const answers = await Promise.all(Array.from({ length: 100 }, () => call(url)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.toString('base64'))).size).toBe(1);
    const folder = path.join(node.dataDir, 'data', 'images');
    expect(await readdir(path.join(folder, '_work'))).toEqual([]);
    // Whoever removes the cache loses nothing.
    for (const name of await readdir(folder))
      if (name !== '_work') await rm(path.join(folder, name), { recursive: true });
    expect((await call(url)).body.equals(answers[0]?.body ?? Buffer.alloc(0))).toBe(true);
  });

  it('is bounded: who comes when the queue is full is asked to come back, and nobody hangs', async () => {
    const url = await put('many.png', await picture(1500, 1500).png().toBuffer());
    const answers = await Promise.all(Array.from({ length: 150 }, (_, width) => call(`${url}?width=${width + 1}`)));
    const refused = answers.filter(({ status }) => status === 503);
    for (const answer of refused) {
      expectRefusal(answer, 503, 'TOO_MANY_IMAGES');
      expect(answer.headers['retry-after']).toBeDefined();
    }
    expect(answers.filter(({ status }) => status === 200).length + refused.length).toBe(150);
    expect(refused.length).toBeGreaterThan(0);
  });

  it('goes on when its process is killed, and ends with the node', async () => {
    const own = await startNode({});
    const bytes = await picture(1000, 1000).png().toBuffer();
    const file = await upload(own, bytes);
    const children = () =>
      execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => line.includes('image-process'))
        .map((line) => Number.parseInt(line, 10));
    const before = new Set(children());
    expect((await call(`${file.url}&width=10`)).status).toBe(200);
    const started = children().filter((pid) => !before.has(pid));
    expect(started.length).toBeGreaterThan(0);
    for (const pid of started) process.kill(pid, 'SIGKILL');
    expect((await call(`${file.url}&width=11`)).status).toBe(200);
    await own.node.stop();
    expect(children().filter((pid) => !before.has(pid))).toEqual([]);
  });
});

describe('thumbnails in /api/v1', () => {
  it('are small WebP images inside a square, and 415 for what has none', async () => {
    await put('thumb.jpg', await picture(800, 200).jpeg().toBuffer());
    await put('film.mp4', 'no film');
    const api = await ApiClient.of(node);
    const answer = await api.send('readThumbnail', { query: { path: 'images/thumb.jpg', pixels: 128 } });
    const metadata = await sharp(answer.body).metadata();
    expect([answer.status, metadata.format, metadata.width, metadata.height]).toEqual([200, 'webp', 128, 32]);
    await api.refused('readThumbnail', 415, 'IMAGE_UNSUPPORTED', { query: { path: 'images/film.mp4' } });
    await api.refused('readThumbnail', 404, 'FILE_NOT_FOUND', { query: { path: 'images/none' } });
    await api.refused('readThumbnail', 400, 'PARAMETER_INVALID', { query: { path: 'images/thumb.jpg', pixels: 100 } });
    const page = await api.ok<{ entries: { name: string; mediaType: string }[] }>('listFolder', {
      query: { folder: 'images' },
    });
    expect(page.entries.find(({ name }) => name === 'film.mp4')?.mediaType).toBe('video/mp4');
  });
});
