/**
 * The shapes of /api/v1: what is sent and answered. The same schemas check every request and every answer and make the
 * OpenAPI document; the web app imports their types from here.
 *
 * Conventions: times in milliseconds since 1970 end in `Ms`, sizes are bytes, paths are logical (no group, no leading
 * slash), a `cursor` is opaque.
 */
import { z } from 'zod';

const path = z.string().max(4096);
const time = z.number();
const count = z.number().int().nonnegative();
const yes = z.enum(['true', 'false']).transform((text) => text === 'true');

export const packing = z
  .object({
    finished: z.boolean(),
    checked: count.describe('small files looked at'),
    packed: count.describe('files that now are in packs'),
    skipped: count.describe('files whose bytes are not what was stored'),
  })
  .meta({ id: 'Packing' });

export const compaction = z
  .object({
    segments: count.describe('segments rewritten and removed'),
    moved: count.describe('contents moved'),
    freed: count.describe('bytes of the removed segments'),
  })
  .meta({ id: 'Compaction' });

export const fileEntry = z
  .object({
    kind: z.literal('file'),
    name: z.string().describe('last segment of the path'),
    path,
    size: count,
    mtimeMs: time,
    sha256: z.string(),
    mediaType: z.string().describe('by the extension of the name'),
  })
  .meta({ id: 'FileEntry' });

export const folderEntry = z
  .object({
    kind: z.literal('folder'),
    name: z.string(),
    path,
    entries: count.describe('direct entries'),
    mtimeMs: time,
  })
  .meta({ id: 'FolderEntry' });

export const entry = z.discriminatedUnion('kind', [fileEntry, folderEntry]).meta({ id: 'Entry' });

export const fileDetails = z
  .object({
    path,
    name: z.string().describe('name that the uploader gave'),
    size: count,
    mtimeMs: time,
    storedMs: time,
    scene: z.string(),
    mediaType: z.string().describe('by the extension of the name'),
    sha256: z.string(),
    md5: z.string().optional(),
    sha1: z.string().optional(),
    origin: z.string().describe('id of the node that stored it'),
    here: z.boolean().describe('its bytes are on this node'),
    conflictOf: path.optional().describe('path that this is a conflicting version of'),
    replicas: z
      .object({
        held: count,
        wanted: count,
        code: z.literal('REPLICAS_PENDING').optional(),
        message: z.string().optional(),
      })
      .optional()
      .describe('members that hold verified bytes, where an upload asked for several; with 202 fewer than wanted'),
    existed: z.boolean().optional().describe('of an upload: the very content stood there already'),
  })
  .meta({ id: 'FileDetails' });

export const holdersQuery = z.object({
  path: z.union([path, z.array(path).max(200)]).transform((one) => [one].flat()),
});
export const holders = z
  .object({
    members: count.describe('of the cluster, this node included'),
    files: z.array(
      z.object({
        path,
        sha256: z.string(),
        holders: z.array(z.string()).describe('ids of members that say now that they hold verified bytes'),
      }),
    ),
  })
  .meta({ id: 'Holders' });

export const folderQuery = z.object({
  folder: path.default(''),
  cursor: z.string().max(8192).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
});

export const folderView = z
  .object({
    folder: path,
    total: count.describe('rows of the whole view'),
    bytes: z.number().optional().describe('of all files in the view, once all of it has been read'),
    offset: count,
    entries: z.array(entry),
  })
  .meta({ id: 'FolderView' });

export const folderPage = z
  .object({
    folder: path,
    entries: z.array(entry),
    cursor: z.string().optional().describe('the next page begins here'),
  })
  .meta({ id: 'FolderPage' });

