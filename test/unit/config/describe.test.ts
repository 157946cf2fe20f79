import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderConfigurationPage } from '../../../node-core/config/describe.ts';
import { configKeyNames, ineffectiveKeys } from '../../../node-core/config/schema.ts';

describe('docs/configuration.md', () => {
  it('is what the table says', async () => {
    const page = path.join(import.meta.dirname, '..', '..', '..', 'docs', 'configuration.md');
    await expect(renderConfigurationPage()).toMatchFileSnapshot(page);
  });

  it('has a row for every key, with as many cells as the head, and names the keys without effect', () => {
    const page = renderConfigurationPage();
    const rows = page.split('\n').filter((line) => line.startsWith('| '));
    for (const key of configKeyNames) {
      const found = rows.filter((line) => line.startsWith(`| \`${key}\` |`) && line.split(' | ').length === 5);
      expect([key, found.length]).toEqual([key, 1]);
    }
    for (const key of ineffectiveKeys) expect(page).toContain(`\`${key}\``);
  });
});
