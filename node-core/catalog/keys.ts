/**
 * Every key of the catalogue is built and taken apart here.
 *
 * Keys are UTF-8 strings: a letter for the table, then parts separated by NUL. Paths and names contain no NUL
 * (domain/paths.ts), so parts never run into each other and LevelDB's byte order sorts by part.
 *
 * | table | key | value |
 * |---|---|---|
 * | meta | `m name` | format, store id, hybrid clock, ... |
 * | record | `r path` | replicated part (canonical JSON of PathRecord) |
 * | local | `l path dot` | where the bytes of a version stand here: LocalBytes |
 * | alias | `n path` | conflict name -> record path and dot |
 * | entry | `t folder d|f name` | what a folder shows: FolderEntry |
 * | digest | `d algorithm hex path` | nothing; visible path with that content |
 * | gram | `g gram path` | another name of the file, or nothing; a name of it holds the two characters (search-index.ts) |
 * | place | `c sha256 place` | nothing; a place here that holds the content |
 * | link source | `b sha256` | the place that new equal contents are linked to: LinkSource |
 * | frame | `f sha256` | PackedContent: the frame that holds a packed content, and how many uses it has |
 * | blocks | `k sha256` | block list of contents longer than one block, base64 |
 * | feed | `a arrival` | path whose record changed then |
 * | arrival | `p path` | its arrival number |
 * | vector | `v source` | highest number seen of a source |
 * | day | `s day` | DayStatistics; `s all` is the sum |
 * | intent | `i id` | what must be finished after a crash: Intent |
 * | trash | `x id` | TrashEntry |
 * | upload | `u id` | ResumableUpload: what a tus upload is, and where it went |
 * | job | `j id` | FolderJob: a long change that goes on after a restart |
 * | access | `w admin`, `h hash`, `o id`, `q id`, `z id`, `e id`, `y id` | see access-values.ts |
 * | leaf | `L bucket path` | digest of a live record (tree.ts) |
 * | bucket | `T bucket` | sum of its leaves |
 * | removal | `Z path` | nothing; the record of the path is a removal |
 * | replication | `N id`, `W sha256`, `H path`, `G arrival`, `K floor`, `U path`, `V cuts` | see replication-values.ts |
 * | alarms | `A id`, `B id` | see alarm-values.ts |
 * | retention | `C id`, `D id`, `E trusted` | see retention-values.ts |
 * | scrub | `S state` | see scrub-values.ts |
 * | policy | `F cluster` | see shared-values.ts |
 * | members | `M id`, `Q self`, `I id`, `P id` | see member-values.ts |
 */

const sep = '\0';
/** The byte after the separator: `prefix + NUL + anything` sorts before `prefix + next`. */
const next = '\u0001';

/** A half-open range of keys, for iterators. */
export interface KeyRange {
  readonly gt: string;
  readonly lt: string;
}

function below(...parts: string[]): KeyRange {
  const prefix = parts.join(sep);
  return { gt: prefix + sep, lt: prefix + next };
}

const arrivalDigits = 14;

/** An arrival number as it stands in keys: text that sorts as the numbers do. */
export function arrivalText(arrival: number): string {
  return arrival.toString(16).padStart(arrivalDigits, '0');
}

/** A file and a folder of one name may stand side by side; folders come first. */
export type EntryKind = 'dir' | 'file';

const entryLetter = { dir: 'd', file: 'f' } as const;

export const keys = {
  meta: (name: 'format' | 'store' | 'clock' | 'arrival') => `m${sep}${name}`,
  record: (path: string) => `r${sep}${path}`,
  records: () => below('r'),
  local: (path: string, dot: string) => `l${sep}${path}${sep}${dot}`,
  alias: (path: string) => `n${sep}${path}`,
  /** Every conflict name, behind another one. */
  aliasesAfter: (path: string): KeyRange => ({ gt: path === '' ? `n${sep}` : `n${sep}${path}`, lt: `n${next}` }),
  entry: (folder: string, kind: EntryKind, name: string) => `t${sep}${folder}${sep}${entryLetter[kind]}${sep}${name}`,
  entries: (folder: string) => below('t', folder),
  allEntries: () => below('t'),
  /** The path that an entry key stands for. */
  pathOfEntry: (key: string): string => {
    const [, folder = '', , name = ''] = key.split(sep);
    return folder === '' ? name : `${folder}/${name}`;
  },
  entriesAfter: (folder: string, kind: EntryKind, name: string): KeyRange => ({
    gt: `t${sep}${folder}${sep}${entryLetter[kind]}${sep}${name}`,
    lt: `t${sep}${folder}${next}`,
  }),
  digest: (algorithm: string, hex: string, path: string) => `d${sep}${algorithm}${sep}${hex}${sep}${path}`,
  digests: (algorithm: string, hex: string) => below('d', algorithm, hex),
  gram: (gram: string, path: string) => `g${sep}${gram}${sep}${path}`,
  grams: (gram: string) => below('g', gram),
  /** Every gram that begins with a character: grams are two characters, or one and the end mark. */
  gramsFrom: (character: string): KeyRange => ({ gt: `g${sep}${character}`, lt: `g${sep}${character}\u{10ffff}` }),
  place: (sha256: string, place: string) => `c${sep}${sha256}${sep}${place}`,
  places: (sha256: string) => below('c', sha256),
  allPlaces: () => below('c'),
  linkSource: (sha256: string) => `b${sep}${sha256}`,
  frame: (sha256: string) => `f${sep}${sha256}`,
  frames: () => below('f'),
  blocks: (sha256: string) => `k${sep}${sha256}`,
  feed: (arrival: number) => `a${sep}${arrivalText(arrival)}`,
  feedAfter: (arrival: number): KeyRange => ({
    gt: `a${sep}${arrivalText(arrival)}`,
    lt: `a${next}`,
  }),
  arrival: (path: string) => `p${sep}${path}`,
  vector: (source: string) => `v${sep}${source}`,
  vectors: () => below('v'),
  day: (day: string) => `s${sep}${day}`,
  days: () => below('s'),
  intent: (id: string) => `i${sep}${id}`,
  intents: () => below('i'),
  trash: (id: string) => `x${sep}${id}`,
  trashes: () => below('x'),
  upload: (id: string) => `u${sep}${id}`,
  uploads: () => below('u'),
  job: (id: string) => `j${sep}${id}`,
  jobs: () => below('j'),
  /** A live record's digest in the hash tree. */
  leaf: (bucket: string, path: string) => `L${sep}${bucket}${sep}${path}`,
  leaves: (bucket: string) => below('L', bucket),
  allLeaves: () => below('L'),
  /** The sum of a bucket's leaves. */
  bucket: (bucket: string) => `T${sep}${bucket}`,
  buckets: () => below('T'),
  /** A record that is a removal. */
  removed: (path: string) => `Z${sep}${path}`,
  removals: () => below('Z'),
  /** A row of a table whose values are read and written whole. */
  row: (letter: string, id: string) => `${letter}${sep}${id}`,
  rows: (letter: string) => below(letter),
} as const;

/** The last part of a key. */
export function lastPart(key: string): string {
  return key.slice(key.lastIndexOf(sep) + 1);
}

/** The arrival number of a feed key. */
export function arrivalOf(feedKey: string): number {
  return Number.parseInt(lastPart(feedKey), 16);
}
