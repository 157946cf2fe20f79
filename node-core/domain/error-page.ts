/** Words the registry of errors as a page of the documentation. */
import { type ErrorDefinition, errorDefinitions } from './errors.ts';

/** docs/errors.md; a test keeps the file equal to this. */
export function renderErrorPage(): string {
  const rows = Object.entries<ErrorDefinition>(errorDefinitions).map(([code, { status, en, zh, hint }]) => {
    const cells = [`\`${code}\``, status, withHint(en, hint?.en), withHint(zh, hint?.zh)];
    return `| ${cells.join(' | ')} |`;
  });
  return `# Error codes

Generated from \`node-core/domain/errors.ts\`. Codes are stable: rely on them, not on the words. An error is answered as
\`{"status":"fail","message":"...","data":null,"code":"..."}\` with the HTTP status below; the language follows
\`Accept-Language\`. Words in braces are filled in.

| code | status | meaning | 含义 |
|---|---|---|---|
${rows.join('\n')}
`;
}

function withHint(text: string, hint: string | undefined): string {
  // What stands in angle brackets is for the reader to fill in, and no element of HTML.
  const words = hint === undefined ? text : `${text}. *${hint}*`;
  return words.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
