import { useState } from 'react';
import { apiUrl } from '../../api/http.ts';
import type { Entry } from '../../api/types.ts';
import { FileIcon, lookOf } from '../../components/file-icon.tsx';

/** Images of which the node makes small ones. */
const scaled = /^image\/(jpeg|png|webp|gif|avif|tiff|svg\+xml)$/;

/** What an entry looks like: a small picture of an image, else the sign of its kind. */
export function EntryPicture({ entry, size }: { readonly entry: Entry; readonly size: 'row' | 'tile' }) {
  const [failed, setFailed] = useState(false);
  const pixels = size === 'row' ? 64 : 256;
  if (entry.kind === 'file' && scaled.test(entry.mediaType) && !failed) {
    return (
      <img
        className={size === 'row' ? 'thumb' : undefined}
        // The digest makes the address another one when the content changes.
        src={apiUrl('/files/thumbnail', { path: entry.path, pixels, v: entry.sha256.slice(0, 12) })}
        alt=""
        loading="lazy"
        decoding="async"
        draggable={false}
        onError={() => setFailed(true)}
      />
    );
  }
  const look = entry.kind === 'folder' ? 'folder' : lookOf(entry.mediaType);
  if (size === 'tile') return <FileIcon look={look} size={56} />;
  return (
    <span className="icon-box">
      <FileIcon look={look} size={24} />
    </span>
  );
}
