import type { Request, RequestHandler, Response, Router } from 'express';
import express from 'express';
import type { z } from 'zod';
import { ShoalError } from '../../domain/errors.ts';

/** One operation of /api/v1: how it is called, what it takes and answers. */
export interface Operation {
  readonly id: string;
  readonly method: 'get' | 'put' | 'post' | 'patch' | 'delete';
  /** Below `/api/v1`. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** A JSON answer; without it the handler answers by itself, with the given media type. */
  readonly answer?: z.ZodType;
  readonly media?: string;
  /** Media type of a body that is not JSON: the handler reads it. */
  readonly bodyMedia?: string;
  /** `open`: for callers who may not manage too. Everything else is management. */
  readonly access?: 'open';
  readonly handle: (input: never, request: Request, response: Response) => unknown;
}

/** What a handler gets: query and body, checked. */
export interface Input<Q, B> {
  readonly query: Q;
  readonly body: B;
}

interface TypedOperation<
  Q extends z.ZodObject | undefined,
  B extends z.ZodType | undefined,
  A extends z.ZodType | undefined,
> {
  readonly id: string;
  readonly method: Operation['method'];
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly query?: Q;
  readonly body?: B;
  readonly answer?: A;
  readonly media?: string;
  readonly bodyMedia?: string;
  readonly access?: Operation['access'];
  readonly handle: (
    input: Input<Q extends z.ZodType ? z.output<Q> : undefined, B extends z.ZodType ? z.output<B> : undefined>,
    request: Request,
    response: Response,
  ) => A extends z.ZodType ? z.input<A> | Promise<z.input<A>> : void | Promise<void>;
}

/** Describes an operation; the handler's types follow from its schemas. */
export function operation<
  Q extends z.ZodObject | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
  A extends z.ZodType | undefined = undefined,
>(definition: TypedOperation<Q, B, A>): Operation {
  return definition as unknown as Operation;
}

/** Most bytes of a JSON body. */
const maxBodyBytes = 1024 * 1024;

/** What stands before the handler of an operation, in this order. */
export type GuardsOf = (operation: Operation) => readonly RequestHandler[];

/** Adds operations to a router: input is checked before, answers are checked after the handler. */
export function register(router: Router, operations: readonly Operation[], guardsOf: GuardsOf): void {
  const json = express.json({ limit: maxBodyBytes, strict: true, type: () => true });
  for (const operation of operations) {
    const { method, path, body, ...rest } = operation;
    const readers = body ? [json] : [];
    router[method](path, ...guardsOf(operation), ...readers, async (request, response) => {
      const query = rest.query && check(rest.query, request.query, 'query');
      const input = { query, body: body && check(body, request.body, 'body') };
      const answer = await (rest.handle as (input: unknown, request: Request, response: Response) => unknown)(
        input,
        request,
        response,
      );
      if (rest.answer) response.json(rest.answer.parse(answer));
    });
  }
}

function check(schema: z.ZodType, value: unknown, where: string): unknown {
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const name = issue && issue.path.length > 0 ? issue.path.join('.') : where;
  throw new ShoalError('PARAMETER_INVALID', { details: { name, reason: issue?.message ?? 'it is not valid' } });
}
