/** Hides what must not reach logs and screens, and puts it back when a settings page returns what it was shown. */
import { type Config, type ConfigKey, configKeyInfo, configKeys, deepFreeze } from './schema.ts';

/** What stands in place of a secret. */
export const mask = '***';

/**
 * The configuration for logs, status and settings pages: each secret is replaced by {@link mask}, and an empty one stays
 * empty, so that one can see whether it is set. Names of scenes, the mail user and the host of a URL stay readable.
 */
export function redactConfig(config: Config): Config {
  const secrets = configKeys.filter(({ secret }) => secret).map(({ key }) => [key, redactValue(key, config[key])]);
  return deepFreeze({ ...config, ...Object.fromEntries(secrets) }) as Config;
}

/**
 * Puts secrets back where `next` only repeats the mask that {@link redactConfig} made of `current`.
 * What still holds the mask afterwards cannot be known: see {@link holdsMask}.
 */
export function restoreMasked(key: ConfigKey, next: unknown, current: Config): unknown {
  if (!configKeyInfo(key).secret) return next;
  if (key === 'mail' && typeof next === 'object' && next !== null && 'password' in next) {
    return next.password === mask && current.mail.password !== '' ? { ...next, password: current.mail.password } : next;
  }
  if (key === 'scenes' && Array.isArray(next)) {
    return next.map((entry: unknown) => current.scenes.find((scene) => redactScene(scene) === entry) ?? entry);
  }
  return next === redactValue(key, current[key]) ? current[key] : next;
}

/** Whether a new value of a secret key still holds the mask: it would be stored as if it were the secret. */
export function holdsMask(value: unknown): boolean {
  if (typeof value === 'string') return value.includes(mask);
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsMask);
}

function redactValue(key: ConfigKey, value: unknown): unknown {
  switch (key) {
    case 'mail':
      return { ...(value as Config['mail']), password: maskText((value as Config['mail']).password) };
    case 'scenes':
      return (value as Config['scenes']).map(redactScene);
    case 'auth_url':
    case 'alarm_url':
      return redactUrl(value as string);
    default:
      return value === '' ? '' : mask;
  }
}

function redactScene(scene: string): string {
  const colon = scene.indexOf(':');
  return colon < 0 ? scene : `${scene.slice(0, colon)}:${mask}`;
}

/** Services hide their tokens in user names, paths and queries alike: only the host is safe to show. */
function redactUrl(value: string): string {
  if (!URL.canParse(value)) return maskText(value);
  const { protocol, host } = new URL(value);
  return `${protocol}//${host}/${mask}`;
}

function maskText(value: string): string {
  return value === '' ? '' : mask;
}
