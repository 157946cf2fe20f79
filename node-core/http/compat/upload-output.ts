/** The three forms in which an upload is answered. */
import type { Request, Response } from 'express';
import { ShoalError } from '../../domain/errors.ts';
import { sendOk, type UploadAnswer } from './answers.ts';

/** Value of the parameter `output`. */
export type Output = 'text' | 'json' | 'json2';

/** What a request asks for. @param field parameter of the form, once it is known. @throws ShoalError OUTPUT_UNKNOWN. */
export function outputOf(request: Request, field: string | undefined): Output {
  const value =
    field ?? (typeof request.query.output === 'string' && request.query.output !== '' ? request.query.output : 'text');
  if (value === 'text' || value === 'json' || value === 'json2') return value;
  throw new ShoalError('OUTPUT_UNKNOWN', { details: { value: value.slice(0, 40) } });
}

/** Answers an upload; how far it has spread stands in `response.locals.replicas` (replicas.ts). */
export function sendUploadAnswer(response: Response, output: Output, answer: UploadAnswer): void {
  const replicas: unknown = response.locals.replicas;
  const told = replicas === undefined ? answer : { ...answer, replicas };
  if (output === 'text') response.type('text/plain').send(answer.url);
  else if (output === 'json') response.json(told);
  else sendOk(response, told);
}
