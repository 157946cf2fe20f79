/** Judges the keys of a file that the table does not have: most are mistakes, some belong to go-fastdfs. */
import type { RawConfig } from './migrations.ts';
import { closestWord } from './misspelling.ts';
import { configKeyNames, ineffectiveKeys, isConfigKey } from './schema.ts';

/** Something in the file that its owner should look at. The node runs all the same. */
export interface ConfigWarning {
  readonly kind: 'unknown-key' | 'misspelled-key';
  readonly key: string;
  /** The key that was probably meant. */
  readonly suggestion?: string;
  readonly en: string;
  readonly zh: string;
}

const acceptedKeys: ReadonlySet<string> = new Set([
  ...ineffectiveKeys,
  // The one explanation in the generated file of go-fastdfs whose key is not Chinese.
  'PeerID',
]);

/** Warnings about the unknown keys of a file, in its order. */
export function warnAboutKeys(raw: RawConfig): readonly ConfigWarning[] {
  return Object.keys(raw).flatMap((key) => (isAccepted(key) ? [] : [warn(key)]));
}

/** Whether a key needs no warning: known, without effect but expected, or an explanation as go-fastdfs writes them. */
export function isAccepted(key: string): boolean {
  return isConfigKey(key) || acceptedKeys.has(key) || /\P{ASCII}/u.test(key);
}

/** The known key that an unknown one probably means. */
export function suggestKey(key: string): string | undefined {
  return closestWord(key, [...configKeyNames, ...ineffectiveKeys]);
}

function warn(key: string): ConfigWarning {
  const suggestion = suggestKey(key);
  if (suggestion === undefined) {
    return Object.freeze({
      kind: 'unknown-key',
      key,
      en: `unknown key ${key}: ignored`,
      zh: `未知配置项 ${key}：已忽略`,
    });
  }
  const en = `unknown key ${key}: ignored; it looks like a misspelling of ${suggestion}`;
  const zh = `未知配置项 ${key}：已忽略；似乎是 ${suggestion} 的误写`;
  return Object.freeze({ kind: 'misspelled-key', key, suggestion, en, zh });
}
