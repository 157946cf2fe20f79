/** The door of downloads, as the parts of the HTTP room ask at it. */
import type { Request } from 'express';
import type { CataloguedFile } from '../../catalog/catalog.ts';
import { allParameters } from '../compat/parameters.ts';
import type { DownloadDoor } from '../download/download-path.ts';
import type { HttpServices } from '../services.ts';

/** For the download path. */
export function downloadDoor({ protection, catalog }: HttpServices): DownloadDoor {
  return {
    isGuarded: (config) => protection.downloads.isNeeded(config),
    check: (request, path, query) =>
      protection.downloads.check({ request, path, file: catalog.find(path), parameters: parametersOf(query) }),
  };
}

/**
 * For pages of folders. Where downloads are protected, a path that holds nothing, or nothing that may be listed, is
 * refused like a file that is protected: only then does a 404 tell nothing.
 * @throws ShoalError as {@link DownloadDoor.check}, DOWNLOAD_REFUSED.
 */
export async function checkFolderDoor(services: HttpServices, request: Request, folder: string): Promise<void> {
  const { downloads } = services.protection;
  const config = services.config();
  if (!downloads.isNeeded(config)) return;
  if (services.catalog.hasFolder(folder) && config.show_dir) downloads.checkListing(request);
  else await downloads.check({ request, path: folder, file: undefined, parameters: allParameters(request) });
}

/** For look-ups that tell of files, or give new addresses of them. @param knowsDigest the caller named the content. */
export async function checkLookUp(
  { protection }: HttpServices,
  request: Request,
  path: string,
  file: CataloguedFile | undefined,
  knowsDigest: boolean,
): Promise<void> {
  const parameters = allParameters(request);
  await protection.downloads.check({ request, path: file?.path ?? path, file, parameters, knowsDigest });
}

/** The first value of each parameter, as Go's FormValue has it. */
function parametersOf(query: string): Readonly<Record<string, string>> {
  const values = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) if (!values.has(name)) values.set(name, value);
  return Object.fromEntries(values);
}
