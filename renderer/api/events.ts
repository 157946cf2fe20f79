/**
 * News of the node: one stream of server-sent events for the whole page. What is shown follows the events; nothing asks
 * again and again.
 */
import type { QueryClient, QueryKey } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { apiUrl } from './http.ts';
import type { MemberFigures, MemberList, Transfers, Upload, VerifyReport } from './types.ts';

/** Changes that come together are read together: at most this often, in milliseconds. */
const gatherMs = 250;

/** Pause before a stream that was refused is asked for again, in milliseconds. */
const reconnectMs = 3000;

let connected = true;
const listeners = new Set<() => void>();

function setConnected(value: boolean): void {
  if (connected === value) return;
  connected = value;
  for (const listener of listeners) listener();
}

/** Whether news of the node arrive at the moment. */
export function useConnected(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => connected,
  );
}

/** What an event makes old. Keys are those of queries.ts. */
const outdated: Readonly<Record<string, readonly QueryKey[]>> = {
  'file-committed': [['view'], ['tree'], ['search'], ['details'], ['statistics'], ['health']],
  'file-arrived': [['view'], ['tree'], ['search'], ['details'], ['statistics'], ['health']],
  'file-removed': [['view'], ['tree'], ['search'], ['details'], ['trash'], ['statistics'], ['health']],
  'file-moved': [['view'], ['tree'], ['search'], ['details']],
  'folder-made': [['view'], ['tree']],
  'folder-progress': [['view'], ['tree']],
  'bytes-damaged': [['health'], ['details'], ['scrub'], ['lost']],
  'deletion-waits': [['retention']],
  'removals-held': [['watch']],
  'alarm-opened': [['alarms']],
  'alarm-closed': [['alarms']],
  'configuration-changed': [['settings'], ['session'], ['health'], ['upload-form']],
  'member-joined': [['members'], ['nearby'], ['invites'], ['pairings']],
  'member-removed': [['members'], ['nearby']],
  'member-renamed': [['members']],
  'member-online': [['members'], ['nearby']],
  'member-offline': [['members'], ['nearby']],
  'twin-seen': [['members'], ['alarms']],
  'reach-changed': [['members']],
  'pairing-changed': [['pairings'], ['nearby']],
  'conflict-found': [['conflicts'], ['view']],
  'conflict-gone': [['conflicts'], ['view']],
  'scrub-changed': [['scrub']],
  'bytes-set-aside': [['scrub'], ['lost'], ['details']],
  'bytes-repaired': [['scrub'], ['lost'], ['details'], ['holders']],
  'files-lost': [['lost']],
  'repair-changed': [['repair']],
  'near-changed': [['nearby']],
  'trust-changed': [['trust'], ['members']],
  'transfers-ended': [['transfer-history']],
  'fetching-changed': [['transfers'], ['members']],
};

/** A device that came in. */
export interface NewMember {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** Follows the node's events until the returned function is called. @param onMember is told of every device that comes in. */
export function followEvents(client: QueryClient, onMember: (member: NewMember) => void): () => void {
  const waiting = new Set<string>();
  let timer: number | undefined;
  const flush = () => {
    timer = undefined;
    const keys = [...waiting];
    waiting.clear();
    for (const key of keys) void client.invalidateQueries({ queryKey: [key] });
  };
  const mark = (keys: readonly QueryKey[]) => {
    for (const [key] of keys) waiting.add(String(key));
    timer ??= window.setTimeout(flush, gatherMs);
  };
  const listen = (source: EventSource) => {
    for (const [type, keys] of Object.entries(outdated)) source.addEventListener(type, () => mark(keys));
    source.addEventListener('uploads', (event) => {
      client.setQueryData(['uploads'], { uploads: dataOf<Upload[]>(event) });
    });
    source.addEventListener('transfer-progress', (event) => {
      const one = dataOf<Progress>(event);
      const known = client.getQueryData<Transfers>(['transfers']);
      if (!known) return;
      client.setQueryData(['transfers'], withTransfer(known, one));
      // The names of its files are no part of the event.
      if (one.state === 'running' && !known.transfers.some(({ sha256 }) => sha256 === one.sha256))
        mark([['transfers']]);
    });
    source.addEventListener('member-figures', (event) => takeFigures(client, dataOf<AllFigures>(event)));
    source.addEventListener('verification', (event) => {
      client.setQueryData(['verification'], { verification: dataOf<VerifyReport>(event) });
    });
    source.addEventListener('member-joined', (event) => onMember(dataOf<NewMember>(event)));
    // The node has been started anew, or the page was away for long: everything that is shown is read again.
    // What is being read just now is new enough.
    source.addEventListener('reset', () => void client.invalidateQueries({}, { cancelRefetch: false }));
    source.addEventListener('open', () => setConnected(true));
  };
  let source: EventSource;
  let again: number | undefined;
  const connect = () => {
    source = new EventSource(apiUrl('/events'));
    listen(source);
    source.addEventListener('error', () => {
      setConnected(false);
      // A lost connection the browser takes up by itself, but not one that was answered with a refusal.
      if (source.readyState === EventSource.CLOSED) again = window.setTimeout(connect, reconnectMs);
    });
  };
  connect();
  return () => {
    source.close();
    window.clearTimeout(timer);
    window.clearTimeout(again);
  };
}

function dataOf<T>(event: Event): T {
  return JSON.parse((event as MessageEvent<string>).data) as T;
}

/** What members hold and lack, by id. */
type AllFigures = Readonly<Record<string, MemberFigures>>;

function takeFigures(client: QueryClient, figures: AllFigures): void {
  client.setQueryData<MemberList>(['members'], (old) => {
    if (!old) return old;
    const members = old.members.map((member) => ({
      ...member,
      ...(figures[member.id] && { figures: figures[member.id] }),
    }));
    return { ...old, members };
  });
  const self = client.getQueryData<MemberList>(['members'])?.members.find((member) => member.self);
  const own = self && figures[self.id];
  if (own) client.setQueryData<Transfers>(['transfers'], (old) => old && { ...old, waiting: own.missing });
}

/** How far a transfer is. */
type Progress = Omit<Transfers['transfers'][number], 'files'>;

function withTransfer(old: Transfers, one: Progress): Transfers {
  const isIt = ({ sha256 }: Progress) => sha256 === one.sha256;
  if (one.state !== 'running') return { ...old, transfers: old.transfers.filter((other) => !isIt(other)) };
  // Rows keep their places while they move.
  const known = old.transfers.some(isIt);
  const transfers = known
    ? old.transfers.map((other) => (isIt(other) ? { ...other, ...one } : other))
    : [...old.transfers, { ...one, files: [] }];
  return { ...old, transfers };
}
