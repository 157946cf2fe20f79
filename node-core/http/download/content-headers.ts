import contentDisposition from 'content-disposition';
import mime from 'mime-types';

/** How a content is presented to a browser. */
export interface Presentation {
  readonly contentType: string;
  /** Content-Disposition (RFC 6266), if any. */
  readonly disposition?: string;
  /** Content-Security-Policy, where the content could run something. */
  readonly policy?: string;
}

/** Documents that are shown as they are: they cannot run a script in the node's origin. */
const passive = /^(image\/(?!svg)|audio\/|video\/|font\/|text\/plain|application\/pdf$|application\/octet-stream$)/;

/** Scripts and styles are shown as text, so that no page of the node's origin can be made to load them. */
const active = /^(text\/(javascript|ecmascript|css)|application\/(javascript|ecmascript|x-javascript|wasm))/;

/** Everything else a browser may render (HTML, SVG, XML ...) stands in a sandbox of no origin, without scripts. */
const sandbox = "sandbox; default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'";

/** Media type by the extension of a path. */
export function mediaTypeOf(path: string): string {
  return mime.lookup(path) || 'application/octet-stream';
}

/** Presents a content as a download. @param name file name for the receiver. */
export function asDownload(name: string): Presentation {
  return { contentType: 'application/octet-stream', disposition: attachment(name) };
}

/** Presents a content inside the browser, by the extension of its path, so that a stranger's file is only ever shown. */
export function asInline(path: string): Presentation {
  const type = mediaTypeOf(path);
  const contentType = active.test(type) ? 'text/plain; charset=utf-8' : mime.contentType(type) || type;
  return passive.test(contentType) ? { contentType } : { contentType, policy: sandbox };
}

/** `attachment` with an ASCII fallback and `filename*`; control characters cannot stand in a header and are replaced. */
export function attachment(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that must not reach a header.
  return contentDisposition(name.replace(/[\u0000-\u001f\u007f]/g, '_') || 'download');
}
