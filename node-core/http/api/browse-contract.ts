/** The shapes of /api/v1 for those who look at files in a window: views, uploads of the app, undo. */
import { z } from 'zod';

const count = z.number().int().nonnegative();
const path = z.string().max(4096);

/** What files are, as people tell them apart. */
export const fileTypes = ['image', 'video', 'audio', 'text', 'document', 'archive', 'other'] as const;

export const viewQuery = z.object({
  folder: path.default(''),
  sort: z.enum(['name', 'size', 'time', 'type']).default('name'),
  order: z.enum(['up', 'down']).default('up'),
  type: z
    .enum(['folder', ...fileTypes])
    .optional()
    .describe('only rows of this type'),
  offset: z.coerce.number().int().min(0).max(100_000_000).default(0),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
});

export const knownBody = z
  .object({
    path,
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    size: count,
    mtimeMs: z.number().min(0).max(8.64e15).optional(),
    occupied: z.enum(['refuse', 'replace', 'number']).default('refuse').describe('number: `name (1)` beside it'),
  })
  .meta({ id: 'KnownContent' });

export const zipSelection = z.object({ paths: z.array(path).min(1).max(20_000) }).meta({ id: 'ZipSelection' });
export const zipTicket = z
  .object({ ticket: z.string().describe('for one GET /zip within a minute') })
  .meta({ id: 'ZipTicket' });

export const undoBody = z
  .object({
    paths: z.array(path).min(1).max(1000).describe('what was removed: files, or folders with all below them'),
    sinceMs: z.number().describe('`atMs` of the removal'),
  })
  .meta({ id: 'UndoRemoval' });

export const uploadForm = z
  .object({
    enabled: z.boolean().describe('enable_web_upload'),
    allowed: z.boolean().describe('the caller may upload, as far as the policy goes'),
    action: z.string().describe('where forms go, from the root of the node'),
    resumable: z.string().optional().describe('where tus uploads begin, from the root of the node'),
    defaultScene: z.string(),
    scenes: z.array(z.string()),
    customPath: z.boolean(),
    codes: z.boolean().describe('scenes ask for one-time codes'),
    externalAuth: z.boolean().describe('a service outside is asked, which may want an auth_token'),
    listing: z.string().optional().describe('where the listing of files stands, if it is open'),
  })
  .meta({ id: 'UploadForm' });
