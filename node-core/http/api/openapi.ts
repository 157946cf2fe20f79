import { z } from 'zod';
import { failure } from './contract.ts';
import type { Operation } from './operation.ts';

type Json = { readonly [key: string]: unknown };

/** The OpenAPI 3.1 document of the operations; its schemas are those that check them. */
export function openApiDocument(operations: readonly Operation[], version: string, sessionCookie: string): Json {
  const components: Record<string, unknown> = {};
  const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): unknown => {
    const {
      $schema: _dialect,
      $defs,
      ...body
    } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Record<string, unknown>;
    for (const [name, definition] of Object.entries(($defs ?? {}) as Json)) components[name] = relocate(definition);
    const { id, ...anonymous } = body;
    if (typeof id !== 'string') return relocate(anonymous);
    components[id] = relocate(anonymous);
    return { $ref: `#/components/schemas/${id}` };
  };
  const fails = { description: 'An error', content: { 'application/json': { schema: schemaOf(failure, 'output') } } };
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { id, method, path, summary, tag, query, body, answer, media, bodyMedia, access } of operations) {
    paths[path] ??= {};
    const sent = body ? { 'application/json': { schema: schemaOf(body, 'input') } } : bodyMedia && { [bodyMedia]: {} };
    const answered = answer
      ? { 'application/json': { schema: schemaOf(answer, 'output') } }
      : { [media ?? 'application/json']: {} };
    paths[path][method] = {
      operationId: id,
      summary,
      tags: [tag],
      // An empty requirement: nobody has to prove anything (OpenAPI 3.1, Security Requirement Object).
      ...(access === 'open' && { security: [{}] }),
      ...(query && { parameters: parametersOf(schemaOf(query, 'input') as Json) }),
      ...(sent && { requestBody: { required: true, content: sent } }),
      responses: { 200: { description: 'Done', content: answered }, default: fails },
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Shoal',
      version,
      license: { name: 'MIT', identifier: 'MIT' },
      description:
        'The API of one node. Only callers that may manage it may use it: who is signed in, who has a key, and scripts on the host or from admin_ips.',
    },
    servers: [{ url: '/api/v1' }],
    security: [{ session: [] }, { key: [] }, {}],
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: sessionCookie, description: 'Set by POST /login' },
        key: { type: 'http', scheme: 'bearer', description: 'admin_key of the configuration, or the local token' },
      },
    },
  };
}

function parametersOf(schema: Json): unknown[] {
  const required = (schema.required ?? []) as readonly string[];
  return Object.entries((schema.properties ?? {}) as Json).map(([name, property]) => {
    const { description, ...rest } = property as Json;
    return {
      name,
      in: 'query',
      required: required.includes(name),
      ...(description !== undefined && { description }),
      schema: rest,
    };
  });
}

/** References between schemas point into the document's components. */
function relocate(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relocate);
  if (typeof value !== 'object' || value === null) return value;
  // `id` names a schema; below `properties` it is a property like any other.
  const entries = Object.entries(value).filter(([key]) => key !== 'id');
  return Object.fromEntries(entries.map(([key, inner]) => [key, relocateKeyword(key, inner)]));
}

function relocateKeyword(key: string, value: unknown): unknown {
  if (key === '$ref' && typeof value === 'string') return value.replace('#/$defs/', '#/components/schemas/');
  if (key !== 'properties') return relocate(value);
  return Object.fromEntries(Object.entries(value as Json).map(([name, property]) => [name, relocate(property)]));
}
