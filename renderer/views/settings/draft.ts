/** Settings that were changed on the screen and not saved yet. */
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, api } from '../../api/http.ts';
import type { Setting } from '../../api/types.ts';
import { tell, tellError } from '../../components/notify.tsx';

/** A draft: values by key, what was refused, and what can be done with it. */
export interface Draft {
  readonly changes: Readonly<Record<string, unknown>>;
  /** The node's words about a value that it refused, by key. */
  readonly problems: Readonly<Record<string, string>>;
  readonly saving: boolean;
  readonly set: (setting: Setting, value: unknown) => void;
  readonly discard: () => void;
  readonly save: () => Promise<void>;
}

/** A new draft. */
export function useDraft(): Draft {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [changes, setChanges] = useState<Readonly<Record<string, unknown>>>({});
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const [saving, setSaving] = useState(false);
  const set = (setting: Setting, value: unknown) => {
    const { [setting.key]: _, ...others } = changes;
    const isOld = JSON.stringify(value) === JSON.stringify(setting.value);
    setChanges(isOld ? others : { ...others, [setting.key]: value });
    const { [setting.key]: __, ...otherProblems } = problems;
    setProblems(otherProblems);
  };
  const save = async () => {
    setSaving(true);
    try {
      const answer = await api<{ afterRestart: string[] }>('/settings', { method: 'PATCH', json: { changes } });
      setChanges({});
      setProblems({});
      const waiting = answer.afterRestart.length;
      tell(waiting > 0 ? t('settings.savedRestart', { keys: answer.afterRestart.join(', ') }) : t('settings.saved'));
      await client.invalidateQueries({ queryKey: ['settings'] });
    } catch (error) {
      const key = error instanceof ApiError ? keyIn(error.message, Object.keys(changes)) : undefined;
      if (key !== undefined) setProblems({ [key]: (error as ApiError).message });
      else tellError(error);
    }
    setSaving(false);
  };
  const discard = () => {
    setChanges({});
    setProblems({});
  };
  return { changes, problems, saving, set, discard, save };
}

/** The key that a refusal names: the longest that is in its words. */
function keyIn(message: string, keys: readonly string[]): string | undefined {
  return [...keys].sort((a, b) => b.length - a.length).find((key) => message.includes(key));
}
