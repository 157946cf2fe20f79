import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../../node-core/access/one-time-codes.ts';
import { startAuthService } from '../support/auth-service.ts';
import {
  type Answer,
  boundary,
  call,
  digest,
  expectRefusal,
  json,
  partHead,
  sendUpload,
} from '../support/http-client.ts';
import { startNode } from '../support/node-in-process.ts';
import { stagedNames, storedFiles } from '../support/store-folder.ts';
import { behindProxy, from, TestClock, withKey } from '../support/strangers.ts';
import { create, metadataHeader, sendCreate, sendPart } from '../support/tus-client.ts';

const secret = 'JBSWY3DPEHPK3PXP';

/** Refusals in the middle of the protocol have the shape of @tus/server, with our body. */
function expectTusRefusal(answer: Answer, code: string): void {
  expect([answer.status, json<{ code: string }>(answer).code]).toEqual([401, code]);
}

describe('upload_policy', () => {
  it.each(['token', 'session', 'off'] as const)(
    '%s: no stranger, by no way, and no byte is kept',
    async (upload_policy) => {
      const node = await startNode({ ...behindProxy, upload_policy });
      const before = await storedFiles(node.dataDir);
      expectRefusal(await sendUpload(node, 'x', { headers: from() }), 401, 'UPLOAD_REFUSED');
      expectRefusal(await sendUpload(node, Buffer.alloc(3_000_000), { headers: from() }), 401, 'UPLOAD_REFUSED');
      const metadata = { 'upload-length': 1, 'upload-metadata': metadataHeader({ filename: 'a' }) };
      expectRefusal(await sendCreate(node, { ...metadata, ...from() }), 401, 'UPLOAD_REFUSED');
      expectRefusal(
        await sendCreate(node, { ...metadata, ...from(), 'upload-concat': 'partial' }),
        401,
        'UPLOAD_REFUSED',
      );
      expectRefusal(
        await sendCreate(node, { ...metadata, ...from(), 'upload-concat': 'final;a b' }),
        401,
        'UPLOAD_REFUSED',
      );
      const instant = await call(`${node.group}/upload?md5=${digest('md5', 'x')}`, { headers: from() });
      expectRefusal(instant, 401, 'UPLOAD_REFUSED');
      const page = await call(`${node.group}/upload.html`, { headers: from() });
      expect([page.status, page.headers.location]).toEqual([303, '/login']);
      expect(await storedFiles(node.dataDir)).toEqual(before);
      expect(await stagedNames(node.dataDir)).toEqual([]);
      // Who may manage may upload, and so may who goes on with an upload that they began.
      expect((await sendUpload(node, 'x', { headers: withKey })).status).toBe(200);
      const url = await create(node, 1, { filename: 'a.bin' }, withKey);
      expect((await sendPart(url, 0, 'y', from())).status).toBe(204);
      expect((await call(`${node.group}/upload.html`, { headers: withKey })).status).toBe(200);
    },
  );

  it('closes the interface for other clients and leaves management as it was', async () => {
    const node = await startNode({ upload_policy: 'off' });
    expect((await sendUpload(node, 'by the host')).status).toBe(200);
    expectRefusal(await sendUpload(node, 'x', { headers: { via: '1.1 proxy' } }), 401, 'UPLOAD_REFUSED');
    expectRefusal(await sendUpload(node, 'x', { headers: { origin: 'http://evil.example' } }), 401, 'UPLOAD_REFUSED');
  });
});

