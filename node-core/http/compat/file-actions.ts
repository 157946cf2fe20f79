/** Actions of go-fastdfs on single files: delete, get_file_info, check_file_exist, check_files_exist, search. */
import type { Request, RequestHandler } from 'express';
import type { CataloguedFile } from '../../catalog/catalog.ts';
import { parseDigest } from '../../domain/digests.ts';
import { ShoalError } from '../../domain/errors.ts';
import { normalizePath } from '../../domain/paths.ts';
import { checkLookUp } from '../protection/download-door.ts';
import { type HttpServices, readOnlyCheck } from '../services.ts';
import { fileElsewhere } from '../tus/elsewhere.ts';
import { domainOf, emptyFileInfo, fileInfo, sendOk } from './answers.ts';
import { allParameters, parameter, requiredParameter } from './parameters.ts';
import { parameterPath } from './surface.ts';

/** Most digests of one check_files_exist. */
const maxDigests = 10_000;

/** Most records that search answers, as go-fastdfs has it. */
const maxSearchResults = 100;

/** No name is longer. */
const maxKeywordCharacters = 255;

/** `delete?md5=` or `delete?path=`. */
export function deleteFile(services: HttpServices): RequestHandler {
  return async (request, response) => {
    readOnlyCheck(services);
    await services.protection.uploads.checkDelete(request, allParameters(request));
    const by = services.access.addressOf(request);
    const digest = parameter(request, 'md5');
    if (digest !== undefined) {
      const { algorithm, hex } = digestParameter(digest);
      await services.remover.removeContent(algorithm, hex, by);
    } else {
      await services.remover.removePath(pathParameter(services, request), by);
    }
    sendOk(response, null, 'remove success');
  };
}

/** `get_file_info?md5=` or `?path=`. */
export function getFileInfo(services: HttpServices): RequestHandler {
  return async (request, response) => {
    const file = await findFile(services, request);
    if (!file) throw new ShoalError('FILE_NOT_FOUND', { details: { what: asked(request) } });
    sendOk(response, fileInfo(file, domainOf(request, services.config())));
  };
}

/** `check_file_exist?md5=` or `?path=`: the bare record; empty fields for an unknown file, as clients expect. */
export function checkFileExists(services: HttpServices): RequestHandler {
  return async (request, response) => {
    const path = parameter(request, 'md5') === undefined ? pathParameter(services, request) : '';
    const file = await findFile(services, request);
    await checkLookUp(services, request, path, file, path === '');
    const known = file !== undefined && (await hasBytes(services, file));
    response.json(known ? fileInfo(file, domainOf(request, services.config())) : emptyFileInfo);
  };
}

/** `check_files_exist?md5s=a,b,c`: the records found. */
export function checkFilesExist(services: HttpServices): RequestHandler {
  return async (request, response) => {
    const digests = requiredParameter(request, 'md5s')
      .split(',')
      .map((text) => text.trim())
      .filter((text) => text !== '');
    if (digests.length > maxDigests) {
      throw new ShoalError('PARAMETER_INVALID', { details: { name: 'md5s', reason: `more than ${maxDigests}` } });
    }
    const self = domainOf(request, services.config());
    const found = [];
    for (const digest of digests) {
      const parsed = parseDigest(digest);
      const [file] = parsed ? await services.catalog.findByDigest(parsed.algorithm, parsed.hex, 1) : [];
      await checkLookUp(services, request, '', file, true);
      if (file && (await hasBytes(services, file))) found.push(fileInfo(file, self));
    }
    sendOk(response, found);
  };
}

/** `search?kw=`: files whose name holds a text, letter case aside. */
export function search(services: HttpServices): RequestHandler {
  return async (request, response) => {
    const text = requiredParameter(request, 'kw');
    if (text.length > maxKeywordCharacters) {
      const reason = `longer than ${maxKeywordCharacters} characters`;
      throw new ShoalError('PARAMETER_INVALID', { details: { name: 'kw', reason } });
    }
    const self = domainOf(request, services.config());
    const found = await services.catalog.search(text, maxSearchResults);
    sendOk(
      response,
      found.map((file) => fileInfo(file, self)),
    );
  };
}

/** The file that `md5` or `path` names. */
async function findFile(services: HttpServices, request: Request): Promise<CataloguedFile | undefined> {
  const digest = parameter(request, 'md5');
  if (digest === undefined) return services.catalog.find(pathParameter(services, request));
  // Clients of tus know a file by the id of its upload (go-fastdfs-api, get_file_info).
  const uploaded = /^[0-9a-f]{32}$/i.test(digest) ? await services.resumable.fileOf(digest.toLowerCase()) : undefined;
  if (uploaded) return uploaded;
  const { algorithm, hex } = digestParameter(digest);
  const [file] = await services.catalog.findByDigest(algorithm, hex, 1);
  // Or by that of an upload which another member keeps.
  if (file || !services.cluster.uploads.isNamed(digest.toLowerCase())) return file;
  return fileElsewhere(services, request, digest.toLowerCase());
}

function digestParameter(text: string) {
  const parsed = parseDigest(text);
  if (!parsed) throw new ShoalError('DIGEST_INVALID', { details: { value: text.slice(0, 80) } });
  return parsed;
}

function pathParameter(services: HttpServices, request: Request): string {
  return normalizePath(parameterPath(requiredParameter(request, 'path'), services.config()));
}

function asked(request: Request): string {
  return parameter(request, 'md5') ?? parameter(request, 'path') ?? '';
}

/** A file is only said to exist while its bytes do. */
async function hasBytes(services: HttpServices, file: CataloguedFile): Promise<boolean> {
  return services.storer.hasBytes(file);
}
