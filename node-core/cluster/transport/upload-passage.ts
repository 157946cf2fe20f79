/**
 * Resumable uploads that another member keeps. An upload stays at the node that it began at, its owner; every member passes
 * on what clients ask of it. The id begins with the owner's (docs/decisions/040); one that begins with no member's is
 * asked for at all members.
 */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { z } from 'zod';
import { ShoalError } from '../../domain/errors.ts';
import type { PeerClient } from './peer-client.ts';
import { uploadAnswerHeader, uploadStateShapes } from './protocol.ts';

/** Hex digits of the owner's id that an upload's id begins with. */
export const ownerDigits = 8;

/** How long an owner may be silent once everything was sent: a large file is hashed and placed, in milliseconds. */
const answerMs = 15 * 60_000;

/** How long a member may take to say whether it knows an upload, in milliseconds. */
const questionMs = 5000;

/** Most ids that are asked for at the same time: strangers may make them up. */
const maxQuestions = 64;

/** What the node that keeps an upload tells of it. */
type ToldState = z.infer<typeof uploadStateShapes.answer>;

/** What a member tells of an upload that it keeps. */
export type UploadState = Omit<ToldState, 'known'> & { readonly owner: string };

/** The uploads of this node, as members ask for them. Implemented where the protocol of uploads is spoken. */
export interface UploadDoor {
  /** What is known of an upload of this node. */
  state(id: string): ToldState;
  /** The bytes of one that is a complete part. @throws ShoalError FILE_NOT_FOUND. */
  bytes(id: string): AsyncIterable<Uint8Array>;
  /** Answers a request of the protocol that a member passes on, with {@link uploadAnswerHeader}. */
  serve(id: string, request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** What the passage is built with. */
export interface UploadPassageOptions {
  readonly client: Pick<PeerClient, 'members' | 'open' | 'call'>;
  readonly isOnline: (member: string) => boolean;
  /** Subscribes to members that go away; the returned function ends it. */
  readonly onOffline: (handler: (member: string) => void) => () => void;
}

/** The way to uploads of other members. */
export class UploadPassage {
  readonly #options: UploadPassageOptions;
  #questions = 0;

  constructor(options: UploadPassageOptions) {
    this.#options = options;
  }

  /** There is no other member. */
  get isAlone(): boolean {
    return this.#options.client.members().length === 0;
  }

  /** Whether an id begins with another member's. */
  isNamed(id: string): boolean {
    return this.#namedOwner(id) !== undefined;
  }

  /**
   * The member that keeps an upload which this node does not know.
   * @returns undefined when no member does. @throws ShoalError UPLOAD_OWNER_AWAY when it cannot be reached, or when nobody that
   * can be reached knows it and somebody cannot; TOO_MANY_REQUESTS.
   */
  async ownerOf(id: string): Promise<string | undefined> {
    const named = this.#namedOwner(id);
    if (named === undefined) return (await this.#askAll(id))?.owner;
    if (!this.#options.isOnline(named)) throw ownerAway();
    return named;
  }

  /** What the owner tells of an upload. @returns undefined when nobody knows it. @throws ShoalError as {@link ownerOf}. */
  async stateOf(id: string): Promise<UploadState | undefined> {
    const named = this.#namedOwner(id);
    if (named === undefined) return this.#askAll(id);
    if (!this.#options.isOnline(named)) throw ownerAway();
    return this.#ask(named, id).catch((cause: unknown) => {
      throw ownerAway(cause);
    });
  }

  /**
   * Passes a request on to the owner, its body as it comes.
   * @returns the owner's answer, of whatever status. @throws ShoalError UPLOAD_OWNER_AWAY when there is none.
   */
  async pass(owner: string, id: string, request: IncomingMessage, headers: OutgoingHttpHeaders) {
    const gone = new AbortController();
    const unsubscribe = this.#options.onOffline((member) => {
      if (member === owner) gone.abort();
    });
    try {
      return await this.#options.client.open(owner, {
        method: request.method as 'HEAD' | 'PATCH' | 'DELETE',
        path: `upload?id=${id}`,
        headers: headers as Record<string, string>,
        lane: 'uploads',
        timeoutMs: answerMs,
        signal: gone.signal,
        incoming: request,
        accepts: (response) => response.headers[uploadAnswerHeader] !== undefined,
      });
    } catch (cause) {
      throw ownerAway(cause);
    } finally {
      unsubscribe();
    }
  }

  /** The bytes of a complete part that a member keeps. @throws ShoalError UPLOAD_OWNER_AWAY when not all of them come. */
  async *bytesOf(owner: string, id: string, size: number): AsyncGenerator<Uint8Array> {
    let left = size;
    try {
      const request = { method: 'GET', path: `upload-bytes?id=${id}`, lane: 'uploads' } as const;
      for await (const chunk of (await this.#options.client.open(owner, request)) as AsyncIterable<Buffer>) {
        left -= chunk.byteLength;
        if (left < 0) break;
        yield chunk;
      }
    } catch (cause) {
      throw ownerAway(cause);
    }
    if (left !== 0) throw ownerAway(new Error('the part is not as long as it was said to be'));
  }

  /** Has the owner give up a part that has become something else. It expires all the same when this fails. */
  async giveUp(owner: string, id: string): Promise<void> {
    const accepts = () => true;
    const headers = { 'tus-resumable': '1.0.0' };
    const request = { method: 'DELETE', path: `upload?id=${id}`, lane: 'uploads', headers, accepts } as const;
    (await this.#options.client.open(owner, request)).resume();
  }

  #namedOwner(id: string): string | undefined {
    return this.#options.client.members().find((member) => member.startsWith(id.slice(0, ownerDigits)));
  }

  async #ask(member: string, id: string): Promise<UploadState | undefined> {
    const request = { method: 'POST', path: 'upload-state', body: { id }, timeoutMs: questionMs } as const;
    const { known, ...state } = await this.#options.client.call(member, request, uploadStateShapes.answer);
    return known ? { owner: member, ...state } : undefined;
  }

  async #askAll(id: string): Promise<UploadState | undefined> {
    const { client, isOnline } = this.#options;
    if (this.#questions >= maxQuestions)
      throw new ShoalError('TOO_MANY_REQUESTS', { details: { retryAfterSeconds: 5 } });
    this.#questions += 1;
    try {
      let silent = false;
      const answers = await Promise.all(
        client.members().map(async (member) => {
          if (!isOnline(member)) silent = true;
          else
            return await this.#ask(member, id).catch(() => {
              silent = true;
              return undefined;
            });
          return undefined;
        }),
      );
      const found = answers.find((answer) => answer !== undefined);
      if (!found && silent) throw ownerAway();
      return found;
    } finally {
      this.#questions -= 1;
    }
  }
}

function ownerAway(cause?: unknown): ShoalError {
  return new ShoalError('UPLOAD_OWNER_AWAY', { ...(cause !== undefined && { cause }) });
}
