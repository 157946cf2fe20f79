import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ManualPeers } from '../../../node-core/cluster/transport/manual-peers.ts';
import type { Logger } from '../../../node-core/runtime/logger.ts';

/** Something that answers over HTTP. */
async function answering(status: number, body: unknown) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function follow(url: string) {
  const warnings: unknown[] = [];
  const hints: unknown[] = [];
  const logger = { warn: (entry: unknown) => warnings.push(entry) } as unknown as Logger;
  const peers = new ManualPeers(() => [url], logger);
  onTestFinished(() => peers.stop());
  await peers.start((hint) => hints.push(hint));
  return { peers, warnings, hints };
}

describe('the list `peers`', () => {
  it('tells where the peer port of a node is', async () => {
    const { url } = await answering(200, { id: 'a'.repeat(64), port: 8443 });
    const { hints, warnings } = await follow(url);
    await vi.waitFor(() => expect(hints).toEqual([{ id: 'a'.repeat(64), address: '127.0.0.1', port: 8443 }]));
    expect(warnings).toEqual([]);
  });

  it.each([
    [404, '404 page not found'],
    [200, { status: 'fail', message: 'a go-fastdfs' }],
  ])(
    'gets one warning for what answers %i and is no node, and no second question before it changes',
    async (status, body) => {
      const { asked, url } = await answering(status, body);
      const { peers, warnings } = await follow(url);
      await vi.waitFor(() => expect(warnings.length).toBe(1));
      // A time in which an address that does not answer would be asked again.
      await new Promise((resolve) => setTimeout(resolve, 3500));
      expect(asked.length).toBe(1);
      peers.follow();
      await vi.waitFor(() => expect(asked.length).toBe(2));
      expect(warnings.length).toBe(1);
    },
  );

  it('asks again where a proxy says that nobody is there yet', async () => {
    const { asked, url } = await answering(502, {});
    const { warnings } = await follow(url);
    await vi.waitFor(() => expect(asked.length).toBeGreaterThan(1), { timeout: 8000 });
    expect(warnings).toEqual([]);
  });
});
