/** The JSON shapes of go-fastdfs. */

import type { IncomingMessage } from 'node:http';
import type { Request, Response } from 'express';
import { AddressSet, isForwardedHttps } from '../../access/network.ts';
import type { CataloguedFile } from '../../catalog/catalog.ts';
import type { Config } from '../../config/schema.ts';
import { baseName, joinPath, parentOf } from '../../domain/paths.ts';
import { groupFolder, groupPrefix, urlPath } from './surface.ts';

/** Answer of an upload. `mtime` in unix seconds. */
export interface UploadAnswer {
  readonly url: string;
  readonly md5: string;
  readonly path: string;
  readonly domain: string;
  readonly scene: string;
  readonly size: number;
  readonly mtime: number;
  readonly scenes: string;
  readonly retmsg: string;
  readonly retcode: number;
  readonly src: string;
}

/** The file record of go-fastdfs. `timeStamp` in unix seconds; `offset` -1 means a file of its own. */
export interface FileInfo {
  readonly name: string;
  readonly rename: string;
  readonly path: string;
  readonly md5: string;
  readonly size: number;
  readonly peers: readonly string[];
  readonly scene: string;
  readonly timeStamp: number;
  readonly offset: number;
}

/** What instant upload answers for unknown content. */
export const emptyUploadAnswer: UploadAnswer = {
  url: '',
  md5: '',
  path: '',
  domain: '',
  scene: '',
  size: 0,
  mtime: 0,
  scenes: '',
  retmsg: '',
  retcode: 0,
  src: '',
};

/** What check_file_exist answers for an unknown file. */
export const emptyFileInfo: FileInfo = {
  name: '',
  rename: '',
  path: '',
  md5: '',
  size: 0,
  peers: [],
  scene: '',
  timeStamp: 0,
  offset: 0,
};

/** Sends the envelope of a success. */
export function sendOk(response: Response, data: unknown, message = ''): void {
  response.json({ status: 'ok', message, data });
}

/** The digest that the compatible interface shows for a file. */
export function compatibleDigest(file: CataloguedFile): string {
  return file.version.md5 ?? file.version.sha1 ?? '';
}

/** The record of a file. @param self this node's address, the one holder that is certain. */
export function fileInfo(file: CataloguedFile, self: string): FileInfo {
  const { version, path } = file;
  const stored = baseName(path);
  return {
    name: version.name,
    rename: stored === version.name ? '' : stored,
    path: joinPath('files', parentOf(path)),
    md5: compatibleDigest(file),
    size: version.size,
    peers: file.local ? [self] : [],
    scene: version.scene,
    timeStamp: Math.floor(version.storedMs / 1000),
    offset: -1,
  };
}

/** The answer to an upload. The address is this request's own, never that of an earlier one. */
export function uploadAnswer(file: CataloguedFile, request: Request, config: Config): UploadAnswer {
  const { version } = file;
  const prefix = groupPrefix(config);
  const domain = domainOf(request, config);
  const path = `${groupFolder(config)}/${file.path}`;
  const query = config.default_download ? `?name=${encodeURIComponent(version.name)}&download=1` : '';
  return {
    url: `${domain}${urlPath(prefix, file.path)}${query}`,
    md5: compatibleDigest(file),
    path,
    domain,
    scene: version.scene,
    size: version.size,
    mtime: Math.floor(version.storedMs / 1000),
    scenes: version.scene,
    retmsg: '',
    retcode: 0,
    src: path,
  };
}

/** `http://HOST` as links begin: `download_domain` when set, else what the request calls this node. */
export function domainOf(request: IncomingMessage, config: Config): string {
  const scheme = config.enable_https || isForwardedHttps(request, proxiesOf(config)) ? 'https' : 'http';
  if (config.download_domain !== '') {
    const domain = config.download_domain.replace(/\/+$/, '');
    return /^https?:\/\//i.test(domain) ? domain : `${scheme}://${domain}`;
  }
  return `${scheme}://${hostOf(request)}`;
}

const proxies = new WeakMap<Config, AddressSet>();

function proxiesOf(config: Config): AddressSet {
  let set = proxies.get(config);
  if (!set) {
    set = new AddressSet(config.trusted_proxies);
    proxies.set(config, set);
  }
  return set;
}

function hostOf(request: IncomingMessage): string {
  const host = request.headers.host;
  // The header is a stranger's text: only what can be a host and port goes into links.
  if (host !== undefined && /^[\w.-]+(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/i.test(host)) return host;
  const { localAddress = '127.0.0.1', localPort = 80 } = request.socket;
  return localAddress.includes(':') ? `[${localAddress}]:${localPort}` : `${localAddress}:${localPort}`;
}
