/** Fields for what only one person knows: passwords and one-time codes. Browsers and password managers are told which is which. */
import { PasswordInput, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';

interface SecretFieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** A password. @param isNew it is being chosen: what makes a good one is said, unless it is asked for `again`. */
export function PasswordField({
  label,
  value,
  onChange,
  isNew = false,
  again = false,
  description,
  error,
  autoFocus = false,
}: SecretFieldProps & {
  readonly label: string;
  readonly isNew?: boolean;
  readonly again?: boolean;
  readonly description?: string;
  readonly error?: string | undefined;
  readonly autoFocus?: boolean;
}) {
  const { t } = useTranslation();
  return (
    <PasswordInput
      label={label}
      description={isNew && !again ? t('setup.passwordText') : description}
      value={value}
      autoComplete={isNew ? 'new-password' : 'current-password'}
      required
      {...(isNew && !again && { minLength: 8 })}
      {...(error !== undefined && { error })}
      {...(autoFocus && { 'data-autofocus': true })}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

/** A code of the second factor. */
export function CodeField({ value, onChange, required = true }: SecretFieldProps & { readonly required?: boolean }) {
  const { t } = useTranslation();
  return (
    <TextInput
      label={t('login.code')}
      description={t('login.codeText')}
      value={value}
      inputMode="numeric"
      autoComplete="one-time-code"
      required={required}
      maw={260}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
