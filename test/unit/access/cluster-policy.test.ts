import { describe, expect, it } from 'vitest';
import { ClusterPolicy } from '../../../node-core/access/cluster-policy.ts';
import type { Catalog } from '../../../node-core/catalog/catalog.ts';
import type { PolicyEntry } from '../../../node-core/catalog/shared-values.ts';
import { defaultConfig } from '../../../node-core/config/schema.ts';

/** Scenes of a node's configuration, and of the policy; what counts in the end. */
function scenesOf(own: readonly string[], shared: readonly string[]): readonly string[] {
  const entry = { upload: 'open', download: 'open', minReplicas: 1, scenes: shared } as unknown as PolicyEntry;
  const catalog = { sharedRevision: 1, isOpen: true, row: () => entry } as unknown as Catalog;
  return new ClusterPolicy(catalog, () => ({ ...defaultConfig, scenes: own })).effective().scenes;
}

describe('secrets of scenes that all members have', () => {
  it.each([
    ['come beside those of the node', ['a:AAAA'], ['b:BBBB'], ['a:AAAA', 'b:BBBB']],
    ['give way to the node’s own secret of a scene', ['a:AAAA'], ['a:BBBB'], ['a:AAAA']],
    ['hold where the node only names the scene', ['a'], ['a:BBBB'], ['a', 'a:BBBB']],
    ['hold although a longer name begins alike', ['docs'], ['doc:BBBB'], ['docs', 'doc:BBBB']],
  ])('%s', (_what, own, shared, expected) => {
    expect(scenesOf(own, shared)).toEqual(expected);
  });
});
