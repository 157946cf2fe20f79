/** An upload is answered when its bytes are on as many members as were asked for (replication.md, 18). */
import type { IncomingMessage } from 'node:http';
import type { Response } from 'express';
import type { CataloguedFile } from '../catalog/catalog.ts';
import { describeError, ShoalError } from '../domain/errors.ts';
import { languageOf } from './language.ts';
import type { HttpServices } from './services.ts';

/** Most members that an upload may ask for. */
const maxReplicas = 64;

/** How far a stored file has spread, as answers tell it. */
export interface ReplicaAnswer {
  readonly held: number;
  readonly wanted: number;
  /** Set when the time was over first: nothing is rolled back, the rest follows by itself. */
  readonly code?: 'REPLICAS_PENDING';
  readonly message?: string;
}

/**
 * How many members an upload asks for besides what the node asks for: parameter or metadata `min_replicas`, or the header
 * `Shoal-Min-Replicas`. @throws ShoalError PARAMETER_INVALID.
 */
export function replicasAsked(request: IncomingMessage, given: unknown): number {
  const text = given ?? request.headers['shoal-min-replicas'];
  if (text === undefined || text === null || text === '') return 1;
  const number = typeof text === 'string' && /^[0-9]{1,3}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > maxReplicas)
    throw new ShoalError('PARAMETER_INVALID', {
      details: { name: 'min_replicas', reason: `it is a number from 1 to ${maxReplicas}` },
    });
  return number;
}

/**
 * Waits until a stored file is on as many members as it should be, or the time is over.
 * @returns what the answer tells; undefined when nobody asked for more than one.
 */
export async function awaitReplicas(
  services: HttpServices,
  request: IncomingMessage,
  { version }: CataloguedFile,
  asked: number,
): Promise<ReplicaAnswer | undefined> {
  const { min_replicas, replica_timeout } = services.config();
  const wanted = Math.max(asked, min_replicas);
  if (wanted <= 1) return undefined;
  const { holders, reached } = await services.cluster.holdings.spread(version.sha256, wanted, replica_timeout * 1000);
  const held = holders.length;
  if (reached) return { held, wanted };
  const error = new ShoalError('REPLICAS_PENDING', { details: { held, wanted } });
  return { held, wanted, code: 'REPLICAS_PENDING', message: describeError(error, languageOf(request)).message };
}

/** Headers of the answer: `Shoal-Replicas` and, after waiting in vain, `Shoal-Replicas-Wanted`. */
export function replicaHeaders(replicas: ReplicaAnswer | undefined): Record<string, string> {
  if (!replicas) return {};
  const { held, wanted, code } = replicas;
  return { 'Shoal-Replicas': String(held), ...(code && { 'Shoal-Replicas-Wanted': String(wanted) }) };
}

/** Says in head and status of an answer how far the file has spread. */
export function tellReplicas(response: Response, replicas: ReplicaAnswer | undefined): void {
  response.set(replicaHeaders(replicas));
  if (replicas?.code) response.status(202);
}
