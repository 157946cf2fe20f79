/** One configuration key: a field of its kind, with the node's explanation and its refusal beside it. */
import {
  Code,
  Group,
  NumberInput,
  PasswordInput,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  TagsInput,
  Text,
  TextInput,
} from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Setting } from '../../api/types.ts';
import type { Draft } from './draft.ts';

interface FieldProps {
  readonly setting: Setting;
  readonly draft: Draft;
}

interface MailAccount {
  readonly user: string;
  readonly password: string;
  readonly host: string;
}

/** The field. */
export function SettingField({ setting, draft }: FieldProps) {
  const { t } = useTranslation();
  const { key, kind, choices, secret, source, explanation } = setting;
  const value = key in draft.changes ? draft.changes[key] : setting.value;
  const error = draft.problems[key];
  const change = (next: unknown) => draft.set(setting, next);
  // What the command line or the environment says goes before the file: changing it here would change nothing.
  const disabled = source === 'flag' || source === 'env';
  const common = { label: explanation, error, disabled, 'data-setting': key };
  const field = () => {
    if (kind === 'boolean') {
      return <Switch {...common} checked={value === true} onChange={(event) => change(event.currentTarget.checked)} />;
    }
    if (kind === 'integer') {
      const { min, max } = setting;
      const limits = { min, max: max === Number.MAX_SAFE_INTEGER ? undefined : max };
      return (
        <NumberInput
          {...common}
          {...limits}
          clampBehavior="none"
          allowDecimal={false}
          maw={260}
          value={typeof value === 'number' || typeof value === 'string' ? value : ''}
          onChange={change}
        />
      );
    }
    if (kind === 'choice') {
      return (
        <Select
          {...common}
          maw={260}
          data={choices ?? []}
          allowDeselect={false}
          value={String(value)}
          onChange={(next) => change(next ?? setting.value)}
        />
      );
    }
    if (kind === 'list') {
      return (
        <TagsInput
          {...common}
          value={Array.isArray(value) ? value.map(String) : []}
          onChange={change}
          acceptValueOnBlur
          placeholder={t('settings.addValue')}
        />
      );
    }
    if (kind === 'mail') return <MailFields {...common} value={value as MailAccount} onChange={change} />;
    if (secret) {
      return (
        <PasswordInput
          {...common}
          value={String(value ?? '')}
          autoComplete="new-password"
          onChange={(event) => change(event.currentTarget.value)}
        />
      );
    }
    return (
      <TextInput {...common} value={String(value ?? '')} onChange={(event) => change(event.currentTarget.value)} />
    );
  };
  return (
    <div className="setting">
      {field()}
      <Notes setting={setting} changed={key in draft.changes} />
    </div>
  );
}

function Notes({ setting, changed }: { readonly setting: Setting; readonly changed: boolean }) {
  const { t } = useTranslation();
  const { key, source, applies } = setting;
  const initial = JSON.stringify(setting.default);
  return (
    <Group gap={8} mt={4}>
      <Code fz={11}>{key}</Code>
      {initial !== undefined && !setting.secret && initial !== '""' && initial.length < 60 && (
        <Text size="xs" c="dimmed">
          {t('settings.default')} {initial}
        </Text>
      )}
      {applies === 'after-restart' && (
        <Text size="xs" c="dimmed">
          {t('settings.afterRestart')}
        </Text>
      )}
      {(source === 'flag' || source === 'env') && (
        <Text size="xs" c="dimmed">
          {t(`settings.from.${source}`)}
        </Text>
      )}
      {changed && (
        <Text size="xs" fw={600}>
          {t('settings.unsaved')}
        </Text>
      )}
    </Group>
  );
}

function MailFields({
  label,
  error,
  disabled,
  value,
  onChange,
}: {
  readonly label: string;
  readonly error?: string | undefined;
  readonly disabled: boolean;
  readonly value: MailAccount;
  readonly onChange: (value: MailAccount) => void;
}) {
  const { t } = useTranslation();
  return (
    <Stack gap={6}>
      <Text size="sm" fw={500}>
        {label}
      </Text>
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        <TextInput
          label={t('settings.mail.host')}
          placeholder="smtp.example.org:587"
          disabled={disabled}
          value={value.host}
          onChange={(event) => onChange({ ...value, host: event.currentTarget.value })}
        />
        <TextInput
          label={t('settings.mail.user')}
          disabled={disabled}
          autoComplete="off"
          value={value.user}
          onChange={(event) => onChange({ ...value, user: event.currentTarget.value })}
        />
        <PasswordInput
          label={t('settings.mail.password')}
          disabled={disabled}
          autoComplete="new-password"
          value={value.password}
          onChange={(event) => onChange({ ...value, password: event.currentTarget.value })}
        />
      </SimpleGrid>
      {error !== undefined && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {error}
        </Text>
      )}
    </Stack>
  );
}
