import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AlarmEvents } from '../../../../node-core/alarms/alarm-board.ts';
import type { ClusterEvents } from '../../../../node-core/cluster/events.ts';
import type { LiveConfiguration } from '../../../../node-core/config/live.ts';
import type { FileEvents } from '../../../../node-core/files/context.ts';
import { UploadRegistry } from '../../../../node-core/files/uploads.ts';
import { EventStream } from '../../../../node-core/http/api/event-stream.ts';
import { EventBus } from '../../../../node-core/runtime/events.ts';

/** A stream behind a real server, and the bus that it listens to. */
async function open() {
  const onError = (error: unknown) => {
    throw error;
  };
  const events = new EventBus<FileEvents>(onError);
  const configuration = { onChange: () => undefined } as unknown as LiveConfiguration;
  const sources = {
    events,
    alarmEvents: new EventBus<AlarmEvents>(onError),
    cluster: { events: new EventBus<ClusterEvents>(onError) },
    configuration,
    uploads: new UploadRegistry(() => 0),
  };
  const stream = new EventStream(sources, [], onError);
  const server = createServer((request, response) =>
    stream.connect(Object.assign(request, { query: {} }) as never, response as never),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const connect = () =>
    new Promise<IncomingMessage>((resolve, reject) => {
      get({ port: (server.address() as AddressInfo).port, agent: false }, resolve).on('error', reject);
    });
  return { events, stream, connect };
}

/** Resolves when everything that was written has had its chance to leave. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('EventStream', () => {
  it('cuts a client that does not read, keeps no backlog for it, and goes on for the others', async () => {
    const { events, connect } = await open();
    const slow = await connect();
    slow.on('error', () => undefined).pause();
    const lively = await connect();
    let text = '';
    lively.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    const before = process.memoryUsage().rss;
    const path = 'p'.repeat(4000);
    const told = 10_000;
    for (let index = 0; index < told; index += 1) {
      events.emit('folder-made', { path });
      if (index % 50 === 0) await turn();
    }
    expect(process.memoryUsage().rss - before, 'growth of memory').toBeLessThan(300 * 1024 * 1024);
    let received = 0;
    slow.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    await new Promise((resolve) => slow.once('close', resolve).resume());
    expect(received).toBeLessThan((told * path.length) / 2);
    const isLast = () => text.includes('last one');
    events.emit('folder-made', { path: 'last one' });
    await new Promise<void>((resolve) => {
      if (isLast()) resolve();
      lively.on('data', () => isLast() && resolve());
    });
    expect(text.split('event: folder-made').length - 1).toBe(told + 1);
  });

  it('ends all streams when it is closed', async () => {
    const { stream, connect } = await open();
    const clients = [await connect(), await connect()];
    const ended = clients.map((client) => new Promise((resolve) => client.resume().once('end', resolve)));
    stream.close();
    await Promise.all(ended);
  });
});