describe('auth_url', () => {
  it('is asked about uploads with all fields, wherever they and the token stand', async () => {
    const service = await startAuthService();
    const node = await startNode({ ...behindProxy, auth_url: service.url });
    const before = await storedFiles(node.dataDir);
    expectRefusal(await sendUpload(node, 'refused', { headers: from() }), 401, 'AUTH_REFUSED');
    expectRefusal(
      await sendUpload(node, 'refused', { headers: from(), fieldsAfter: { auth_token: 'bad' } }),
      401,
      'AUTH_REFUSED',
    );
    expect(await storedFiles(node.dataDir)).toEqual(before);
    expect(await stagedNames(node.dataDir)).toEqual([]);
    const ways = [
      { headers: { ...from(), 'auth-token': 'good' } },
      { headers: from(), fields: { auth_token: 'good', scene: 'pics' } },
      { headers: from(), fieldsAfter: { auth_token: 'good', path: '目录/x' } },
    ];
    for (const [index, way] of ways.entries()) {
      expect((await sendUpload(node, `content ${index}`, way)).status).toBe(200);
      expect(service.questions.at(-1)?.fields.auth_token).toBe('good');
      expect(service.questions.at(-1)?.headers['auth-token']).toBe('good');
    }
    expect(service.questions.at(-1)?.fields).toMatchObject({ path: '目录/x' });
    // The headers of a form are not those of the question.
    expect(service.questions.at(-1)?.headers['content-type']).toContain('urlencoded');
    // A token that no header can hold is asked about as a field.
    await sendUpload(node, 'x', { headers: from(), fields: { auth_token: 'a\r\nx: y 文' } });
    expect(service.questions.at(-1)?.headers['auth-token']).toBeUndefined();
    expect(service.questions.at(-1)?.fields.auth_token).toBe('a\r\nx: y 文');
  });

  it('is asked about resumable uploads: token as metadata or header, at the beginning', async () => {
    const service = await startAuthService();
    const node = await startNode({ ...behindProxy, auth_url: service.url });
    const begin = (metadata: Record<string, string>, headers = {}) =>
      sendCreate(node, {
        ...from(),
        'upload-length': 1,
        'upload-metadata': metadataHeader({ filename: 'a.bin', ...metadata }),
        ...headers,
      });
    expectTusRefusal(await begin({}), 'AUTH_REFUSED');
    expectTusRefusal(await begin({ auth_token: 'bad' }), 'AUTH_REFUSED');
    expectTusRefusal(await begin({}, { 'upload-concat': 'partial' }), 'AUTH_REFUSED');
    expect((await begin({ auth_token: 'good', scene: 'pics' })).status).toBe(201);
    expect(service.questions.at(-1)?.fields).toEqual({ filename: 'a.bin', auth_token: 'good', scene: 'pics' });
    expect((await begin({}, { 'auth-token': 'good' })).status).toBe(201);
    expect((await begin({}, { 'auth-token': 'good', 'upload-concat': 'partial' })).status).toBe(201);
  });

  it('faults 17 and 20: is asked about deletes, besides the right to manage', async () => {
    const service = await startAuthService();
    // Everything that comes through a proxy on the host has the host's address: that alone must not delete.
    const node = await startNode({ auth_url: service.url });
    const upload = async (content: string) => {
      const answer = await sendUpload(node, content, { fields: { output: 'json', auth_token: 'good' } });
      return json<{ md5: string }>(answer).md5;
    };
    const md5 = await upload('to delete');
    expectRefusal(await call(`${node.group}/delete?md5=${md5}`), 401, 'AUTH_REFUSED');
    expectRefusal(await call(`${node.group}/delete?md5=${md5}&auth_token=bad`), 401, 'AUTH_REFUSED');
    expectRefusal(
      await call(`${node.group}/delete?md5=${md5}&auth_token=good`, { headers: { via: '1.1 x' } }),
      403,
      'MANAGEMENT_REFUSED',
    );
    expect((await call(`${node.group}/delete?md5=${md5}&auth_token=good`)).status).toBe(200);
    const second = await upload('to delete too');
    expect((await call(`${node.group}/delete?md5=${second}`, { headers: withKey })).status).toBe(200);
  });
});

