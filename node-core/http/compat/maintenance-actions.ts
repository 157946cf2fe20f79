/** Actions of go-fastdfs that look after the store: repair, repair_fileinfo, remove_empty_dir. */
import type { Request, RequestHandler, Response } from 'express';
import { ShoalError } from '../../domain/errors.ts';
import type { SharedRun } from '../../runtime/shared-run.ts';
import { removeEmptyFolders } from '../../storage/empty-folders.ts';
import { languageOf } from '../language.ts';
import { type HttpServices, readOnlyCheck } from '../services.ts';
import { sendOk } from './answers.ts';

/** How long a caller who began a long run waits for its end, in milliseconds; then it is told how far it is. */
const waitMs = 20_000;

const words = {
  en: { done: 'done', running: 'it runs; call again to see how far it is' },
  zh: { done: '已完成', running: '正在执行;再次调用可查看进度' },
} as const;

/**
 * `repair`: compares with all members, which compare with this node in their turn (`/api/v1/repair` tells how that went), and looks whether the bytes of every file stand here as they were stored, and mends records whose bytes were only
 * touched. Who calls while it runs is told how far it is.
 */
export function repair(services: HttpServices): RequestHandler {
  return (request, response) => {
    services.cluster.care.repairer
      .runAll(true)
      .catch((error: unknown) => services.logger.error({ err: error }, 'the repair failed'));
    return answerRun(services, request, response, services.checker);
  };
}

/** `repair_fileinfo`: takes files found in the store's folder into the catalogue, when `enable_migrate` allows it. */
export function repairFileInfo(services: HttpServices): RequestHandler {
  return (request, response) => {
    readOnlyCheck(services);
    if (!services.config().enable_migrate) throw new ShoalError('MIGRATION_OFF');
    return answerRun(services, request, response, services.adopter);
  };
}

/** `remove_empty_dir`: removes folders on disk that hold nothing. Folders that somebody made stay in the listings. */
export function removeEmptyDirectories(services: HttpServices): RequestHandler {
  return async (_request, response) => {
    await services.guard.checkStore();
    sendOk(response, { removed: await removeEmptyFolders(services.pathOf('.')) });
  };
}

async function answerRun<P extends object>(
  services: HttpServices,
  request: Request,
  response: Response,
  runs: SharedRun<P>,
): Promise<void> {
  const { run, joined } = runs.join();
  if (!joined) {
    // Whoever began it may have gone by the time it fails.
    run.ended.catch((error: unknown) => services.logger.error({ err: error }, `${runs.name} failed`));
    await settledWithin(run.ended, waitMs);
  }
  const message = words[languageOf(request)][run.finished ? 'done' : 'running'];
  sendOk(response, { finished: run.finished, ...run.progress }, message);
}

/** Waits for the end of some work, but not for ever. @throws what the work throws meanwhile. */
async function settledWithin(work: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([work, patience]);
  } finally {
    clearTimeout(timer);
  }
}
