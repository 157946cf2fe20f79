/** `G/upload?md5=`: a content that is known is uploaded without its bytes. */
import type { Request, Response } from 'express';
import type { UploadAdmission } from '../../access/upload-guard.ts';
import { parseDigest } from '../../domain/digests.ts';
import { ShoalError } from '../../domain/errors.ts';
import { checkLookUp } from '../protection/download-door.ts';
import { countStranger } from '../protection/strangers.ts';
import type { HttpServices } from '../services.ts';
import { emptyUploadAnswer, sendOk, uploadAnswer } from './answers.ts';
import { allParameters, parameter } from './parameters.ts';
import { outputOf, sendUploadAnswer } from './upload-output.ts';

/** Answers with the file of a known content, or with the empty answer for an unknown one. */
export async function instantUpload(
  services: HttpServices,
  request: Request,
  response: Response,
  digest: string,
  admission: UploadAdmission,
): Promise<void> {
  countStranger(services, request);
  const output = outputOf(request, parameter(request, 'output'));
  const parsed = parseDigest(digest);
  if (!parsed) throw new ShoalError('DIGEST_INVALID', { details: { value: digest.slice(0, 80) } });
  const fields = allParameters(request);
  const scene = fields.scene ?? fields.scenes ?? services.config().default_scene;
  await services.protection.uploads.checkFields(admission, request, scene, fields);
  const found = await services.catalog.findByDigest(parsed.algorithm, parsed.hex);
  const contents = new Set(found.map((file) => file.version.sha256));
  const [sha256] = contents;
  // One md5 of several contents says nothing about the caller's (replication.md, 13).
  const known =
    contents.size === 1 && sha256 !== undefined ? await services.storer.findContent(sha256, () => true) : undefined;
  // It gives the right to a content for its digest: where downloads are protected, that right is asked for.
  await checkLookUp(services, request, '', known, true);
  if (known) sendUploadAnswer(response, output, uploadAnswer(known, request, services.config()));
  else if (output === 'text') response.type('text/plain').send('');
  else if (output === 'json') response.json(emptyUploadAnswer);
  else sendOk(response, null);
}
