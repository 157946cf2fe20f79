/**
 * Actions of go-fastdfs between nodes: sync, receive_md5s, syncfile_info. A node that is alone has nobody to send to, and
 * no node takes another's word for what a file is: its bytes come through an upload or from a verified member.
 */
import type { RequestHandler } from 'express';
import { isDay } from '../../domain/days.ts';
import { parseDigest } from '../../domain/digests.ts';
import { ShoalError } from '../../domain/errors.ts';
import { languageOf } from '../language.ts';
import { sendOk } from './answers.ts';
import { parameter, requiredParameter } from './parameters.ts';

const words = { en: 'no peers, nothing to send', zh: '没有其他节点,无需发送' } as const;

/** `sync?date=`: queues a day's files for the peers. */
export function sync(): RequestHandler {
  return (request, response) => {
    const date = parameter(request, 'date');
    if (date !== undefined && !isDay(date)) {
      throw new ShoalError('PARAMETER_INVALID', { details: { name: 'date', reason: 'it must be a day, YYYYMMDD' } });
    }
    sendOk(response, { queued: 0 }, words[languageOf(request)]);
  };
}

/** `receive_md5s?md5s=a,b`: queues these contents for the peers. */
export function receiveDigests(): RequestHandler {
  return (request, response) => {
    for (const digest of requiredParameter(request, 'md5s').split(',')) {
      if (digest.trim() !== '' && !parseDigest(digest)) {
        throw new ShoalError('DIGEST_INVALID', { details: { value: digest.slice(0, 80) } });
      }
    }
    sendOk(response, { queued: 0 }, words[languageOf(request)]);
  };
}

/** `syncfile_info`: refused. */
export function syncFileInfo(): RequestHandler {
  return () => {
    throw new ShoalError('PEER_WORD_REFUSED');
  };
}
