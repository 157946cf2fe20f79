import type { RequestHandler } from 'express';
import { Router } from 'express';
import { directoryPage } from '../pages/directory-page.ts';
import { reportPage } from '../pages/report-page.ts';
import { uploadPage } from '../pages/upload-page.ts';
import { auditAction } from '../protection/audit.ts';
import { limitStrangers } from '../protection/strangers.ts';
import type { HttpServices } from '../services.ts';
import { TrackedResponse } from '../tracked-response.ts';
import { backup, digestsOfDay, repairStatistics } from './day-actions.ts';
import { checkFileExists, checkFilesExist, deleteFile, getFileInfo, search } from './file-actions.ts';
import { removeEmptyDirectories, repair, repairFileInfo } from './maintenance-actions.ts';
import { readParameters } from './parameters.ts';
import { receiveDigests, sync, syncFileInfo } from './peer-actions.ts';
import { generateCode, generateSecret, reload } from './settings-actions.ts';
import { listFolder, statistics, status } from './store-actions.ts';
import { uploadHandlers } from './upload.ts';

/** The actions below the group, for GET and POST alike. Those in `managed` need a caller who may manage. */
export function compatibleRoutes(services: HttpServices): Router {
  const router = Router({ caseSensitive: true });
  const manage: RequestHandler = (request, response, next) => {
    response.locals.manager = services.access.check(request);
    next();
  };
  const strangers = limitStrangers(services);
  const open = { check_file_exist: checkFileExists(services), check_files_exist: checkFilesExist(services) };
  const managed = {
    delete: deleteFile(services),
    get_file_info: getFileInfo(services),
    list_dir: listFolder(services),
    stat: statistics(services),
    status: status(services),
    search: search(services),
    get_md5s_by_date: digestsOfDay(services),
    repair_stat: repairStatistics(services),
    backup: backup(services),
    repair: repair(services),
    repair_fileinfo: repairFileInfo(services),
    remove_empty_dir: removeEmptyDirectories(services),
    sync: sync(services),
    receive_md5s: receiveDigests(services),
    syncfile_info: syncFileInfo(services),
    syncfile: syncFileInfo(services),
    reload: reload(services),
    gen_google_secret: generateSecret(),
    gen_google_code: generateCode(services),
    report: reportPage(services),
  };
  router.all('/upload', kind('upload'), crossOrigin(services), ...uploadHandlers(services));
  for (const [name, handler] of Object.entries(open)) {
    router.all(`/${name}`, kind('action'), crossOrigin(services), strangers, ...readParameters, handler);
  }
  for (const [name, handler] of Object.entries(managed)) {
    router.all(`/${name}`, kind('action'), ...audited(services, name), manage, ...readParameters, handler);
  }
  router.get(['/', '/upload.html'], kind('page'), strangers, uploadPage(services));
  router.get('/{*folder}', kind('page'), strangers, directoryPage(services));
  return router;
}

/** Actions that change something; the others only tell. */
const changing: ReadonlySet<string> = new Set([
  'delete',
  'repair_stat',
  'backup',
  'repair',
  'repair_fileinfo',
  'remove_empty_dir',
  'reload',
]);

function audited(services: HttpServices, name: string): readonly RequestHandler[] {
  return changing.has(name) ? [auditAction(services, name)] : [];
}

function kind(name: TrackedResponse['kind']): RequestHandler {
  return (_request, response, next) => {
    if (response instanceof TrackedResponse) response.kind = name;
    next();
  };
}

/** What pages of other sites may use: the doors that are open to everyone, without credentials. Management never. */
function crossOrigin(services: HttpServices): RequestHandler {
  return (request, response, next) => {
    if (services.config().enable_cross_origin) {
      response.setHeader('Access-Control-Allow-Origin', '*');
      if (request.method === 'OPTIONS') {
        response.setHeader('Access-Control-Allow-Methods', 'GET, HEAD, POST, OPTIONS');
        response.setHeader('Access-Control-Allow-Headers', 'Content-Type, Auth-Token, X-Requested-With, Range');
        response.setHeader('Access-Control-Max-Age', '86400');
      }
    }
    if (request.method === 'OPTIONS') response.status(204).end();
    else next();
  };
}
