/** The picture of a kind of file. */
import {
  IconFile,
  IconFileMusic,
  IconFileText,
  IconFileTypePdf,
  IconFileZip,
  IconFolderFilled,
  IconMovie,
  IconPhoto,
} from '@tabler/icons-react';

/** What a file is, for its picture and its preview. */
export type Look = 'folder' | 'image' | 'video' | 'audio' | 'pdf' | 'text' | 'archive' | 'other';

/** What a media type is. */
export function lookOf(mediaType: string): Look {
  const main = mediaType.split('/')[0];
  if (main === 'image' || main === 'video' || main === 'audio' || main === 'text') return main;
  if (mediaType === 'application/pdf') return 'pdf';
  if (/json|xml|javascript|x-sh|yaml|toml|sql/.test(mediaType)) return 'text';
  if (/zip|tar|compressed|rar|7z|gzip/.test(mediaType)) return 'archive';
  return 'other';
}

const icons = {
  folder: IconFolderFilled,
  image: IconPhoto,
  video: IconMovie,
  audio: IconFileMusic,
  pdf: IconFileTypePdf,
  text: IconFileText,
  archive: IconFileZip,
  other: IconFile,
} as const;

/** The picture. @param size in pixels. */
export function FileIcon({ look, size = 22 }: { readonly look: Look; readonly size?: number }) {
  const Icon = icons[look];
  return <Icon size={size} stroke={1.5} className={`file-icon file-icon-${look}`} aria-hidden />;
}