export const pathQuery = z.object({ path });
export const contentQuery = z.object({
  path,
  download: z.enum(['0', '1']).optional().describe('1: as an attachment'),
  name: z.string().max(1024).optional().describe('file name for the receiver'),
});
export const thumbnailQuery = z.object({
  path,
  pixels: z.coerce
    .number()
    .pipe(z.union([z.literal(64), z.literal(128), z.literal(256), z.literal(512), z.literal(1024)]))
    .default(256)
    .describe('side of the square that it fits in'),
});
export const putQuery = z.object({
  path,
  replace: yes.default(false).describe('replaces a file at the path'),
  numbered: yes.default(false).describe('where something stands at the path: stores it as `name (1)`'),
  mtimeMs: z.coerce.number().min(0).max(8.64e15).optional(),
  minReplicas: z.string().max(3).optional().describe('answers when so many members hold it, 1 to 64; see min_replicas'),
});
export const removeQuery = z.object({
  path,
  recursive: yes.default(false).describe('removes a folder with its contents'),
});
export const moveBody = z.object({ from: path, to: path, replace: z.boolean().default(false) }).meta({ id: 'Move' });
export const folderBody = z.object({ path }).meta({ id: 'NewFolder' });
export const zipQuery = z.object({
  path: z
    .preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(path).min(1).max(1000).optional())
    .describe('one or several; or `ticket`'),
  ticket: z.string().max(64).optional().describe('of a selection that is too long for an address'),
  name: z.string().max(200).optional(),
});

export const changed = z
  .object({
    done: count.describe('files changed'),
    folders: count.optional().describe('of an undo: folders made again'),
    failed: count.describe('files that stayed because their new place is taken'),
    finished: z.boolean().describe('false: the rest goes on after the next start'),
    atMs: time.optional().describe('of a removal: with it the removal can be undone'),
  })
  .meta({ id: 'Changed' });

export const searchQuery = z.object({
  q: z.string().min(1).max(200),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});
export const searchResult = z.object({ files: z.array(fileDetails) }).meta({ id: 'SearchResult' });

export const trashEntry = z
  .object({
    id: z.string(),
    path: path.describe('where it was'),
    name: z.string(),
    size: count,
    sha256: z.string(),
    reason: z.enum(['deleted', 'replaced', 'damaged']),
    by: z.string().describe('who did it'),
    trashedMs: time,
  })
  .meta({ id: 'TrashEntry' });
export const trashQuery = z.object({
  cursor: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
});
export const trashPage = z
  .object({ entries: z.array(trashEntry).describe('newest first'), cursor: z.string().optional() })
  .meta({ id: 'TrashPage' });
export const restoreBody = z
  .object({
    id: z.string(),
    path: path.optional().describe('where to, if not where it was'),
    replace: z.boolean().default(false),
  })
  .meta({ id: 'Restore' });
export const discardQuery = z.object({ id: z.string().optional().describe('one entry; without it everything') });

export const upload = z
  .object({
    id: z.string(),
    kind: z.enum(['form', 'tus', 'put']),
    name: z.string(),
    received: count,
    total: count.optional(),
    startedMs: time,
  })
  .meta({ id: 'Upload' });
export const uploads = z.object({ uploads: z.array(upload) }).meta({ id: 'Uploads' });

export const statistics = z
  .object({
    total: z.object({ files: z.number(), bytes: z.number() }),
    days: z.array(z.object({ day: z.string().describe('YYYYMMDD'), files: z.number(), bytes: z.number() })),
  })
  .meta({ id: 'Statistics' });

export const health = z
  .object({
    ready: z.boolean(),
    reasons: z.array(z.string()),
    version: z.string(),
    nodeId: z.string(),
    name: z.string(),
    uptimeSeconds: z.number(),
    files: z.number(),
    bytes: z.number(),
    disk: z.object({ total: z.number(), free: z.number(), floor: z.number() }),
    memory: z.object({ rss: z.number() }),
    dataFolder: z.string().describe('on the host of the node'),
  })
  .meta({ id: 'Health' });

export const setting = z
  .object({
    key: z.string(),
    group: z.string(),
    kind: z.string(),
    value: z.unknown().describe('secrets as ***'),
    default: z.unknown(),
    source: z.string().describe('flag, env, file or default'),
    choices: z.array(z.string()).optional(),
    min: z.number().optional(),
    max: z.number().optional(),
    secret: z.boolean(),
    expert: z.boolean(),
    applies: z.enum(['at-once', 'after-restart']),
    explanation: z.string(),
  })
  .meta({ id: 'Setting' });
