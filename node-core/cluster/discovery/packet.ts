/** What a response of multicast DNS says about nodes. Anybody on the network can send one: every part is checked. */
import { z } from 'zod';
import { type AnnouncedText, idOf, readText, serviceName } from './announcement.ts';

/** One thing that a packet says. */
export type Notice =
  /** The node can be reached at the sender's address and this port. `text` is missing when the packet had none. */
  | { readonly kind: 'here'; readonly id: string; readonly port: number; readonly text?: AnnouncedText }
  /** The node says that it goes; or somebody else says so. */
  | { readonly kind: 'goodbye'; readonly id: string };

/** Nodes that one packet may speak of: a node speaks of itself only. */
const maxNodes = 4;
const maxRecords = 256;

const record = z.object({
  name: z.string().max(512),
  type: z.string(),
  ttl: z.number().optional(),
  data: z.unknown().optional(),
});
const srv = z.object({ port: z.number().int().min(1).max(65_535) });
const suffix = `.${serviceName}`;

/**
 * Reads a decoded packet; never throws. Which address a node has is no matter of the packet: that is its sender's.
 * @param packet as multicast-dns gives it: `answers` and `additionals` are arrays of records.
 */
export function readNotices(packet: unknown): Notice[] {
  const services = new Map<string, { port?: number; gone: boolean }>();
  const texts = new Map<string, AnnouncedText>();
  for (const one of recordsOf(packet)) {
    const parsed = record.safeParse(one).data;
    const id = parsed && idOfInstance(parsed.name);
    if (parsed === undefined || id === undefined) continue;
    if (parsed.type === 'TXT' && parsed.ttl !== 0) texts.set(id, readText(parsed.data));
    if (parsed.type !== 'SRV' || (services.size >= maxNodes && !services.has(id))) continue;
    const port = srv.safeParse(parsed.data).data?.port;
    if (parsed.ttl === 0) services.set(id, { gone: true });
    else if (port !== undefined) services.set(id, { port, gone: false });
  }
  return [...services].flatMap(([id, { port, gone }]): Notice[] => {
    if (gone) return [{ kind: 'goodbye', id }];
    const text = texts.get(id);
    return port === undefined ? [] : [{ kind: 'here', id, port, ...(text === undefined ? {} : { text }) }];
  });
}

/** Whether a question is about nodes at all: only those are answered. */
export function asksForNodes(question: unknown): boolean {
  const name = z
    .object({ name: z.string().max(512) })
    .safeParse(question)
    .data?.name.toLowerCase();
  return (
    name !== undefined && (name === serviceName || name.endsWith(suffix) || name === '_services._dns-sd._udp.local')
  );
}

function recordsOf(packet: unknown): unknown[] {
  if (typeof packet !== 'object' || packet === null) return [];
  const { answers, additionals } = packet as { readonly answers?: unknown; readonly additionals?: unknown };
  return [answers, additionals].flatMap((section) => (Array.isArray(section) ? section : [])).slice(0, maxRecords);
}

/** The id in `<label>._shoal._tcp.local`; names of DNS know no case. */
function idOfInstance(name: string): string | undefined {
  return name.toLowerCase().endsWith(suffix) ? idOf(name.slice(0, -suffix.length)) : undefined;
}
