/** Where an upload of the compatible interface goes: dated folders, scenes, trimmed names. */
import { randomUUID } from 'node:crypto';
import type { Config } from '../../config/schema.ts';
import { datedFolder } from '../../domain/days.ts';
import { ShoalError } from '../../domain/errors.ts';
import {
  clientFileName,
  joinPath,
  normalizeFolder,
  normalizePath,
  splitExtension,
  trimSpecialCharacters,
} from '../../domain/paths.ts';

/** What the form of an upload says; fields as text, absent ones undefined. */
export interface UploadFields {
  readonly scene?: string | undefined;
  readonly path?: string | undefined;
  readonly filename?: string | undefined;
}

/** The place of an upload. */
export interface UploadTarget {
  /** Logical path. */
  readonly path: string;
  /** Name that the uploader gave, for display. */
  readonly name: string;
  readonly scene: string;
  /** Whether the caller chose path, name or scene: only then a known content gets a second path. */
  readonly chosen: { readonly place: boolean; readonly scene: boolean };
}

/**
 * Decides where an upload goes: `<path>/<name>`, else `<scene>/<YYYYMMDD>/<HH>/<mm>/<peer_id>/<name>`.
 * @param original name that the client sent with the file.
 * @throws ShoalError PATH_INVALID, PATH_RESERVED, PATH_TOO_LONG, SCENE_UNKNOWN, EXTENSION_REFUSED.
 */
export function uploadTarget(
  original: string,
  fields: UploadFields,
  config: Config,
  peerId: string,
  nowMs: number,
): UploadTarget {
  const scene = sceneOf(fields.scene, config);
  // `a/` names a folder and no file: as if it had not been given.
  const filename = clientFileName(fields.filename ?? '') === '' ? undefined : fields.filename;
  const name = displayName(original, filename);
  checkExtension(name, filename, config);
  const stored = storedName(original, filename, config);
  const custom = config.enable_custom_path && fields.path !== undefined ? normalizeFolder(fields.path) : '';
  const folder = custom !== '' ? custom : joinPath(scene, datedFolder(nowMs), peerId);
  return {
    path: normalizePath(joinPath(folder, stored)),
    name,
    scene,
    chosen: { place: custom !== '' || filename !== undefined, scene: fields.scene !== undefined },
  };
}

/** What an upload link makes of a form: its own folder, whatever the form says, and names as they are. */
export function linkTarget(
  link: { readonly path: string },
  { filename }: UploadFields,
  config: Config,
): { readonly fields: UploadFields; readonly rules: Config } {
  return {
    fields: { path: link.path, filename },
    rules: { ...config, enable_custom_path: true, enable_trim_file_name_special_char: false, rename_file: false },
  };
}

/** A scene is one clean path segment, and one of the configured ones if there are any. */
function sceneOf(field: string | undefined, config: Config): string {
  const scene = normalizePath(field ?? config.default_scene);
  if (scene.includes('/')) throw new ShoalError('PATH_INVALID', { details: { reason: 'a scene is one name' } });
  const known = config.scenes.map((entry) => entry.split(':')[0]);
  if (known.length > 0 && scene !== config.default_scene && !known.includes(scene)) {
    throw new ShoalError('SCENE_UNKNOWN', { details: { scene } });
  }
  return scene;
}

function displayName(original: string, filename: string | undefined): string {
  const name = clientFileName(original).normalize('NFC');
  return name !== '' ? name : clientFileName(filename ?? 'file').normalize('NFC');
}

function storedName(original: string, filename: string | undefined, config: Config): string {
  if (filename !== undefined) return clientFileName(filename);
  const name = clientFileName(original);
  if (name === '') return uniqueName(name);
  if (config.rename_file) return uniqueName(name);
  if (!config.enable_trim_file_name_special_char) return name;
  // Nothing of the name would be left: a unique one, never a stump that others share.
  const stem = trimSpecialCharacters(splitExtension(name).stem);
  return stem.replaceAll('.', '') === '' ? uniqueName(name) : trimSpecialCharacters(name);
}

function uniqueName(name: string): string {
  return `${randomUUID().replaceAll('-', '')}${safeExtension(name)}`;
}

function safeExtension(name: string): string {
  const extension = trimSpecialCharacters(name.slice(name.lastIndexOf('.') + 1));
  return name.includes('.') && extension !== '' ? `.${extension}` : '';
}

/** Both the name that the file gets and the one it came with must be allowed. */
function checkExtension(name: string, filename: string | undefined, config: Config): void {
  if (config.extensions.length === 0) return;
  const allowed = config.extensions.map((extension) => extension.toLowerCase());
  for (const candidate of filename === undefined ? [name] : [name, filename]) {
    const dot = candidate.lastIndexOf('.');
    const extension = dot < 0 ? '' : candidate.slice(dot).toLowerCase();
    if (!allowed.includes(extension)) {
      const details = { extension: extension || '(none)', accepted: config.extensions.join(' ') };
      throw new ShoalError('EXTENSION_REFUSED', { details });
    }
  }
}
