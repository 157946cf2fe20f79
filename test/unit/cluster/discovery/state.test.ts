import { describe, expect, it } from 'vitest';
import { judge, type LinkView, stopped } from '../../../../node-core/cluster/discovery/state.ts';

const link = (health: LinkView['health'], error?: string): LinkView => ({
  name: 'eth0',
  address: '10.0.0.1',
  health,
  ...(error === undefined ? {} : { error }),
});
const starting = { ...stopped, state: 'starting' } as const;

describe('the state of discovery', () => {
  it.each<[string, readonly LinkView[], string, string | undefined]>([
    ['no network', [], 'unavailable', 'no-interface'],
    ['one that works', [link('working')], 'running', undefined],
    [
      'one that works beside others',
      [link('failed', 'EADDRINUSE'), link('silent'), link('working')],
      'running',
      undefined,
    ],
    ['one that is being opened', [link('failed', 'EADDRINUSE'), link('opening')], 'starting', undefined],
    ['a taken port', [link('failed', 'EADDRINUSE')], 'unavailable', 'port-in-use'],
    ['a system that forbids it', [link('failed', 'EACCES')], 'unavailable', 'not-permitted'],
    ['another error', [link('failed', 'EMFILE')], 'unavailable', 'no-multicast'],
    ['silence', [link('silent', 'EPERM')], 'unavailable', 'no-multicast'],
  ])('with %s', (_, links, state, reason) => {
    const judged = judge(links, starting);
    expect([judged.state, judged.reason]).toEqual([state, reason]);
  });

  it('does not change while a link is opened anew', () => {
    const unavailable = judge([link('silent')], starting);
    expect(judge([link('opening')], unavailable)).toEqual(unavailable);
    const running = judge([link('working')], unavailable);
    expect(judge([link('opening')], running)).toEqual(running);
  });
});
