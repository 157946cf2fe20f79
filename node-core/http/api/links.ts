/** /api/v1: signed links to files and folders. */
import type { Request, Response } from 'express';
import type { Manager } from '../../access/management.ts';
import type { LinkState, NewLink } from '../../access/share-links.ts';
import { ShoalError } from '../../domain/errors.ts';
import { normalizeFolder } from '../../domain/paths.ts';
import { domainOf } from '../compat/answers.ts';
import type { HttpServices } from '../services.ts';
import * as access from './access-contract.ts';
import { nothing } from './contract.ts';
import { type Operation, operation } from './operation.ts';

const tag = 'links';

/** The operations on links. */
export function linkOperations(services: HttpServices): readonly Operation[] {
  const { links } = services.protection;
  return [
    operation({
      id: 'createLink',
      method: 'post',
      path: '/links',
      tag,
      summary: 'Makes a link to a file or folder, or one to upload into a folder',
      body: access.newLinkBody,
      answer: access.link,
      handle: async ({ body }, request, response) => {
        const { label, expiresMs, password, maxUses } = body;
        if (expiresMs !== undefined && expiresMs <= services.clock.now()) {
          throw new ShoalError('PARAMETER_INVALID', { details: { name: 'expiresMs', reason: 'it is in the past' } });
        }
        const by = nameOf(response);
        const state = await links.create({ ...targetOf(services, body), by, label, expiresMs, password, maxUses });
        return linkOf(services, request, state);
      },
    }),
    operation({
      id: 'listLinks',
      method: 'get',
      path: '/links',
      tag,
      summary: 'All links, page by page',
      query: access.linksQuery,
      answer: access.linkPage,
      handle: async ({ query }, request) => {
        const path = query.path === undefined ? undefined : normalizeFolder(query.path);
        const found = await links.list(query.limit, query.cursor, path);
        const last = found.length === query.limit ? found.at(-1) : undefined;
        return {
          links: found.map((state) => linkOf(services, request, state)),
          ...(last && { cursor: last.link.id }),
        };
      },
    }),
    operation({
      id: 'showLink',
      method: 'get',
      path: '/links/details',
      tag,
      summary: 'One link, and how it stands',
      query: access.linkQuery,
      answer: access.link,
      handle: ({ query }, request) => linkOf(services, request, links.details(query.id)),
    }),
    operation({
      id: 'revokeLink',
      method: 'delete',
      path: '/links',
      tag,
      summary: 'Ends a link for ever',
      query: access.linkQuery,
      answer: nothing,
      handle: async ({ query }, _request, response) => {
        await links.revoke(query.id, nameOf(response));
        return {};
      },
    }),
  ];
}

/** What a new link is to. @throws ShoalError FILE_NOT_FOUND, PARAMETER_INVALID, PATH_INVALID. */
function targetOf(
  { catalog }: HttpServices,
  body: { readonly path: string; readonly upload: boolean },
): Pick<NewLink, 'kind' | 'path'> {
  const path = normalizeFolder(body.path);
  const isFile = path !== '' && catalog.find(path) !== undefined;
  if (body.upload) {
    // The root holds every folder: who may put files there could put them anywhere.
    if (path === '' || isFile) {
      throw new ShoalError('PARAMETER_INVALID', { details: { name: 'path', reason: 'it must name a folder' } });
    }
    return { kind: 'upload', path };
  }
  if (!isFile && !catalog.hasFolder(path)) throw new ShoalError('FILE_NOT_FOUND', { details: { what: path } });
  return { kind: isFile ? 'file' : 'folder', path };
}

function linkOf(services: HttpServices, request: Request, { link, token, uses, state }: LinkState): access.Link {
  const { id, kind, path, label, createdMs, by, expiresMs, password, maxUses } = link;
  return {
    id,
    kind,
    path,
    url: `${linkDomainOf(services, request)}/s/${token}`,
    label,
    state,
    createdMs,
    by,
    ...(expiresMs !== undefined && { expiresMs }),
    hasPassword: password !== undefined,
    ...(maxUses !== undefined && { maxUses }),
    uses,
  };
}

/** A link is for others: an address that means this very machine is of no use to them. */
function linkDomainOf(services: HttpServices, request: Request): string {
  const domain = domainOf(request, services.config());
  return /^https?:\/\/(localhost|127\.[\d.]+|\[::1\])(:\d+)?$/i.test(domain) ? services.reachableOrigin() : domain;
}

function nameOf(response: Response): string {
  const { session, kind, address } = response.locals.manager as Manager;
  return session?.name ?? `${kind} ${address}`;
}
