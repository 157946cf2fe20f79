import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { type Logger, pino } from 'pino';
import pinoRoll from 'pino-roll';

export type { Logger };

/** Where and how much is logged. */
export interface LogOptions {
  /** Absolute path of the log folder; made when missing. */
  readonly folder: string;
  /** Beginning of the file names: `<name>.<n>.log`. */
  readonly name: 'shoal' | 'audit';
  readonly level: string;
  /** Size at which a new file is begun, in MiB. */
  readonly maxMegabytes: number;
  /** Files kept beside the one being written. */
  readonly files: number;
}

/** An open log. */
export interface Log {
  readonly logger: Logger;
  /** Writes one line of a request into the same file. The caller escapes; nothing is redacted, so it holds no query. */
  readonly writeLine: (line: string) => void;
  /** Writes out what is buffered and closes the file. */
  close(): Promise<void>;
}

/** Log fields that may hold secrets; what they contain never reaches the file. */
const secretFields = ['password', 'admin_key', 'token', 'code', 'secret', 'auth_token', 'authorization', 'cookie'];

/** Opens a rotating log: JSON lines, one event each. Lines of the audit log are in the file when the call returns. */
export async function openLog(options: LogOptions): Promise<Log> {
  await mkdir(options.folder, { recursive: true });
  const stream = await pinoRoll({
    file: path.join(options.folder, options.name),
    extension: '.log',
    size: `${options.maxMegabytes}m`,
    limit: { count: options.files, removeOtherLogFiles: true },
    mkdir: true,
    // Lines are gathered and written behind the requests; flushed at close and every second.
    ...(options.name === 'audit' ? { sync: true } : { sync: false, minLength: 4096, periodicFlush: 1000 }),
  });
  // A full disk must not end the node because of its log.
  stream.on('error', () => undefined);
  let closed = false;
  // What still runs while the node ends may have something to say when nobody writes any more: it must not fail for that.
  const destination = {
    write: (line: string) => {
      if (!closed) stream.write(line);
    },
  };
  const logger = pino(
    {
      level: options.level,
      base: null,
      redact: { paths: [...secretFields, ...secretFields.map((field) => `*.${field}`)], censor: '***' },
    },
    destination,
  );
  // The lines of one turn of the event loop go to the file together: each write costs as much as several lines.
  let gathered = '';
  const writeGathered = () => {
    const lines = gathered;
    gathered = '';
    if (lines !== '') stream.write(lines);
  };
  return {
    logger,
    writeLine: (line) => {
      // A connection that was cut ends after everything else.
      if (closed) return;
      if (gathered === '') setImmediate(writeGathered);
      gathered += line;
    },
    close: () =>
      new Promise((resolve) => {
        writeGathered();
        closed = true;
        stream.once('close', () => resolve());
        stream.once('error', () => resolve());
        stream.end();
      }),
  };
}
