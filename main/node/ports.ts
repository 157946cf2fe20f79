/** The ports of the node. They are picked once and kept, because links and other members' address books contain them. */
import { createServer } from 'node:net';
import type { SettingsFile } from '../settings.ts';

/** Tried first: what people expect of a node. */
const preferred = { http: 8080, peer: 8443 } as const;

/** The ports that are kept; picked now if none are. */
export async function keptPorts(settings: SettingsFile): Promise<{ readonly http: number; readonly peer: number }> {
  const { httpPort, peerPort } = settings.current;
  if (httpPort !== undefined && peerPort !== undefined) return { http: httpPort, peer: peerPort };
  return pickPorts(settings);
}

/** Picks ports that are free now and keeps them: links with the old ones are dead from now on. */
export async function pickPorts(settings: SettingsFile): Promise<{ readonly http: number; readonly peer: number }> {
  const http = await freePort(preferred.http);
  const peer = await freePort(preferred.peer, http);
  settings.change({ httpPort: http, peerPort: peer });
  return { http, peer };
}

async function freePort(wanted: number, except?: number): Promise<number> {
  const found = (await tryPort(wanted)) ?? (await tryPort(0));
  if (found === undefined) throw new Error('this machine has no free port');
  return found === except ? freePort(0, except) : found;
}

/** @returns the port if it is free on every address; any free one for 0. */
function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, () => {
      const address = server.address();
      const got = typeof address === 'object' && address !== null ? address.port : undefined;
      server.close(() => resolve(got));
    });
  });
}
