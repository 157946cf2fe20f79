import path from 'node:path';
import { expect, it } from 'vitest';
import { type ApiDocument, renderApiPage } from '../../node-core/http/api/api-page.ts';
import { startNode } from '../support/node-in-process.ts';

it('documents every operation as a node tells of it', async () => {
  const { origin } = await startNode();
  const document = (await (await fetch(`${origin}/api/v1/openapi.json`)).json()) as ApiDocument;
  await expect(renderApiPage(document)).toMatchFileSnapshot(path.resolve('docs/reference/api.md'));
});
