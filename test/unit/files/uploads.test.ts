import { describe, expect, it } from 'vitest';
import { UploadRegistry } from '../../../node-core/files/uploads.ts';

describe('UploadRegistry', () => {
  it('lists what is under way with its progress, oldest first, until it ends', () => {
    let now = 1000;
    const registry = new UploadRegistry(() => now);
    const first = registry.begin({ kind: 'form', name: 'a', total: undefined });
    now = 2000;
    const second = registry.begin({ kind: 'tus', name: 'b', total: 10, id: 'known', received: 4 });
    first.advance(3);
    first.advance(2);
    second.advance(1);
    expect(registry.list()).toEqual([
      { id: first.id, kind: 'form', name: 'a', total: undefined, received: 5, startedMs: 1000 },
      { id: 'known', kind: 'tus', name: 'b', total: 10, received: 5, startedMs: 2000 },
    ]);
    first.end();
    expect(registry.list().map(({ id }) => id)).toEqual(['known']);
    // What comes late changes nothing.
    first.advance(100);
    first.end();
    second.end();
    expect(registry.list()).toEqual([]);
  });
});
