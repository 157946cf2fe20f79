import { describe, expect, it } from 'vitest';
import { EventBus } from '../../../node-core/runtime/events.ts';

interface News {
  a: number;
  b: string;
}

describe('EventBus', () => {
  it('tells subscribers of that event at once, in order of subscription, until they leave', () => {
    const bus = new EventBus<News>(() => {});
    const heard: string[] = [];
    const leave = bus.on('a', (n) => heard.push(`first ${n}`));
    bus.on('a', (n) => heard.push(`second ${n}`));
    bus.on('b', (text) => heard.push(text));
    bus.emit('a', 1);
    leave();
    leave();
    bus.emit('a', 2);
    bus.emit('b', 'three');
    expect(heard).toEqual(['first 1', 'second 1', 'second 2', 'three']);
  });

  it('reports a handler that throws, and tells the others all the same', () => {
    const errors: unknown[] = [];
    const bus = new EventBus<News>((error) => errors.push(error));
    let heard = 0;
    bus.on('a', () => {
      throw new Error('no');
    });
    bus.on('a', (n) => {
      heard = n;
    });
    bus.emit('a', 7);
    expect([heard, errors]).toEqual([7, [new Error('no')]]);
  });

  it('stands handlers that leave while they are told', () => {
    const bus = new EventBus<News>(() => {});
    const heard: number[] = [];
    const leave = bus.on('a', (n) => {
      heard.push(n);
      leave();
    });
    bus.on('a', (n) => heard.push(n + 100));
    bus.emit('a', 1);
    bus.emit('a', 2);
    expect(heard).toEqual([1, 101, 102]);
  });
});
