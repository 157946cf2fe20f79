import { describe, expect, it } from 'vitest';
import { commandNames, helpText, isOption, parseCommandLine, resolveDataDir } from '../../../node-core/config/flags.ts';
import { errorOf } from './config-folder.ts';

const parse = (line: string, env = {}) => parseCommandLine(line === '' ? [] : line.split(' '), env);

describe('the command line', () => {
  it.each([
    ['', { kind: 'help' }],
    ['--help', { kind: 'help' }],
    ['--server --help', { kind: 'help' }],
    ['--help status', { kind: 'help' }],
    ['--version', { kind: 'version' }],
    ['--server', { kind: 'server', flags: {} }],
    ['--server --addr :1 --name=a', { kind: 'server', flags: { addr: ':1', name: 'a' } }],
    ['--data d --config=c --server', { kind: 'server', dataDir: 'd', configFile: 'c', flags: {} }],
    ['--server --name=-x', { kind: 'server', flags: { name: '-x' } }],
    ['--server --name=a=b', { kind: 'server', flags: { name: 'a=b' } }],
    [
      '--server --peer http://a --peer=http://b --cluster-key k --peer-addr :1 --advertise h:2',
      { kind: 'server', flags: { peers: ['http://a', 'http://b'], clusterKey: 'k', peerAddr: ':1', advertise: 'h:2' } },
    ],
    [
      '--server --trust-lan --join t --cluster-key-file f',
      { kind: 'server', flags: {}, joining: { trustLan: true, joinToken: 't', clusterKeyFile: 'f' } },
    ],
    ['status', { kind: 'command', command: 'status', args: [] }],
    ['--data d key --x -y z', { kind: 'command', command: 'key', dataDir: 'd', args: ['--x', '-y', 'z'] }],
    ['import a --data=d b', { kind: 'command', command: 'import', dataDir: 'd', args: ['a', 'b'] }],
    [
      'import a --data d -- --data e',
      { kind: 'command', command: 'import', dataDir: 'd', args: ['a', '--', '--data', 'e'] },
    ],
    ['verify --help', { kind: 'command', command: 'verify', args: ['--help'] }],
  ])('%s', (line, expected) => {
    expect(parse(line)).toEqual(expected);
  });

  it.each([
    ['--server --addr', 'FLAG_INVALID', '--addr'],
    ['--server --addr=', 'FLAG_INVALID', '--addr'],
    ['--addr --server', 'FLAG_INVALID', '--addr'],
    ['--server --addr :1 --addr :2', 'FLAG_INVALID', '--addr'],
    ['--server --server', 'FLAG_INVALID', '--server'],
    ['--server=yes', 'FLAG_INVALID', '--server'],
    ['--addr :1', 'FLAG_INVALID', '--addr'],
    ['--server status', 'FLAG_INVALID', '--server'],
    ['--addr :1 status', 'FLAG_INVALID', '--addr'],
    ['--data d status --data e', 'FLAG_INVALID', '--data'],
    ['status --data', 'FLAG_INVALID', '--data'],
    ['--server --adr :1', 'FLAG_UNKNOWN', '--adr'],
    ['--server -a', 'FLAG_UNKNOWN', '-a'],
    ['--server -', 'FLAG_UNKNOWN', '-'],
    ['--server --no-server', 'FLAG_UNKNOWN', '--no-server'],
    ['--server --trust-lan=yes', 'FLAG_INVALID', '--trust-lan'],
    ['--server --cluster-key a --cluster-key-file b', 'FLAG_INVALID', '--cluster-key-file'],
    ['--server --join', 'FLAG_INVALID', '--join'],
    ['--server --__proto__ a', 'FLAG_UNKNOWN', '--__proto__'],
  ])('%s is refused with %s for %s', async (line, code, flag) => {
    expect(await errorOf(() => parse(line))).toMatchObject({ code, details: { flag } });
  });

  it('refuses unknown commands', async () => {
    expect(await errorOf(() => parse('stats'))).toMatchObject({
      code: 'COMMAND_UNKNOWN',
      details: { command: 'stats' },
    });
  });

  it.each(['--server --clusterkey S3CRET', '--server --clusterkey=S3CRET'])('repeats no value: %s', async (line) => {
    const error = await errorOf(() => parse(line));
    expect(error.code).toBe('FLAG_UNKNOWN');
    expect(JSON.stringify([error.message, error.details])).not.toContain('S3CRET');
  });

  it('takes data folder and file from the environment when no option names them', () => {
    const env = { SHOAL_DATA: 'ours', GO_FASTDFS_DIR: 'theirs', SHOAL_CONFIG: 'c' };
    expect(parse('--server', env)).toEqual({ kind: 'server', dataDir: 'ours', configFile: 'c', flags: {} });
    expect(parse('--server --data d --config f', env)).toMatchObject({ dataDir: 'd', configFile: 'f' });
    expect(parse('status', env)).toMatchObject({ dataDir: 'ours' });
    expect(parse('--server', { SHOAL_DATA: '', SHOAL_CONFIG: '' })).toEqual({ kind: 'server', flags: {} });
  });

  it.each([
    ['flag', { SHOAL_DATA: 'ours', GO_FASTDFS_DIR: 'theirs' }, 'flag'],
    [undefined, { SHOAL_DATA: 'ours', GO_FASTDFS_DIR: 'theirs' }, 'ours'],
    [undefined, { SHOAL_DATA: '', GO_FASTDFS_DIR: 'theirs' }, 'theirs'],
    [undefined, {}, 'app'],
  ])('resolveDataDir(%j, %j) is %s', (flag, env, expected) => {
    expect(resolveDataDir(flag, env, 'app')).toBe(expected);
  });
});

describe('the help', () => {
  it.each(['en', 'zh'] as const)('names only options that are accepted (%s)', (language) => {
    const text = helpText(
      language,
      commandNames.map((name) => ({ name, summary: `what ${name} does` })),
    );
    const options = [...new Set(text.match(/--[a-z-]+/g))];
    expect(options.length).toBeGreaterThan(5);
    expect(options.filter((option) => !isOption(option))).toEqual([]);
    for (const command of commandNames) expect(text).toContain(command);
    expect(helpText(language)).not.toContain('verify');
    expect(/\p{Script=Han}/u.test(text)).toBe(language === 'zh');
  });
});
