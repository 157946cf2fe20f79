import path from 'node:path';
import { expect, it } from 'vitest';
import { renderErrorPage } from '../../../node-core/domain/error-page.ts';

it('documents every error code as the registry defines it', async () => {
  await expect(renderErrorPage()).toMatchFileSnapshot(path.resolve('docs/errors.md'));
});
