import type { RequestHandler } from 'express';
import { Router } from 'express';
import { directoryPage } from '../pages/directory-page.ts';
import { uploadPage } from '../pages/upload-page.ts';
import type { HttpServices } from '../services.ts';
import { TrackedResponse } from '../tracked-response.ts';
import { checkFileExists, checkFilesExist, deleteFile, getFileInfo } from './file-actions.ts';
import { readParameters } from './parameters.ts';
import { listFolder, statistics, status } from './store-actions.ts';
import { uploadHandlers } from './upload.ts';

/** The actions below the group, for GET and POST alike. Those in `managed` need a caller who may manage. */
export function compatibleRoutes(services: HttpServices): Router {
  const router = Router({ caseSensitive: true });
  const manage: RequestHandler = (request, _response, next) => {
    services.access.check(request);
    next();
  };
  const open = { check_file_exist: checkFileExists(services), check_files_exist: checkFilesExist(services) };
  const managed = {
    delete: deleteFile(services),
    get_file_info: getFileInfo(services),
    list_dir: listFolder(services),
    stat: statistics(services),
    status: status(services),
  };
  router.all('/upload', kind('upload'), crossOrigin(services), ...uploadHandlers(services));
  for (const [name, handler] of Object.entries(open)) {
    router.all(`/${name}`, kind('action'), crossOrigin(services), ...readParameters, handler);
  }
  for (const [name, handler] of Object.entries(managed)) {
    router.all(`/${name}`, kind('action'), manage, ...readParameters, handler);
  }
  router.get(['/', '/upload.html'], kind('page'), uploadPage(services));
  router.get('/{*folder}', kind('page'), directoryPage(services));
  return router;
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
