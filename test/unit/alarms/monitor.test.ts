import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import type { AlarmEvents } from '../../../node-core/alarms/alarm-board.ts';
import { Monitor } from '../../../node-core/alarms/monitor.ts';
import type { OutboxOptions } from '../../../node-core/alarms/outbox.ts';
import { type Finding, rateWatch, type Watch } from '../../../node-core/alarms/watch.ts';
import { Catalog } from '../../../node-core/catalog/catalog.ts';
import { defaultConfig } from '../../../node-core/config/schema.ts';
import { EventBus } from '../../../node-core/runtime/events.ts';
import { nodeId } from '../domain/versions.ts';
import { errorOf, makeFolder } from '../temp-folder.ts';

const minute = 60_000;
const hour = 60 * minute;
const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of open.splice(0).reverse()) await stop();
});

/** A receiver of `alarm_url`. */
async function receiver() {
  const got: { readonly subject: string; readonly message: string; readonly type: string }[] = [];
  const state = { status: 200, got, url: '' };
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const type = request.headers['content-type'] ?? '';
      const fields = type.includes('json') ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body));
      if (state.status === 200) got.push({ ...fields, type });
      response.writeHead(state.status).end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/alarm`;
  return state;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

interface Bench {
  readonly monitor: Monitor;
  readonly time: { now: number };
  readonly news: string[];
  /** What is wrong now. */
  readonly wrong: Map<string, Finding['details']>;
  readonly restart: () => Promise<Bench>;
}

const settings = { watch: { openAfterMs: 0, closeAfterMs: 0 } };

async function bench(
  url: string,
  options: { watch?: Partial<Watch>; hours?: number; format?: 'form' | 'json' } = {},
  folder?: string,
  time = { now: 1_700_000_000_000 },
  wrong = new Map<string, Finding['details']>(),
): Promise<Bench> {
  const place = folder ?? (await makeFolder());
  const clock = { now: () => time.now, monotonic: () => time.now };
  const catalog = new Catalog({ folder: place, nodeId: nodeId('a'), clock, durable: false, onWriteError: () => {} });
  await catalog.start();
  const news: string[] = [];
  const events = new EventBus<AlarmEvents>((error) => {
    throw error;
  });
  for (const type of ['alarm-opened', 'alarm-closed'] as const)
    events.on(type, ({ kind, subject }) => news.push(`${type} ${kind} ${subject}`));
  const watch: Watch = {
    kind: 'peer-unreachable',
    ...settings.watch,
    look: () => [...wrong].map(([subject, details]) => ({ subject, details })),
    ...options.watch,
  };
  const logger = { warn: () => {}, error: () => {} } as unknown as OutboxOptions['logger'];
  const monitor = new Monitor({
    catalog,
    clock,
    logger,
    events,
    config: () => ({
      ...defaultConfig,
      alarm_url: url,
      node_name: 'north',
      alarm_url_format: options.format ?? 'form',
    }),
    reminderHours: () => options.hours ?? 0,
    watches: [watch],
    intervalMs: 3_600_000,
  });
  await monitor.start();
  const stop = async () => {
    await monitor.stop();
    await catalog.stop();
  };
  open.push(stop);
  return {
    monitor,
    time,
    news,
    wrong,
    restart: async () => {
      open.splice(open.indexOf(stop), 1);
      await stop();
      return bench(url, options, place, time, wrong);
    },
  };
}

const subjects = (got: readonly { readonly subject: string }[]) => got.map(({ subject }) => subject);

describe('an alarm', () => {
  it('opens once and closes once, however often it is looked at', async () => {
    const { got, url } = await receiver();
    const { monitor, news, wrong, time } = await bench(url);
    await monitor.look();
    expect(got).toEqual([]);
    wrong.set('south', { lastSeen: 'now' });
    for (let look = 0; look < 5; look += 1) {
      time.now += hour;
      await monitor.look();
    }
    wrong.clear();
    for (let look = 0; look < 5; look += 1) await monitor.look();
    expect(subjects(got)).toEqual([
      '[Shoal north] member south cannot be reached',
      '[Shoal north] over: member south cannot be reached',
    ]);
    expect(got[0]?.message).toMatch(/^Last seen: now\.\n\nNode: north\nSince: 2023-11-14T.*Z$/);
    expect(got[1]?.message).toMatch(/\nUntil: 2023-11-15T.*Z$/);
    expect(news).toEqual(['alarm-opened peer-unreachable south', 'alarm-closed peer-unreachable south']);
    const [listed] = await monitor.board.list(10);
    expect(listed).toMatchObject({ kind: 'peer-unreachable', subject: 'south', closedMs: time.now });
  });

  it('waits until its trouble has lasted, and until it has been gone for a while', async () => {
    const { url } = await receiver();
    const { monitor, news, wrong, time } = await bench(url, { watch: { openAfterMs: minute, closeAfterMs: minute } });
    const lookAfter = async (ms: number) => {
      time.now += ms;
      await monitor.look();
    };
    wrong.set('south', {});
    await lookAfter(0);
    await lookAfter(minute - 1);
    expect(news).toEqual([]);
    // A short rest, and it begins anew.
    wrong.clear();
    await lookAfter(1);
    wrong.set('south', {});
    await lookAfter(1);
    await lookAfter(minute - 1);
    expect(news).toEqual([]);
    await lookAfter(1);
    expect(news).toEqual(['alarm-opened peer-unreachable south']);
    wrong.clear();
    await lookAfter(1);
    await lookAfter(minute - 1);
    wrong.set('south', {});
    await lookAfter(1);
    wrong.clear();
    await lookAfter(1);
    await lookAfter(minute - 1);
    expect(news.length).toBe(1);
    await lookAfter(1);
    expect(news).toEqual(['alarm-opened peer-unreachable south', 'alarm-closed peer-unreachable south']);
  });

  it('is one for each thing that it is about', async () => {
    const { got, url } = await receiver();
    const { monitor, wrong } = await bench(url);
    wrong.set('south', {}).set('east', {});
    await monitor.look();
    wrong.delete('south');
    await monitor.look();
    expect(subjects(got).sort()).toEqual([
      '[Shoal north] member east cannot be reached',
      '[Shoal north] member south cannot be reached',
      '[Shoal north] over: member south cannot be reached',
    ]);
    expect(monitor.board.openCount).toBe(1);
  });

  it('is not told again after a restart, and closes when its trouble went away meanwhile', async () => {
    const { got, url } = await receiver();
    const before = await bench(url);
    before.wrong.set('south', {});
    await before.monitor.look();
    const after = await before.restart();
    await after.monitor.look();
    expect(got.length).toBe(1);
    after.wrong.clear();
    const last = await after.restart();
    await last.monitor.look();
    expect(subjects(got)[1]).toBe('[Shoal north] over: member south cannot be reached');
  });

  it('is told again as a reminder, until somebody acknowledges it', async () => {
    const { got, url } = await receiver();
    const { monitor, wrong, time } = await bench(url, { hours: 24 });
    wrong.set('south', {});
    for (let passed = 0; passed < 50; passed += 1) {
      await monitor.look();
      time.now += hour;
    }
    expect(subjects(got).slice(1)).toEqual(Array(2).fill('[Shoal north] still: member south cannot be reached'));
    const [alarm] = await monitor.board.list(1);
    await monitor.board.acknowledge(alarm?.id ?? '', 'somebody');
    time.now += 100 * hour;
    await monitor.look();
    expect(got.length).toBe(3);
    expect((await monitor.board.list(1))[0]).toMatchObject({ acknowledgedBy: 'somebody' });
    expect((await errorOf(() => monitor.board.acknowledge('none', 'x'))).code).toBe('ALARM_NOT_FOUND');
  });

  it('is kept in the list when it is over, and the list does not grow for ever', async () => {
    const { url } = await receiver();
    const { monitor, wrong, time } = await bench(url);
    for (let round = 0; round < 230; round += 1) {
      wrong.set('south', {});
      await monitor.board.update({ kind: 'peer-unreachable', ...settings.watch, look: () => [] }, [
        { subject: 'south', details: {} },
      ]);
      time.now += 1;
      await monitor.board.update({ kind: 'peer-unreachable', ...settings.watch, look: () => [] }, []);
    }
    expect((await monitor.board.list(500)).length).toBe(200);
  });
});

describe('a message', () => {
  it('is tried again until it is through, also after a restart, and comes in its order', async () => {
    const target = await receiver();
    target.status = 500;
    const before = await bench(target.url);
    before.wrong.set('south', {});
    await before.monitor.look();
    before.wrong.clear();
    await before.monitor.look();
    expect([target.got.length, before.monitor.outbox.waiting]).toEqual([0, 2]);
    const after = await before.restart();
    target.status = 200;
    // Not before its time: a service that is down is not hammered.
    await after.monitor.look();
    expect(target.got.length).toBe(0);
    after.time.now += minute;
    await after.monitor.look();
    expect(subjects(target.got)).toEqual([
      '[Shoal north] member south cannot be reached',
      '[Shoal north] over: member south cannot be reached',
    ]);
    expect((await after.restart()).monitor.outbox.waiting).toBe(0);
  });

  it('is given up after days', async () => {
    const target = await receiver();
    target.status = 503;
    const { monitor, wrong, time } = await bench(target.url);
    wrong.set('south', {});
    for (let passed = 0; passed < 80; passed += 1) {
      await monitor.look();
      time.now += hour;
    }
    expect(monitor.outbox.waiting).toBe(0);
  });

  it('is an object on request', async () => {
    const { got, url } = await receiver();
    const { monitor, wrong } = await bench(url, { format: 'json' });
    wrong.set('south', { lastSeen: 'x\r\nBcc: y' });
    await monitor.look();
    expect(got[0]).toMatchObject({
      type: 'application/json',
      node: 'north',
      subject: '[Shoal north] member south cannot be reached',
      alarm: { kind: 'peer-unreachable', event: 'opened', subject: 'south', details: { lastSeen: 'x\r\nBcc: y' } },
    });
  });
});

describe('a watch over a counter', () => {
  it('sees what comes within its window, and nothing older', () => {
    const time = { now: 0 };
    let count = 100;
    const watch = rateWatch({
      kind: 'error-rate',
      clock: { now: () => 0, monotonic: () => time.now },
      windowMs: minute,
      closeAfterMs: 0,
      read: () => count,
      limit: () => 10,
    });
    const lookAt = (ms: number, grown: number) => {
      time.now = ms;
      count += grown;
      return watch.look();
    };
    // What was counted before the first look is no news.
    expect(lookAt(0, 0)).toEqual([]);
    expect(lookAt(30_000, 9)).toEqual([]);
    expect(lookAt(50_000, 1)).toEqual([{ subject: '', details: { count: 10 } }]);
    expect(lookAt(80_000, 0)).toEqual([{ subject: '', details: { count: 10 } }]);
    expect(lookAt(91_000, 0)).toEqual([]);
  });
});
