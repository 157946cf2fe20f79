/** A client of /api/v1 that knows only its OpenAPI document: every answer is checked against what the document says. */
import type { OutgoingHttpHeaders } from 'node:http';
import { expect } from 'vitest';
import { z } from 'zod';
import { type Answer, call, expectRefusal, json } from './http-client.ts';
import type { TestNode } from './node-in-process.ts';

/** One value of a query, or several of the same name. */
export type QueryValue = string | number | boolean | readonly string[];

/** What is sent with an operation. */
export interface ApiRequest {
  readonly query?: Readonly<Record<string, QueryValue>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: Buffer | string;
  readonly headers?: OutgoingHttpHeaders;
}

/** The parts of the document that are looked at here. */
export interface OpenApiOperation {
  readonly operationId: string;
  /** What has to be proved, when it is not what the document says for all. */
  readonly security?: readonly object[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: object }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: object }>> }>
  >;
}

/** An OpenAPI 3.1 document. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

/** An operation with its way to be called. */
export interface DescribedOperation extends OpenApiOperation {
  readonly method: string;
  readonly path: string;
}

/** Calls operations by their ids. */
export class ApiClient {
  readonly document: OpenApiDocument;
  readonly #origin: string;
  readonly #headers: OutgoingHttpHeaders;

  private constructor(origin: string, document: OpenApiDocument, headers: OutgoingHttpHeaders) {
    this.#origin = origin;
    this.document = document;
    this.#headers = headers;
  }

  /** @param headers of every request that has none of its own. */
  static async of(node: Pick<TestNode, 'origin'>, headers: OutgoingHttpHeaders = {}): Promise<ApiClient> {
    const answer = await call(`${node.origin}/api/v1/openapi.json`, { headers });
    expect(answer.status).toBe(200);
    return new ApiClient(node.origin, json<OpenApiDocument>(answer), headers);
  }

  /** All operations of the document. */
  operations(): DescribedOperation[] {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, described]) => ({ ...described, method: method.toUpperCase(), path })),
    );
  }

  /** Address of an operation. */
  url(id: string, query: ApiRequest['query'] = {}): string {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one));
    }
    const text = parameters.toString();
    return `${this.#origin}/api/v1${this.#operation(id).path}${text === '' ? '' : `?${text}`}`;
  }

  /** Sends an operation and returns whatever is answered. */
  send(id: string, request: ApiRequest = {}): Promise<Answer> {
    const { query, json: value, headers = this.#headers } = request;
    const body = value === undefined ? request.body : JSON.stringify(value);
    return call(this.url(id, query), {
      method: this.#operation(id).method,
      headers: { ...(value !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body }),
    });
  }

  /** Sends an operation, expects success and an answer as the document describes it. */
  async ok<T>(id: string, request: ApiRequest = {}): Promise<T> {
    const answer = await this.send(id, request);
    expect(answer.status, answer.text.slice(0, 500)).toBe(200);
    const value = json<T>(answer);
    this.#check(id, '200', value);
    return value;
  }

  /** Sends an operation and expects a coded refusal as the document describes it. */
  async refused(id: string, status: number, code: string, request: ApiRequest = {}): Promise<Answer> {
    const answer = await this.send(id, request);
    expectRefusal(answer, status, code);
    this.#check(id, 'default', json(answer));
    return answer;
  }

  #operation(id: string): DescribedOperation {
    const found = this.operations().find(({ operationId }) => operationId === id);
    if (!found) throw new Error(`the document has no operation ${id}`);
    return found;
  }

  #check(id: string, status: string, value: unknown): void {
    const schema = this.#operation(id).responses[status]?.content?.['application/json']?.schema;
    if (!schema) throw new Error(`the document does not describe the answer ${status} of ${id}`);
    const text = JSON.stringify({ ...schema, $defs: this.document.components.schemas });
    const local = JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')) as Parameters<
      typeof z.fromJSONSchema
    >[0];
    const parsed = z.fromJSONSchema(local).safeParse(value);
    expect(
      parsed.success ? [] : parsed.error.issues,
      `answer of ${id}: ${JSON.stringify(value).slice(0, 500)}`,
    ).toEqual([]);
  }
}
