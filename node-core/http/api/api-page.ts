/** Words the OpenAPI document as a page of the documentation (docs/reference/api.md): a test keeps the file equal to this. */

/** The part of OpenAPI 3.1 that the page shows. */
export interface ApiDocument {
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

interface ApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security?: readonly object[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly required: boolean;
    readonly description?: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly additionalProperties?: Schema | boolean;
}

/** @param document as `/api/v1/openapi.json` answers it. */
export function renderApiPage(document: ApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
  );
  const sections = document.tags.map(({ name }) => {
    const own = operations.filter(({ tags }) => tags.includes(name)).map(renderOperation);
    return `## ${name}\n\n${own.join('\n')}`;
  });
  const schemas = Object.entries(document.components.schemas)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => `### ${name}\n\n${description(schema)}${fieldTable(schema)}`);
  return `# API

The operations of one node below \`/api/v1\`. Made from the document that every node serves at \`/api/v1/openapi.json\`
(OpenAPI 3.1), whose schemas are those that check requests. Unless an operation says *open*, it takes a session (\`POST /login\`), the
header \`Authorization: Bearer KEY\` (\`admin_key\`), or a caller on the host itself or from \`admin_ips\`. Errors have the shape that
[Error codes](../errors.md) describes. \`?\` marks what may be missing.

${sections.join('\n')}
## Shapes

${schemas.join('\n')}`;
}

function renderOperation(operation: ApiOperation & { readonly path: string; readonly method: string }): string {
  const { method, path, summary, security, parameters = [], requestBody, responses } = operation;
  const open = security?.some((one) => Object.keys(one).length === 0) === true ? ' *open*' : '';
  const rows = parameters.map(
    ({ name, required, description: said, schema }) =>
      `| \`${name}${required ? '' : '?'}\` | ${cell(typeText(schema))} | ${cell(said ?? '')} |`,
  );
  const parameterTable = rows.length > 0 ? `| query | type | meaning |\n|---|---|---|\n${rows.join('\n')}\n\n` : '';
  const sent = requestBody ? `Sent: ${contentText(requestBody.content)}\n\n` : '';
  const answered = `Answered: ${contentText(responses['200']?.content ?? {})}\n`;
  return `### ${method.toUpperCase()} ${path}\n\n${sentence(summary)}${open}\n\n${parameterTable}${sent}${answered}`;
}

function contentText(content: Content): string {
  const parts = Object.entries(content).map(([media, { schema }]) => (schema ? `${inline(schema)}` : `\`${media}\``));
  return parts.length > 0 ? parts.join(', ') : 'nothing';
}

/** A shape in a line; named ones are links to their section. */
function inline(schema: Schema): string {
  const name = refName(schema);
  if (name !== undefined) return `[${name}](#${name.toLowerCase()})`;
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0) return `\`${typeText(schema)}\``;
  const required = new Set(schema.required);
  return `\`{ ${fields.map(([key, value]) => `${key}${required.has(key) ? '' : '?'}: ${typeText(value)}`).join(', ')} }\``;
}

function fieldTable(schema: Schema): string {
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0) return `\`${typeText(schema)}\`\n`;
  const required = new Set(schema.required);
  const rows = fields.map(
    ([key, value]) =>
      `| \`${key}${required.has(key) ? '' : '?'}\` | ${cell(typeText(value))} | ${cell(value.description ?? '')} |`,
  );
  return `| field | type | meaning |\n|---|---|---|\n${rows.join('\n')}\n`;
}

function typeText(schema: Schema): string {
  const name = refName(schema);
  if (name !== undefined) return name;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return [...new Set(either.map(typeText))].join(' | ');
  if (schema.type === 'array') return `${schema.items ? wrapped(typeText(schema.items)) : 'any'}[]`;
  const fields = Object.entries(schema.properties ?? {});
  const required = new Set(schema.required);
  if (fields.length > 0)
    return `{ ${fields.map(([key, value]) => `${key}${required.has(key) ? '' : '?'}: ${typeText(value)}`).join(', ')} }`;
  if (typeof schema.additionalProperties === 'object') return `{ [name]: ${typeText(schema.additionalProperties)} }`;
  return Array.isArray(schema.type) ? schema.type.join(' | ') : String(schema.type ?? 'any');
}

function wrapped(text: string): string {
  return text.includes(' | ') ? `(${text})` : text;
}

function refName({ $ref }: Schema): string | undefined {
  return $ref?.slice($ref.lastIndexOf('/') + 1);
}

function description(schema: Schema): string {
  return schema.description === undefined ? '' : `${sentence(schema.description)}\n\n`;
}

function sentence(text: string): string {
  return escaped(text.endsWith('.') ? text : `${text}.`);
}

/** What a table's cell may hold. Types are set as code. */
function cell(text: string): string {
  if (text === '') return '';
  return text.includes(' ') && !/[{|[]/.test(text) ? escaped(text) : `\`${text.replaceAll('|', '\\|')}\``;
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('{', '&#123;');
}
