/** /api/v1: the node itself, its description, and who may use it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { call, expectRefusal, json, upload } from '../support/http-client.ts';
import { startNode, type TestNode } from '../support/node-in-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Setting {
  readonly key: string;
  readonly value: unknown;
  readonly default: unknown;
  readonly secret: boolean;
  readonly applies: string;
  readonly source: string;
  readonly explanation: string;
}

let node: TestNode;
let api: ApiClient;
beforeAll(async () => {
  node = await startNode({ durability: 'os' });
  api = await ApiClient.of(node);
});

describe('openapi.json', () => {
  it('is valid OpenAPI 3.1', async () => {
    const answer = await call(`${node.origin}/api/v1/openapi.json`);
    const document = json<Record<string, unknown>>(answer);
    expect(document.openapi).toMatch(/^3\.1\./);
    const result = await new Validator().validate(document);
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
  });

  it('gives every operation an id of its own, a summary and a tag that is declared', () => {
    const operations = api.operations();
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const { tags } = api.document as unknown as { tags: { name: string }[] };
    for (const operation of operations as unknown as { summary: string; tags: string[] }[]) {
      expect(operation.summary).not.toBe('');
      expect(tags.map(({ name }) => name)).toContain(operation.tags[0]);
    }
  });

  it('refers only to what it has', () => {
    const references = [...JSON.stringify(api.document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target);
    expect(references.length).toBeGreaterThan(5);
    for (const target of references) {
      const name = /^#\/components\/schemas\/([^/]+)$/.exec(target ?? '')?.[1] ?? '';
      expect(Object.keys(api.document.components.schemas), target).toContain(name);
    }
  });

  it('keeps properties that are called id', () => {
    const schema = api.document.components.schemas.Upload as { properties: object; required: string[] };
    expect(Object.keys(schema.properties)).toContain('id');
    for (const [name, one] of Object.entries(api.document.components.schemas)) {
      const { properties = {}, required = [] } = one as { properties?: object; required?: string[] };
      for (const key of required) expect(Object.keys(properties), name).toContain(key);
    }
  });

  it('describes every operation that the sources define', async () => {
    const folder = path.join(import.meta.dirname, '..', '..', 'node-core', 'http', 'api');
    const sources = await Promise.all(
      ['files.ts', 'node.ts', 'session.ts', 'links.ts', 'cluster.ts', 'routes.ts'].map((name) =>
        readFile(path.join(folder, name), 'utf8'),
      ),
    );
    const ids = [...sources.join('\n').matchAll(/operation\(\{\s*id: '(\w+)'/g)].map(([, id]) => id);
    expect(ids.length).toBeGreaterThan(10);
    for (const id of ids) expect(api.operations().map(({ operationId }) => operationId)).toContain(id);
  });

  it('names every parameter that an operation needs', () => {
    for (const { operationId, parameters = [] } of api.operations()) {
      for (const parameter of parameters) expect(parameter.in, operationId).toBe('query');
    }
    const required = (id: string) =>
      api
        .operations()
        .find(({ operationId }) => operationId === id)
        ?.parameters?.filter((one) => one.required);
    expect(required('statFile')?.map(({ name }) => name)).toEqual(['path']);
    expect(required('listFolder')).toEqual([]);
  });
});

describe('who may use it', () => {
  const strangers: readonly (readonly [what: string, code: string, headers: Readonly<Record<string, string>>])[] = [
    ['a proxied stranger', 'MANAGEMENT_REFUSED', { 'x-forwarded-for': '203.0.113.9' }],
    ['a page of another site', 'CROSS_SITE_REFUSED', { origin: 'http://evil.example' }],
    ['a rebound name', 'HOST_REFUSED', { host: 'evil.example', origin: 'http://evil.example' }],
  ];
  const open = ['whoAmI', 'signIn', 'signOut', 'setUp', 'peerHint', 'uploadForm'];

  it('says in the document which operations are open to everybody: those that sign in and out, where the peer port is, what the upload page asks for', () => {
    const declared = api.operations().filter(({ security }) => security?.length === 1);
    expect(declared.map(({ operationId }) => operationId).sort()).toEqual([...open].sort());
  });

  it.each(strangers)('nothing else of it is open to %s', async (_what, code, headers) => {
    const { path: stored } = await upload(node, 'must survive', { name: 'safe.txt', fields: { path: 'safe' } });
    const operations = [...api.operations(), { method: 'GET', path: '/openapi.json', operationId: 'the document' }];
    expect(operations.length).toBeGreaterThan(15);
    for (const { method, path: route, operationId } of operations.filter(({ operationId: id }) => !open.includes(id))) {
      // What would be done if it were open: the path and the body are right.
      const hasBody = method !== 'GET' && method !== 'DELETE';
      const answer = await call(`${node.origin}/api/v1${route}?path=safe/safe.txt&replace=true&recursive=true&q=s`, {
        method,
        headers: { ...headers, 'content-type': 'application/json' },
        ...(hasBody && {
          body: JSON.stringify({ from: 'safe', to: 'gone', path: 'made', changes: { read_only: true } }),
        }),
      });
      expect({ operationId, status: answer.status }).toEqual({ operationId, status: 403 });
      expectRefusal(answer, 403, code);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
    expect((await call(`${node.origin}${stored}`)).text).toBe('must survive');
  });

  it('a preflight of another site opens nothing', async () => {
    const answer = await call(`${node.origin}/api/v1/files`, {
      method: 'OPTIONS',
      headers: { origin: 'http://evil.example', 'access-control-request-method': 'DELETE' },
    });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(answer.headers['access-control-allow-methods']).toBeUndefined();
  });

  it('what is not there says so, with a code', async () => {
    for (const [method, route] of [
      ['GET', '/nothing'],
      ['POST', '/files/stat'],
      ['DELETE', '/settings'],
      ['GET', '/files/move'],
      ['GET', ''],
    ] as const) {
      const answer = await call(`${node.origin}/api/v1${route}`, { method });
      expect([404, 405], `${method} ${route}`).toContain(answer.status);
      expect(json<{ code: string }>(answer).code).toMatch(/^(ROUTE_NOT_FOUND|METHOD_NOT_ALLOWED)$/);
    }
  });
});

describe('health and statistics', () => {
  it('tell how the node is', async () => {
    const own = await startNode({ node_name: 'kitchen' });
    const its = await ApiClient.of(own);
    await upload(own, '12345');
    const health = await its.ok<{ disk: { total: number; free: number } }>('health');
    expect(health).toMatchObject({
      ready: true,
      reasons: [],
      name: 'kitchen',
      files: 1,
      bytes: 5,
      nodeId: own.node.id,
    });
    expect(health.disk.free).toBeGreaterThan(0);
    expect(health.disk.total).toBeGreaterThan(health.disk.free);
    const { total, days } = await its.ok<{ total: object; days: { files: number }[] }>('statistics');
    expect(total).toEqual({ files: 1, bytes: 5 });
    expect(days).toEqual([{ day: expect.stringMatching(/^\d{8}$/), files: 1, bytes: 5 }]);
  });
});

describe('settings', () => {
  const read = async (from = api) => {
    const { settings } = await from.ok<{ settings: Setting[] }>('readSettings');
    return new Map(settings.map((setting) => [setting.key, setting]));
  };
  const change = (changes: Record<string, unknown>, to = api) =>
    to.ok<{ applied: string[]; afterRestart: string[] }>('changeSettings', { json: { changes } });
  const fileOf = async (of: TestNode) => JSON.parse(await readFile(path.join(of.dataDir, 'conf', 'cfg.json'), 'utf8'));

  it('are told with default, source and explanation, in the language asked for', async () => {
    const settings = await read();
    expect(settings.get('durability')).toMatchObject({
      value: 'os',
      default: 'full',
      source: 'file',
      applies: 'after-restart',
    });
    expect(settings.get('trash_days')).toMatchObject({ value: 30, source: 'default', applies: 'at-once' });
    expect(settings.get('addr')).toMatchObject({ source: 'flag' });
    const chinese = await api.send('readSettings', { headers: { 'accept-language': 'zh-CN' } });
    expect(json<{ settings: Setting[] }>(chinese).settings[0]?.explanation).toMatch(/\p{Script=Han}/u);
  });

  it('change at once what can be changed at once, and are saved', async () => {
    const own = await startNode();
    const its = await ApiClient.of(own);
    expect(await change({ read_only: true }, its)).toEqual({ applied: ['read_only'], afterRestart: [] });
    await its.refused('writeFile', 403, 'READ_ONLY', { query: { path: 'a' }, body: 'x' });
    expect((await fileOf(own)).read_only).toBe(true);
    await change({ read_only: false, max_upload_bytes: 3 }, its);
    await its.refused('writeFile', 413, 'FILE_TOO_LARGE', { query: { path: 'a' }, body: '1234' });
    await its.ok('writeFile', { query: { path: 'a' }, body: '123' });
    expect((await read(its)).get('max_upload_bytes')).toMatchObject({ value: 3, source: 'file' });
  });

  it('that need a restart say so, and count then', async () => {
    const dataDir = await temporaryFolder();
    const own = await startNode({}, dataDir);
    const its = await ApiClient.of(own);
    expect(await change({ group: 'other', trash_days: 3 }, its)).toEqual({
      applied: ['trash_days'],
      afterRestart: ['group'],
    });
    expect((await call(`${own.origin}/group1/stat`)).status).toBe(200);
    const saved = await fileOf(own);
    await own.node.stop();
    const again = await startNode(saved, dataDir);
    expect((await call(`${again.origin}/other/stat`)).status).toBe(200);
  });

  it.each([
    ['a value of another type', { read_only: 'yes' }, 'read_only'],
    ['a value out of bounds', { trash_days: -1 }, 'trash_days'],
    ['an unknown key', { reed_only: true }, 'reed_only'],
    ['a bad value among good ones', { trash_days: 5, group: '../up' }, 'group'],
    ['a prototype', JSON.parse('{"__proto__": {"read_only": true}}'), '__proto__'],
    ['a constructor', { constructor: 1 }, 'constructor'],
  ])('%s is refused by name, and nothing has changed', async (_what, changes, key) => {
    const before = await fileOf(node);
    const answer = await api.send('changeSettings', { json: { changes } });
    if (key === '__proto__' && answer.status === 200) expect(json(answer)).toEqual({ applied: [], afterRestart: [] });
    else {
      expectRefusal(answer, 400, 'CONFIG_INVALID');
      expect(answer.text).toContain(key);
    }
    expect(await fileOf(node)).toEqual(before);
    expect((await read()).get('trash_days')?.value).toBe(30);
    expect(({} as { read_only?: boolean }).read_only).toBeUndefined();
  });

  it.each([
    ['no changes', {}],
    ['a list', { changes: [] }],
    ['a text', { changes: 'x' }],
  ])('a body with %s is refused', async (_what, body) => {
    await api.refused('changeSettings', 400, 'PARAMETER_INVALID', { json: body });
  });

  it('a body that is no JSON, or too much of it, is refused', async () => {
    for (const [body, status] of [
      ['{"changes":', 400],
      ['\u0000', 400],
      [`{"changes":{"node_name":"${'x'.repeat(2_000_000)}"}}`, 413],
    ] as const) {
      const answer = await api.send('changeSettings', { body, headers: { 'content-type': 'application/json' } });
      expect(answer.status).toBe(status);
      expect(json<{ status: string }>(answer).status).toBe('fail');
    }
  });

  it('never show a secret, and keep it when its mask comes back', async () => {
    const secrets = {
      admin_key: 'secret-key-1',
      scenes: ['a:SECRETAA', 'b'],
      alarm_url: 'http://user:word@alarm.example/token-2',
    };
    const mail = { user: 'me@example.com', password: 'secret-word-3', host: 'smtp.example.com:25' };
    const own = await startNode({ ...secrets, mail });
    const its = await ApiClient.of(own);
    const answer = await its.send('readSettings');
    for (const secret of ['secret-key-1', 'SECRETAA', 'token-2', 'user:word', 'secret-word-3']) {
      expect(answer.text).not.toContain(secret);
    }
    const settings = await read(its);
    const masked = Object.fromEntries(
      [...settings.values()].filter((one) => one.secret).map((one) => [one.key, one.value]),
    );
    expect(Object.keys(masked)).toEqual(expect.arrayContaining(['admin_key', 'scenes', 'mail', 'alarm_url']));
    expect(await change({ ...masked, trash_days: 9 }, its)).toEqual({ applied: ['trash_days'], afterRestart: [] });
    expect(await fileOf(own)).toMatchObject({ ...secrets, mail });
    const log = await its.send('readLog', { query: { limit: 2000, level: 'debug' } });
    expect(log.text).not.toContain('secret-');
  });

  it('of many callers at once all count', async () => {
    const own = await startNode();
    const its = await ApiClient.of(own);
    const changes = [
      { trash_days: 11 },
      { image_max_width: 12 },
      { image_max_height: 13 },
      { retry_count: 14 },
      { refresh_interval: 15 },
    ];
    await Promise.all(changes.map((one) => change(one, its)));
    const settings = await read(its);
    for (const one of changes)
      for (const [key, value] of Object.entries(one)) expect(settings.get(key)?.value, key).toBe(value);
  });
});

describe('log', () => {
  it('newest first, from a level on, no more than asked for', async () => {
    for (let days = 1; days < 6; days += 1) await api.ok('changeSettings', { json: { changes: { trash_days: days } } });
    await api.ok('changeSettings', { json: { changes: { trash_days: 30 } } });
    const { lines } = await api.ok<{ lines: { level: number; time: number }[] }>('readLog', { query: { limit: 4 } });
    expect(lines).toHaveLength(4);
    const times = lines.map(({ time }) => time);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    const warnings = await api.ok<{ lines: { level: number }[] }>('readLog', { query: { level: 'warn', limit: 2000 } });
    for (const { level } of warnings.lines) expect(level).toBeGreaterThanOrEqual(40);
    for (const query of [{ limit: 0 }, { limit: 2001 }, { level: 'loud' }]) {
      await api.refused('readLog', 400, 'PARAMETER_INVALID', { query });
    }
  });
});
