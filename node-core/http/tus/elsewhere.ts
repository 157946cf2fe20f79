/** Resumable uploads that another member keeps: whoever asks here is answered as there. The doors of this node hold. */
import type { Request, Response } from 'express';
import type { CataloguedFile } from '../../catalog/catalog.ts';
import { readAll } from '../../cluster/transport/peer-client.ts';
import { clientHostHeader } from '../../cluster/transport/protocol.ts';
import { countStranger } from '../protection/strangers.ts';
import type { HttpServices } from '../services.ts';

/** What of a request the owner gets. */
const passedHeaders = [
  'tus-resumable',
  'upload-offset',
  'upload-length',
  'upload-defer-length',
  'upload-checksum',
  'content-type',
  'content-length',
  'accept-language',
  'shoal-min-replicas',
] as const;

/** What of the owner's answer the client gets. */
const answeredHeaders = [
  'tus-resumable',
  'upload-offset',
  'upload-length',
  'upload-defer-length',
  'upload-metadata',
  'upload-expires',
  'upload-concat',
  'cache-control',
  'content-type',
  'retry-after',
  'shoal-replicas',
  'shoal-replicas-wanted',
] as const;

/** What pages of other sites may read of an answer. */
const exposedHeaders = answeredHeaders.filter((name) => /^(tus|upload|shoal)-/.test(name)).join(', ');

/** Most bytes of an answer: only errors have some. */
const maxAnswerBytes = 64 * 1024;

/** Whether an id may be that of an upload elsewhere. */
function mayBeElsewhere(services: HttpServices, id: string): boolean {
  return /^[0-9a-f]{32}$/.test(id) && services.resumable.find(id) === undefined;
}

/**
 * The member that keeps an upload. @returns undefined when it is this node, or nobody.
 * @throws ShoalError UPLOAD_OWNER_AWAY, TOO_MANY_REQUESTS.
 */
export async function ownerElsewhere(
  services: HttpServices,
  request: Request,
  id: string,
): Promise<string | undefined> {
  if (!mayBeElsewhere(services, id) || services.cluster.uploads.isAlone) return undefined;
  countStranger(services, request);
  return services.cluster.uploads.ownerOf(id);
}

/** Passes a request on to the owner and its answer back. @throws ShoalError UPLOAD_OWNER_AWAY. */
export async function passOn(
  services: HttpServices,
  owner: string,
  id: string,
  base: string,
  request: Request,
  response: Response,
): Promise<void> {
  const headers: Record<string, string> = { [clientHostHeader]: request.headers.host ?? '' };
  for (const name of passedHeaders) {
    const value = request.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  // What this node asks for every upload counts for those that it passes on.
  const { min_replicas } = services.config();
  if (min_replicas > Number(headers['shoal-min-replicas'] ?? 1)) headers['shoal-min-replicas'] = String(min_replicas);
  try {
    const answer = await services.cluster.uploads.pass(owner, id, request, headers);
    const body = await readAll(answer, maxAnswerBytes);
    response.status(answer.statusCode ?? 502);
    for (const name of answeredHeaders) {
      const value = answer.headers[name];
      if (typeof value !== 'string') continue;
      // The owner may have another group.
      response.setHeader(name, name === 'upload-concat' ? value.replace(/[^\s;]*\/big\/upload(?=\/)/g, base) : value);
    }
    const origin = request.headers.origin;
    if (origin !== undefined && services.config().enable_cross_origin) {
      response.setHeader('Access-Control-Allow-Origin', origin);
      response.setHeader('Access-Control-Expose-Headers', exposedHeaders);
    }
    response.end(body);
  } catch (error) {
    // The client has gone: what came of its part is safe at the owner.
    if (request.destroyed && !request.complete) return;
    throw error;
  }
}

/** The file that an upload of another member became. @throws ShoalError UPLOAD_OWNER_AWAY, TOO_MANY_REQUESTS. */
export async function fileElsewhere(
  services: HttpServices,
  request: Request,
  id: string,
): Promise<CataloguedFile | undefined> {
  const { catalog, cluster } = services;
  if (!mayBeElsewhere(services, id) || cluster.uploads.isAlone) return undefined;
  countStranger(services, request);
  const state = await cluster.uploads.stateOf(id);
  if (!state?.done) return undefined;
  const { path, sha256 } = state.done;
  const find = async () => {
    const there = catalog.find(path);
    return there?.version.sha256 === sha256 ? there : (await catalog.findByDigest('sha256', sha256, 1))[0];
  };
  const found = await find();
  if (found) return found;
  // The news of it may still be on their way.
  await cluster.replicator.read(state.owner);
  return find();
}
