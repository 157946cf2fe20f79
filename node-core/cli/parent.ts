/**
 * The program that started this one with a channel and says so by `SHOAL_PARENT`: the desktop app. It is told when the
 * node is ready or why it is not; and the node ends with it, however it ends.
 */
import { describeError, type MessageToParent, readLocalAccess, type ShoalError, type StorageNode } from '../index.ts';

/** A desktop is not a server: what it holds is nobody's business until its user opens a door. */
export const closedDoors = { upload_policy: 'session', download_policy: 'token', show_dir: false } as const;

/** Whether there is such a program. A channel alone says nothing: process managers have one, too. */
export function hasParent(env: NodeJS.ProcessEnv): boolean {
  return env.SHOAL_PARENT === '1' && process.send !== undefined;
}

/** Calls `stop` when the parent asks for it or is gone. */
export function followParent(stop: () => void): void {
  process.on('message', (message) => {
    if (typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'stop') stop();
  });
  process.once('disconnect', stop);
  // Nobody reads any more what a node prints whose parent was killed: that must not keep it from ending well.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

/** Tells that the node is ready, and what lets the parent manage it. */
export async function tellReady(node: StorageNode, dataDir: string): Promise<void> {
  const access = await readLocalAccess(dataDir);
  // Whoever removes the token's file while the node starts has shut the parent out as well.
  if (!access) return;
  await send({ kind: 'ready', url: node.url, port: node.port, peerPort: node.peerPort, token: access.token });
}

/** Tells why the node does not start. */
export async function tellFailure(error: ShoalError): Promise<void> {
  await send({
    kind: 'failed',
    code: error.code,
    words: { en: describeError(error, 'en'), zh: describeError(error, 'zh') },
  });
}

/** Resolves when the message is out, or the parent gone. */
function send(message: MessageToParent): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, () => resolve());
  });
}
