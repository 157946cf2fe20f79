import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { validateConfig } from '../../../node-core/config/validate.ts';
import { type NetworkLook, transferConfig } from '../../../node-core/import/go-fastdfs/config-decisions.ts';

/** A host `filer` at 10.0.0.5, and a name service that knows three names. */
const network: NetworkLook = {
  own: () => ['filer', '127.0.0.1', '10.0.0.5', 'fd00::5'],
  resolve: async (name) =>
    ({
      'files.example.com': ['10.0.0.5'],
      'old.example.com': ['10.0.0.9'],
      'both.example.com': ['10.0.0.9', 'fd00::5'],
    })[name] ?? [],
};

/** What one key becomes: its decision, and its value if it is taken. */
async function decide(key: string, value: unknown) {
  const { decisions, values } = await transferConfig({ [key]: value }, network);
  expect(decisions).toHaveLength(1);
  return { decision: decisions[0]?.decision, value: (values as Record<string, unknown>)[key], words: decisions[0]?.en };
}

describe('what becomes of a key of go-fastdfs', () => {
  const cases: readonly (readonly [key: string, given: unknown, decision: string, value: unknown])[] = [
    ['addr', ':8090', 'taken', ':8090'],
    ['group', 'files', 'taken', 'files'],
    ['extensions', ['.JPG'], 'taken', ['.jpg']],
    ['peers', null, 'taken', []],
    ['peers', ['http://10.0.0.9:8080', 'http://10.0.0.8:8080'], 'ignored', undefined],
    ['host', 'http://10.0.0.5:8080', 'taken', 'http://10.0.0.5:8080'],
    ['host', '10.0.0.9:8080', 'ignored', undefined],
    ['host', 'http://127.0.0.1:8080', 'ignored', undefined],
    ['host', 'http://[fd00::5]:8080', 'taken', 'http://[fd00::5]:8080'],
    ['download_domain', '', 'taken', ''],
    ['download_domain', 'files.example.com', 'taken', 'http://files.example.com'],
    ['download_domain', 'https://old.example.com', 'ignored', undefined],
    ['download_domain', 'https://both.example.com', 'taken', 'https://both.example.com'],
    ['download_domain', 'http://nobody.example.com', 'ignored', undefined],
    ['download_domain', 'http://localhost:8080', 'ignored', undefined],
    ['peer_id', '1', 'changed', undefined],
    [
      'mail',
      { user: 'abc@163.com', password: 'abc', host: 'smtp.163.com:25' },
      'changed',
      { user: '', password: '', host: '' },
    ],
    [
      'mail',
      { user: 'a@b.c', password: 'x', host: 'smtp.b.c:25' },
      'taken',
      { user: 'a@b.c', password: 'x', host: 'smtp.b.c:25' },
    ],
    ['write_timeout', 600, 'changed', 600],
    ['sync_worker', 0, 'changed', 200],
    ['file_sum_arithmetic', '', 'changed', 'md5'],
    ['image_max_width', 'wide', 'ignored', undefined],
    ['addr', 'nonsense', 'ignored', undefined],
    ['queue_size', 10_000, 'ignored', undefined],
    ['绑定端号', '端口', 'ignored', undefined],
    ['PeerID', 'text', 'ignored', undefined],
    ['something_else', 1, 'ignored', undefined],
  ];
  for (const [key, given, decision, value] of cases) {
    it(`${key} ${JSON.stringify(given)}: ${decision}`, async () => {
      const decided = await decide(key, given);
      expect(decided).toMatchObject({ decision, value });
      if (decision !== 'taken') expect(decided.words).not.toBe('');
    });
  }

  it('warns of peers once, with all their names', async () => {
    const { words } = await decide('peers', ['http://10.0.0.9:8080', 'http://10.0.0.8:8080']);
    expect(words).toContain('http://10.0.0.9:8080, http://10.0.0.8:8080');
  });

  it('never repeats a secret', async () => {
    for (const [key, value] of [
      ['admin_key', { text: 'hunter2' }],
      ['scenes', ['a:hunter2!']],
      ['mail', { user: 'a', password: 'hunter2\n', host: 'b' }],
      ['alarm_url', 'ftp://hunter2'],
    ] as const) {
      const { words } = await decide(key, value);
      expect(words).not.toContain('hunter2');
    }
  });

  it('decides on every key of a generated file, in its order, and what it takes is valid', async () => {
    const file = path.join(import.meta.dirname, '..', '..', 'fixtures', 'config', 'go-fastdfs-generated-cfg.json');
    const raw = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    const { decisions, values } = await transferConfig(raw, network);
    expect(decisions.map(({ key }) => key)).toEqual(Object.keys(raw));
    expect(() => validateConfig(values)).not.toThrow();
    for (const { decision, en, zh } of decisions)
      expect((en === '') === (zh === '') || decision === 'taken').toBe(true);
  });
});
