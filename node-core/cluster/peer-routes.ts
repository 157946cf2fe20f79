/** What a member is answered on the peer port: every route, and the part that answers it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ShoalError } from '../domain/errors.ts';
import type { Answering } from './engine/answers.ts';
import type { QuestionKind } from './engine/ports.ts';
import type { MemberList } from './members/member-list.ts';
import type { ContentServer } from './transport/content-server.ts';
import type { Liveness } from './transport/liveness.ts';
import { jsonRoute, type PeerCaller, type PeerRoute } from './transport/peer-server.ts';
import {
  heartbeatShape,
  memberExchangeShape,
  questionShapes,
  redeemShape,
  uploadStateShapes,
} from './transport/protocol.ts';
import type { UploadDoor } from './transport/upload-passage.ts';

/** The parts that answer. */
export interface AnsweringParts {
  readonly answer: Answering;
  readonly members: MemberList;
  readonly liveness: Liveness;
  readonly contents: ContentServer;
  readonly uploadDoor: UploadDoor;
  /** Counts a use of a link of this node's. */
  readonly redeemLink: (link: string) => Promise<void>;
  /** Routes that other parts describe themselves. */
  readonly more: Readonly<Record<string, PeerRoute>>;
}

/** The routes, by their name below the prefix. */
export function peerRoutes(parts: AnsweringParts): Record<string, PeerRoute> {
  const { contents, liveness, members, more, redeemLink, uploadDoor } = parts;
  const answer = parts.answer as Record<QuestionKind, (member: string, question: never) => unknown>;
  const questions = (Object.keys(questionShapes) as QuestionKind[]).map((kind) => [
    kind,
    jsonRoute<never>(questionShapes[kind].question as never, ({ id }, question) => answer[kind](id, question)),
  ]);
  return {
    ...Object.fromEntries(questions),
    ...more,
    heartbeat: jsonRoute(heartbeatShape, (caller, beat) => liveness.heard(caller, beat)),
    redeem: jsonRoute(redeemShape, async (_caller, { link }) => {
      await redeemLink(link);
      return {};
    }),
    members: jsonRoute(memberExchangeShape, async (_caller, { operations }) => {
      await members.takeIn(operations);
      return { operations: members.operations() };
    }),
    'upload-state': jsonRoute(uploadStateShapes.question, (_caller, { id }) => uploadDoor.state(id)),
    upload: {
      kind: 'stream',
      methods: ['HEAD', 'PATCH', 'DELETE'],
      handle: (_caller: PeerCaller, request, response) => serveUpload(uploadDoor, request, response),
    },
    'upload-bytes': {
      kind: 'stream',
      handle: (_caller, request, response) =>
        pipeline(Readable.from(uploadDoor.bytes(uploadIn(request)), { objectMode: false }), response),
    },
    blocks: { kind: 'stream', handle: (_caller, request, response) => contents.blocks(request, response) },
    bytes: { kind: 'stream', handle: (_caller, request, response) => contents.bytes(request, response) },
  };
}

async function serveUpload(door: UploadDoor, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const id = uploadIn(request);
  // As slow as its client may be, and as silent while a large file is placed; that the other side is gone is noticed.
  request.socket.setTimeout(0);
  request.socket.setKeepAlive(true, 15_000);
  await door.serve(id, request, response);
}

/** The id of an upload in a request. @throws ShoalError BAD_REQUEST. */
function uploadIn({ url = '' }: IncomingMessage): string {
  const id = new URLSearchParams(url.split('?')[1]).get('id') ?? '';
  if (!/^[0-9a-f]{32}$/.test(id)) throw new ShoalError('BAD_REQUEST', { details: { reason: 'id' } });
  return id;
}
