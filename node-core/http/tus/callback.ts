/** `callback_url` of a resumable upload: told when the file is stored. Only hosts that the operator named are called. */
import type { CataloguedFile } from '../../catalog/catalog.ts';
import { ShoalError } from '../../domain/errors.ts';
import { post } from '../../runtime/outgoing.ts';
import { fileInfo } from '../compat/answers.ts';
import type { HttpServices } from '../services.ts';

/** How often a callback is tried, and how long one try may take in milliseconds. */
const tries = 3;
const timeoutMs = 10_000;

/** @throws ShoalError CALLBACK_REFUSED for a URL that is none, or whose host is not on the list. */
export function checkCallback(text: string, hosts: readonly string[]): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const host = url?.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase() ?? '';
  const fits = url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && hosts.includes(host);
  if (!fits) throw new ShoalError('CALLBACK_REFUSED', { details: { host: host || text.slice(0, 100) } });
  return url;
}

/** Posts `id` and `info` (the file record) behind the answer; failures are logged. Redirects are not followed. */
export function notifyCallback(
  services: HttpServices,
  text: string,
  id: string,
  file: CataloguedFile,
  self: string,
): void {
  const send = async () => {
    // The list may have changed since the upload began.
    const url = checkCallback(text, services.config().callback_hosts);
    const form = new URLSearchParams({ id, info: JSON.stringify(fileInfo(file, self)) });
    for (let attempt = 1; ; attempt += 1) {
      try {
        const privateAllowed = services.config().callback_private_addresses;
        await post({ url: url.href, body: form, timeoutMs, trust: 'stranger', privateAllowed });
        return;
      } catch (error) {
        if (attempt === tries) throw error;
        await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt).unref());
      }
    }
  };
  send().catch((error: unknown) =>
    services.logger.warn({ err: error, upload: id }, 'the callback could not be delivered'),
  );
}
