import type { Request, RequestHandler } from 'express';
import express from 'express';
import multer from 'multer';
import { ShoalError } from '../../domain/errors.ts';

/** Most bytes of one parameter, and of a urlencoded body: lists of digests are long. */
export const maxParameterBytes = 1024 * 1024;

/** Reads parameters of an action from wherever a client put them: query, urlencoded or multipart body. */
export const readParameters: readonly RequestHandler[] = [
  express.urlencoded({ extended: false, limit: maxParameterBytes, parameterLimit: 100 }),
  multer({ limits: { fields: 50, fieldSize: maxParameterBytes, fieldNameSize: 100, files: 0, parts: 50 } }).none(),
];

/**
 * A parameter as text: the body goes before the query, the first of several values counts (as Go's FormValue has it).
 * @returns undefined when absent or empty. @throws ShoalError PARAMETER_INVALID for anything that is not text.
 */
export function parameter(request: Request, name: string): string | undefined {
  const body = request.body as unknown;
  const fromBody =
    typeof body === 'object' && body !== null && Object.hasOwn(body, name)
      ? (body as Record<string, unknown>)[name]
      : undefined;
  const value = first(fromBody) ?? first(request.query[name]);
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') {
    throw new ShoalError('PARAMETER_INVALID', { details: { name, reason: 'it is not text' } });
  }
  return value;
}

/** Like {@link parameter}. @throws ShoalError PARAMETER_MISSING. */
export function requiredParameter(request: Request, name: string): string {
  const value = parameter(request, name);
  if (value === undefined) throw new ShoalError('PARAMETER_MISSING', { details: { name } });
  return value;
}

/** All parameters that are text, each with the value that {@link parameter} gives. */
export function allParameters(request: Request): Readonly<Record<string, string>> {
  const body = request.body as unknown;
  const inBody = typeof body === 'object' && body !== null ? Object.entries(body) : [];
  // Later entries win: the body goes before the query.
  const entries = [...Object.entries(request.query), ...inBody].map(([name, value]) => [name, first(value)] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** Whether a switch such as `force=1` is on. */
export function flag(request: Request, name: string): boolean {
  const value = parameter(request, name);
  return value === '1' || value === 'true';
}

function first(value: unknown): unknown {
  return Array.isArray(value) ? (value as unknown[])[0] : value;
}