describe('codes of scenes', () => {
  it('are asked for by uploads into a scene with a secret, by every way', async () => {
    const clock = new TestClock();
    const config = { ...behindProxy, enable_google_auth: true, scenes: [`vault:${secret}`, 'default'] };
    const node = await startNode(config, undefined, clock);
    const code = await codeOf(secret, clock.now());
    expectRefusal(await sendUpload(node, 'x', { fields: { scene: 'vault' }, headers: from() }), 401, 'CODE_REFUSED');
    expectRefusal(
      await sendUpload(node, 'x', { fieldsAfter: { scene: 'vault', code: '123456' }, headers: from() }),
      401,
      'CODE_REFUSED',
    );
    expect(await stagedNames(node.dataDir)).toEqual([]);
    expect((await sendUpload(node, 'x', { headers: from() })).status).toBe(200);
    expect((await sendUpload(node, 'y', { fields: { scene: 'vault', code }, headers: from() })).status).toBe(200);
    const begin = (metadata: Record<string, string>, query = '') =>
      call(`${node.group}/big/upload/${query}`, {
        method: 'POST',
        headers: {
          ...from(),
          'tus-resumable': '1.0.0',
          'upload-length': 1,
          'upload-metadata': metadataHeader({ filename: 'a.bin', scene: 'vault', ...metadata }),
        },
        body: '',
      });
    expectTusRefusal(await begin({}), 'CODE_REFUSED');
    expect((await begin({ code })).status).toBe(201);
    expect((await begin({}, `?code=${code}`)).status).toBe(201);
    // A login needs none: it is a stronger proof.
    expect((await sendUpload(node, 'z', { fields: { scene: 'vault' }, headers: withKey })).status).toBe(200);
  });
});

describe('limits of one caller', () => {
  it('uploads at the same time', async () => {
    const node = await startNode({ ...behindProxy, max_uploads_per_address: 2 });
    const hold = (headers: Record<string, string>) =>
      new Promise<ReturnType<typeof request>>((resolve) => {
        const sent = request(`${node.group}/upload`, {
          method: 'POST',
          agent: false,
          headers: {
            ...headers,
            'content-type': `multipart/form-data; boundary=${boundary}`,
            'content-length': 1_000_000,
            expect: '100-continue',
          },
        });
        sent.on('error', () => undefined);
        sent.once('continue', () => resolve(sent));
        sent.flushHeaders();
      });
    const held = [await hold(from()), await hold(from())];
    for (const sent of held) sent.write(partHead({ name: 'file', fileName: 'a.bin', bytes: Buffer.alloc(0) }));
    const limited = async () => (await sendUpload(node, 'one too many', { headers: from() })).status;
    while ((await limited()) !== 429) {
      // The two that are held count from the moment on that the node has read their heads.
    }
    expectRefusal(await sendUpload(node, 'x', { headers: from() }), 429, 'TOO_MANY_REQUESTS');
    const url = await create(node, 1, { filename: 'a' }, withKey);
    expectRefusal(await sendPart(url, 0, 'x', from()), 429, 'TOO_MANY_REQUESTS');
    expect((await sendUpload(node, 'x', { headers: from('198.51.100.1') })).status).toBe(200);
    expect((await sendUpload(node, 'y', { headers: withKey })).status).toBe(200);
    for (const sent of held) sent.destroy();
    while ((await limited()) !== 200) {
      // Their slots are free once the node has noticed that they are gone.
    }
  });

  it('requests that cost something, and never plain downloads', async () => {
    const clock = new TestClock();
    const node = await startNode({ ...behindProxy, stranger_requests_per_minute: 5 }, undefined, clock);
    const { url } = json<{ url: string }>(await sendUpload(node, 'x', { fields: { output: 'json' }, headers: from() }));
    const ask = (headers = from()) => call(`${node.group}/check_file_exist?md5=${'0'.repeat(32)}`, { headers });
    for (let i = 0; i < 5; i += 1) expect((await ask()).status).toBe(200);
    const limited = await ask();
    expectRefusal(limited, 429, 'TOO_MANY_REQUESTS');
    expect(limited.headers['retry-after']).toBe('12');
    for (const page of ['/login', '/setup', '/group1/upload.html', '/group1/?list=1', '/api/v1/session']) {
      expect((await call(`${node.origin}${page}`, { headers: from() })).status, page).toBe(429);
    }
    for (let i = 0; i < 20; i += 1) expect((await call(url, { headers: from() })).status).toBe(200);
    expect((await ask(from('198.51.100.1'))).status).toBe(200);
    clock.advance(12);
    expect((await ask()).status).toBe(200);
    for (let i = 0; i < 20; i += 1) expect((await call(`${node.group}/stat`, { headers: withKey })).status).toBe(200);
  });
});
