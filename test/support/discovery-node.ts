/**
 * Discovery alone, as a process for the tests with network namespaces. Its argument is one JSON object
 * ({@link DiscoveryNodeOptions}); it prints one JSON object a line ({@link Line}) and stops on `stop`, or when its input
 * ends. Any uncaught error ends it with code 1.
 */
import { createInterface } from 'node:readline';
import { Discovery, type DiscoveryEvents } from '../../node-core/cluster/discovery/discovery.ts';

export interface DiscoveryNodeOptions {
  readonly id: string;
  readonly name: string;
  readonly port: number;
}

/** What happened in the process. */
export type Line = { readonly type: 'starting' } | DiscoveryLine;

/** One event of discovery. */
export type DiscoveryLine = {
  readonly [K in keyof DiscoveryEvents]: { readonly type: K; readonly event: DiscoveryEvents[K] };
}[keyof DiscoveryEvents];

const types: readonly (keyof DiscoveryEvents)[] = ['found', 'changed', 'heard', 'gone', 'state'];

const options = JSON.parse(process.argv[2] ?? '{}') as DiscoveryNodeOptions;
const discovery = new Discovery({
  announcement: options,
  onHandlerError: (error) => {
    throw error;
  },
});
for (const type of types) {
  discovery.events.on(type, (event) => console.log(JSON.stringify({ type, event })));
}
console.log(JSON.stringify({ type: 'starting' }));
await discovery.start();
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'stop') break;
  if (line.startsWith('name ')) discovery.announce({ name: line.slice('name '.length) });
}
await discovery.stop();
// An input that nobody ends would keep the process.
process.stdin.destroy();