export const settings = z.object({ settings: z.array(setting) }).meta({ id: 'Settings' });
export const settingsBody = z.object({ changes: z.record(z.string(), z.unknown()) }).meta({ id: 'SettingsChange' });
export const settingsChanged = z
  .object({ applied: z.array(z.string()), afterRestart: z.array(z.string()) })
  .meta({ id: 'SettingsChanged' });

export const logQuery = z.object({
  limit: z.coerce.number().int().min(1).max(2000).default(200),
  level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('this level and above'),
});
export const logLines = z
  .object({ lines: z.array(z.record(z.string(), z.unknown())).describe('newest first') })
  .meta({ id: 'LogLines' });

export const alarm = z
  .object({
    id: z.string(),
    kind: z.string(),
    subject: z.string(),
    title: z.string().describe('in the language of the request'),
    text: z.string(),
    openedMs: time,
    closedMs: time.optional(),
    acknowledgedMs: time.optional(),
    acknowledgedBy: z.string().optional(),
  })
  .meta({ id: 'Alarm' });
export const alarmQuery = z.object({ limit: z.coerce.number().int().min(1).max(500).default(50) });
export const alarms = z
  .object({
    alarms: z.array(alarm).describe('open ones first, newest first'),
    waiting: count.describe('messages that could not be delivered yet'),
  })
  .meta({ id: 'Alarms' });
export const acknowledgeBody = z.object({ id: z.string() }).meta({ id: 'Acknowledge' });
export const alarmTest = z
  .object({
    results: z.array(
      z.object({
        channel: z.enum(['mail', 'url']),
        delivered: z.boolean(),
        code: z.string().optional(),
        message: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'AlarmTest' });

export const retentionState = z
  .object({
    ranMs: time.optional().describe('last run to its end'),
    removed: count.describe('files removed so far'),
    waiting: z
      .object({ files: count, bytes: z.number(), sinceMs: time })
      .optional()
      .describe('it would remove so many that it waits for somebody to confirm'),
  })
  .meta({ id: 'RetentionState' });
export const retentionBody = z
  .object({
    folder: path.optional().describe('files below this folder; empty: all'),
    scene: z.string().min(1).max(200).optional().describe('files of this scene'),
    days: z.number().int().min(1).max(36_500).describe('older files go to the trash'),
  })
  .meta({ id: 'NewRetentionRule' });
export const retentionRule = z
  .object({
    id: z.string(),
    folder: path.optional(),
    scene: z.string().optional(),
    days: count,
    createdMs: time,
    by: z.string(),
    state: retentionState,
  })
  .meta({ id: 'RetentionRule' });
export const retention = z
  .object({
    rules: z.array(retentionRule),
    clockLeadMs: z.number().describe('how far the clock has jumped ahead of what deletions by age trust'),
  })
  .meta({ id: 'Retention' });
export const retentionQuery = z.object({ id: z.string() });
export const retentionPreview = z
  .object({
    files: count,
    bytes: z.number(),
    examples: z.array(fileDetails).describe('up to 100'),
    needsConfirmation: z.boolean(),
  })
  .meta({ id: 'RetentionPreview' });
export const retentionRun = z
  .object({ id: z.string(), confirmed: count.optional().describe('files that were shown and may go') })
  .meta({ id: 'RetentionRun' });

export * from './browse-contract.ts';
export * from './moving-in-contract.ts';

export const nothing = z.object({}).meta({ id: 'Nothing' });

export const failure = z
  .object({
    status: z.literal('fail'),
    message: z.string(),
    data: z.null(),
    code: z.string().describe('see docs/errors.md'),
    hint: z.string().optional(),
  })
  .meta({ id: 'Failure' });

export type Entry = z.infer<typeof entry>;
export type FileDetails = z.infer<typeof fileDetails>;
export type FolderPage = z.infer<typeof folderPage>;
export type Setting = z.infer<typeof setting>;
export type Health = z.infer<typeof health>;
