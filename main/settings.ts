/** What the desktop app remembers between starts: a small file of its own beside the profile, not the node's configuration. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const port = z.number().int().min(1).max(65_535);

const shape = z.object({
  /** Picked once and kept: links contain them. */
  httpPort: port.optional(),
  peerPort: port.optional(),
  /** Absolute path; without it the profile's own folder. */
  dataDir: z.string().optional(),
  window: z
    .object({
      x: z.number().int(),
      y: z.number().int(),
      width: z.number().int().min(400),
      height: z.number().int().min(300),
      maximized: z.boolean(),
    })
    .optional(),
  theme: z.enum(['system', 'light', 'dark']).default('system'),
  language: z.enum(['en', 'zh-CN']).optional(),
  /** The user has been told that the node goes on when the window is closed. */
  toldOfTray: z.boolean().default(false),
  /** A link to what was uploaded goes to the clipboard. */
  linkAfterUpload: z.boolean().default(true),
  /** Where updates are looked for; empty: nowhere. */
  updateFeed: z.string().default(''),
});

/** The settings. */
export type DesktopSettings = z.infer<typeof shape>;

/** Keeps the settings in a file, and writes each change at once. */
export class SettingsFile {
  readonly #file: string;
  #current: DesktopSettings;
  /** There was no file: this profile is started for the first time. */
  readonly fresh: boolean;

  /** @param folder the app's profile; made when missing. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#file = path.join(folder, 'desktop.json');
    const text = readText(this.#file);
    this.fresh = text === undefined;
    this.#current = parse(text);
    // A file that cannot be read is kept for whoever wants to look at it; the app starts without it.
    if (text !== undefined && !isJson(text)) renameSync(this.#file, `${this.#file}.unreadable`);
  }

  get current(): Readonly<DesktopSettings> {
    return this.#current;
  }

  /** Changes some of them. Either the whole new file stands there afterwards or the old one. */
  change(changes: Partial<DesktopSettings>): void {
    this.#current = { ...this.#current, ...changes };
    const temporary = `${this.#file}.new`;
    writeFileSync(temporary, `${JSON.stringify(this.#current, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(temporary, this.#file);
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What is wrong in a file falls back to its default, key by key. */
function parse(text: string | undefined): DesktopSettings {
  const raw: unknown = text !== undefined && isJson(text) ? JSON.parse(text) : {};
  const given = z.record(z.string(), z.unknown()).safeParse(raw).data ?? {};
  const good = Object.entries(shape.shape).flatMap(([key, field]) => {
    const checked = (field as z.ZodType).safeParse(given[key]);
    return checked.success && checked.data !== undefined ? [[key, checked.data] as const] : [];
  });
  return shape.parse(Object.fromEntries(good));
}
