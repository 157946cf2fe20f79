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
import type { ReactNode } from 'react';
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

/** The first sentence of an explanation, and the rest of it. */
function parts(explanation: string): [string, string] {
  const end = /[.。：](?=\s|[^\s\w`.,/])\s*/u.exec(explanation);
  if (!end) return [explanation, ''];
  const at = end.index + 1;
  return [explanation.slice(0, at), explanation.slice(at).trim()];
}

/** Words of the node; what stands in backticks is typed as it is. */
function Explanation({ text }: { readonly text: string }) {
  const pieces = text.split('`').map((value, index) => ({ value, id: `${index} ${value}`, isCode: index % 2 === 1 }));
  return pieces.map(({ value, id, isCode }) =>
    isCode ? (
      <Code key={id} fz="inherit">
        {value}
      </Code>
    ) : (
      value
    ),
  );
}

/** Numbers and choices need little room; their explanations do. */
const narrow = { wrapper: { maxWidth: 260 } } as const;

/** The field. */
export function SettingField({ setting, draft }: FieldProps) {
  const { t } = useTranslation();
  const { key, kind, choices, secret, source, explanation } = setting;
  const value = key in draft.changes ? draft.changes[key] : setting.value;
  const error = draft.problems[key];
  const change = (next: unknown) => draft.set(setting, next);
  // What the command line or the environment says goes before the file: changing it here would change nothing.
  const disabled = source === 'flag' || source === 'env';
  const [first, rest] = parts(explanation);
  const common = {
    label: <Explanation text={first} />,
    description: rest === '' ? undefined : <Explanation text={rest} />,
    error,
    disabled,
    'data-setting': key,
  };
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
          styles={narrow}
          value={typeof value === 'number' || typeof value === 'string' ? value : ''}
          onChange={change}
        />
      );
    }
    if (kind === 'choice') {
      return (
        <Select
          {...common}
          styles={narrow}
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
  description,
  error,
  disabled,
  value,
  onChange,
}: {
  readonly label: ReactNode;
  readonly description: ReactNode;
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
      <Text size="xs" c="dimmed">
        {description}
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
