/**
 * Actions of go-fastdfs between nodes: sync, receive_md5s, syncfile_info. Their shapes are the original's; what they do is not: members
 * are asked what they lack, and fetch it. No node takes another's word for what a file is: its bytes come through an upload or
 * from a verified member, and a member that was told of a file does not have it for that.
 */
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { CataloguedFile } from '../../catalog/catalog.ts';
import type { OfferOutcome } from '../../cluster/care/offers.ts';
import { dayOf, isDay } from '../../domain/days.ts';
import { parseDigest } from '../../domain/digests.ts';
import { ShoalError } from '../../domain/errors.ts';
import { languageOf } from '../language.ts';
import type { HttpServices } from '../services.ts';
import { sendOk, uploadAnswer } from './answers.ts';
import { parameter, requiredParameter } from './parameters.ts';

const words = {
  en: { alone: 'no peers, nothing to send', sent: 'the peers fetch what they lack' },
  zh: { alone: '没有其他节点,无需发送', sent: '其他节点将获取其缺少的文件' },
} as const;

/** Contents offered at once. */
const offeredAtOnce = 5000;

/** `sync?date=`: has all members compare, and fetch what they lack of the files of a day; of today when none is given. */
export function sync(services: HttpServices): RequestHandler {
  return async (request, response) => {
    const date = parameter(request, 'date') ?? dayOf(services.clock.now());
    if (!isDay(date)) {
      throw new ShoalError('PARAMETER_INVALID', { details: { name: 'date', reason: 'it must be a day, YYYYMMDD' } });
    }
    if (services.cluster.members.isAlone) return sendAlone(request, response);
    const tally = new Tally(services);
    let contents = new Set<string>();
    for await (const { entry } of services.catalog.walk()) {
      if (entry.day !== date) continue;
      contents.add(entry.sha256);
      if (contents.size < offeredAtOnce) continue;
      await tally.offer(contents);
      contents = new Set();
    }
    await tally.offer(contents);
    sendOk(response, { date, ...tally.data() }, words[languageOf(request)].sent);
  };
}

/** `receive_md5s?md5s=a,b`: the same for some contents. Those that this node does not have are left out. */
export function receiveDigests(services: HttpServices): RequestHandler {
  return async (request, response) => {
    const contents = new Set<string>();
    for (const text of requiredParameter(request, 'md5s').split(',')) {
      if (text.trim() === '') continue;
      const digest = parseDigest(text);
      if (!digest) throw new ShoalError('DIGEST_INVALID', { details: { value: text.slice(0, 80) } });
      for (const { version } of await services.catalog.findByDigest(digest.algorithm, digest.hex))
        contents.add(version.sha256);
    }
    if (services.cluster.members.isAlone) return sendAlone(request, response);
    const tally = new Tally(services);
    await tally.offer(contents);
    sendOk(response, tally.data(), words[languageOf(request)].sent);
  };
}

/**
 * `syncfile_info?fileInfo=`: another node says that it has a file. Members are read, and the address of the file is answered when its
 * bytes are here, verified. @throws ShoalError PEER_WORD_REFUSED when they are not: nothing is recorded on anybody's word.
 */
export function syncFileInfo(services: HttpServices): RequestHandler {
  return async (request, response) => {
    const said = saidShape.safeParse(tryJson(parameter(request, 'fileInfo') ?? ''));
    const file = said.success ? await findSaid(services, said.data.md5) : undefined;
    if (!file) {
      services.cluster.replicator.readAll();
      services.cluster.wants.wake(true);
      throw new ShoalError('PEER_WORD_REFUSED');
    }
    response.type('text/plain').send(uploadAnswer(file, request, services.config()).url);
  };
}

function sendAlone(request: Request, response: Response): void {
  sendOk(response, { queued: 0 }, words[languageOf(request)].alone);
}

const saidShape = z.object({ md5: z.string().max(64) });

async function findSaid({ catalog, storer }: HttpServices, md5: string): Promise<CataloguedFile | undefined> {
  const digest = parseDigest(md5);
  if (!digest) return undefined;
  for (const file of await catalog.findByDigest(digest.algorithm, digest.hex))
    if (await storer.hasBytes(file)) return file;
  return undefined;
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What members lack of what was offered to them. */
class Tally {
  readonly #services: HttpServices;
  readonly #members = new Map<string, OfferOutcome>();
  #offered = 0;

  constructor(services: HttpServices) {
    this.#services = services;
  }

  async offer(contents: ReadonlySet<string>): Promise<void> {
    if (contents.size === 0) return;
    this.#offered += contents.size;
    for (const { member, lacking } of await this.#services.cluster.care.offer([...contents])) {
      const before = this.#members.get(member);
      const both = before
        ? before.lacking === undefined || lacking === undefined
          ? undefined
          : before.lacking + lacking
        : lacking;
      this.#members.set(member, { member, lacking: both });
    }
  }

  /** `queued`: contents that members lack, each counted for each; a member that could not be asked has `null`. */
  data() {
    const members = [...this.#members.values()].map(({ member, lacking = null }) => ({
      id: member,
      name: this.#services.cluster.members.nameOf(member),
      queued: lacking,
    }));
    return { offered: this.#offered, queued: members.reduce((sum, { queued }) => sum + (queued ?? 0), 0), members };
  }
}
