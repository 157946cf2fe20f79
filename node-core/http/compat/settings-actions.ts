/** Actions of go-fastdfs on the node itself: reload, gen_google_secret, gen_google_code. */
import type { RequestHandler } from 'express';
import { codeOf, newSecret } from '../../access/one-time-codes.ts';
import { isSameSecret } from '../../access/secrets.ts';
import type { ConfigurationChange } from '../../config/live.ts';
import { redactConfig } from '../../config/redact.ts';
import type { ConfigChanges } from '../../config/save.ts';
import type { Config } from '../../config/schema.ts';
import { ShoalError } from '../../domain/errors.ts';
import { languageOf } from '../language.ts';
import type { HttpServices } from '../services.ts';
import { sendOk } from './answers.ts';
import { requiredParameter } from './parameters.ts';

const words = {
  en: { same: 'nothing has changed', applied: 'applied: {keys}', restart: 'after a restart: {keys}', join: '; ' },
  zh: { same: '没有变化', applied: '已生效:{keys}', restart: '重启后生效:{keys}', join: ';' },
} as const;

/**
 * `reload?action=get|set|reload&key=`: reads the configuration (secrets as `***`), changes it, or reads the file again.
 * A change is checked as a whole before anything is written: one bad key, and everything stays as it was.
 */
export function reload(services: HttpServices): RequestHandler {
  return async (request, response) => {
    const { configuration } = services;
    const action = requiredParameter(request, 'action');
    if (action !== 'get' && action !== 'set' && action !== 'reload') {
      throw new ShoalError('PARAMETER_INVALID', { details: { name: 'action', reason: 'get, set or reload' } });
    }
    if (!isSameSecret(requiredParameter(request, 'key'), services.config().admin_key)) {
      throw new ShoalError('ADMIN_KEY_REFUSED');
    }
    if (action === 'get') {
      sendOk(response, redactConfig(configuration.loaded.config));
      return;
    }
    const changes =
      action === 'set' ? readChanges(requiredParameter(request, 'cfg'), configuration.loaded.config) : undefined;
    const change = await (changes ? configuration.change(changes) : configuration.reload());
    sendOk(response, change, wordChange(change, words[languageOf(request)]));
  };
}

/** `gen_google_secret`: a new secret for one-time codes. */
export function generateSecret(): RequestHandler {
  return (_request, response) => sendOk(response, newSecret());
}

/** `gen_google_code?secret=`: the code of a secret now. */
export function generateCode(services: HttpServices): RequestHandler {
  return async (request, response) => {
    sendOk(response, await codeOf(requiredParameter(request, 'secret'), services.clock.now()));
  };
}

/**
 * What a caller wants changed. Clients send the whole of what `get` showed them: what is still the same is left out, so
 * that options of the command line and masked secrets never end up in the file.
 */
function readChanges(cfg: string, current: Config): ConfigChanges {
  let parsed: unknown;
  try {
    parsed = JSON.parse(cfg);
  } catch {
    parsed = undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new ShoalError('PARAMETER_INVALID', { details: { name: 'cfg', reason: 'it must be a JSON object' } });
  }
  const shown: Readonly<Record<string, unknown>> = { ...redactConfig(current) };
  const changed = Object.entries(parsed).filter(
    ([key, value]) => !Object.hasOwn(shown, key) || JSON.stringify(shown[key]) !== JSON.stringify(value),
  );
  return Object.fromEntries(changed);
}

function wordChange({ applied, afterRestart }: ConfigurationChange, w: (typeof words)['en' | 'zh']): string {
  const parts = [
    applied.length > 0 ? w.applied.replace('{keys}', applied.join(', ')) : '',
    afterRestart.length > 0 ? w.restart.replace('{keys}', afterRestart.join(', ')) : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? w.same : parts.join(w.join);
}
