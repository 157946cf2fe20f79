/** Actions of go-fastdfs on the files of a day: get_md5s_by_date, repair_stat, backup. */
import path from 'node:path';
import type { Request, RequestHandler } from 'express';
import { type Day, dayOf, isDay } from '../../domain/days.ts';
import { ShoalError } from '../../domain/errors.ts';
import { writeDayBackup } from '../../files/day-backup.ts';
import type { HttpServices } from '../services.ts';
import { domainOf, fileInfo, sendOk } from './answers.ts';
import { parameter, requiredParameter } from './parameters.ts';

/** `get_md5s_by_date?date=`: the digests of that day's files, each once, with commas between them. */
export function digestsOfDay(services: HttpServices): RequestHandler {
  return async (request, response) => {
    const day = checkedDay(requiredParameter(request, 'date'));
    const digests = new Set<string>();
    for await (const { entry } of services.catalog.walk()) {
      if (entry.day === day && entry.compatible !== '') digests.add(entry.compatible);
    }
    response.type('text/plain').send([...digests].join(','));
  };
}

/** `repair_stat?date=`: counts that day anew; answers its row. */
export function repairStatistics(services: HttpServices): RequestHandler {
  return async (request, response) => {
    const day = checkedDay(requiredParameter(request, 'date'));
    const { files, bytes } = await services.catalog.recountDay(day);
    sendOk(response, { date: day, totalSize: bytes, fileCount: files });
  };
}

/** `backup?date=`: writes that day's records to `data/<date>/`; today's when no date is given. */
export function backup(services: HttpServices): RequestHandler {
  return async (request, response) => {
    const day = dayParameter(request, dayOf(services.clock.now()));
    const self = domainOf(request, services.config());
    const folder = path.join(services.dataFolder, 'data');
    const files = await writeDayBackup(services.catalog, folder, day, (file) => fileInfo(file, self));
    sendOk(response, { date: day, fileCount: files, files: [`data/${day}/meta.data`, `data/${day}/files.md5`] });
  };
}

/** The parameter `date`. @throws ShoalError PARAMETER_INVALID. */
export function dayParameter(request: Request, otherwise: Day): Day {
  const value = parameter(request, 'date');
  return value === undefined ? otherwise : checkedDay(value);
}

function checkedDay(value: string): Day {
  if (isDay(value)) return value;
  throw new ShoalError('PARAMETER_INVALID', { details: { name: 'date', reason: 'it must be a day, YYYYMMDD' } });
}
