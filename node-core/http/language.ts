import type { IncomingMessage } from 'node:http';
import type { Language } from '../domain/errors.ts';

/** The language a caller reads best, by Accept-Language (RFC 9110, 12.5.4); English when it names neither of ours. */
export function languageOf(request: IncomingMessage): Language {
  const header = request.headers['accept-language'];
  if (header === undefined) return 'en';
  let best: Language = 'en';
  let bestQuality = 0;
  for (const part of header.slice(0, 512).split(',')) {
    const [tag = '', ...parameters] = part.trim().toLowerCase().split(';');
    const weight = parameters.map((text) => text.trim()).find((text) => text.startsWith('q='));
    const quality = weight === undefined ? 1 : Number(weight.slice(2));
    const language = tag.startsWith('zh') ? 'zh' : tag.startsWith('en') ? 'en' : undefined;
    if (language !== undefined && quality > bestQuality) {
      best = language;
      bestQuality = quality;
    }
  }
  return best;
}
