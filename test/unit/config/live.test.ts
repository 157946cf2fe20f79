import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type ConfigurationChange, LiveConfiguration } from '../../../node-core/config/live.ts';
import { loadConfig } from '../../../node-core/config/load.ts';
import type { ConfigFlags } from '../../../node-core/config/overrides.ts';
import { errorOf, makeDataDir } from './config-folder.ts';

const content = '{"config_version":1,"admin_key":"old-key","trash_days":30,"group":"group1"}';

async function open(flags: ConfigFlags = {}) {
  const { dataDir, file } = await makeDataDir(content);
  const options = { dataDir, flags, env: {} };
  const live = new LiveConfiguration(await loadConfig(options), options);
  const told: ConfigurationChange[] = [];
  live.onChange((change) => told.push(change));
  return { live, file, told };
}

describe('LiveConfiguration', () => {
  it('takes over at once what can be, and keeps for a restart what cannot', async () => {
    const { live, told } = await open();
    const before = live.current;
    const change = await live.change({ trash_days: 5, group: 'other' });
    expect(change).toEqual({ applied: ['trash_days'], afterRestart: ['group'] });
    expect(live.current).toMatchObject({ trash_days: 5, group: 'group1' });
    expect(live.loaded.config).toMatchObject({ trash_days: 5, group: 'other' });
    expect(told).toEqual([change]);
    expect(before.trash_days, 'who holds the old one keeps the old one').toBe(30);
    expect(Object.isFrozen(live.current)).toBe(true);
  });

  it('goes on with what counted after a bad change, and tells nobody', async () => {
    const { live, file, told } = await open();
    const before = live.current;
    const error = await errorOf(() => live.change({ trash_days: 5, group: '../up' }));
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', details: { key: 'group' } });
    expect(live.current).toBe(before);
    expect(await readFile(file, 'utf8')).toBe(content);
    expect(told).toEqual([]);
  });

  it.each([
    ['no JSON', '{"trash_days":'],
    ['a bad value', '{"config_version":1,"trash_days":-5}'],
    ['a newer format', '{"config_version":999}'],
  ])('goes on with what counted when the file has become %s', async (_what, broken) => {
    const { live, file, told } = await open();
    const before = [live.current, live.loaded];
    await writeFile(file, broken);
    await errorOf(() => live.reload());
    expect([live.current, live.loaded]).toEqual(before);
    expect(live.current).toBe(before[0]);
    expect(told).toEqual([]);
    await writeFile(file, content.replace('30', '31'));
    expect((await live.reload()).applied).toEqual(['trash_days']);
  });

  it('an option of the command line goes before the file', async () => {
    const { live } = await open({ addr: '127.0.0.1:1' });
    expect(await live.change({ addr: ':2' })).toEqual({ applied: [], afterRestart: [] });
    expect(live.loaded.config.addr).toBe('127.0.0.1:1');
  });

  it('changes of many at once all count, whatever their order', async () => {
    const { live, file } = await open();
    for (let round = 0; round < 20; round += 1) {
      await Promise.all([
        live.change({ trash_days: 100 + round }),
        live.change({ image_max_width: 200 + round }),
        live.reload(),
        live.change({ retry_count: 300 + round }),
        live.reload(),
      ]);
      const saved = JSON.parse(await readFile(file, 'utf8'));
      const expected = { trash_days: 100 + round, image_max_width: 200 + round, retry_count: 300 + round };
      expect(saved).toMatchObject(expected);
      expect(live.current).toMatchObject(expected);
    }
  });
});
