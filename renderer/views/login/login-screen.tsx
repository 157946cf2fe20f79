/** The door: signing in, and making the first administrator with the setup link. */
import { Alert, Anchor, Box, Button, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import icon from '../../../assets/icon.svg';
import { ApiError, api } from '../../api/http.ts';
import type { SessionState } from '../../api/types.ts';
import { Failure } from '../../components/basics.tsx';
import { CodeField, PasswordField } from '../../components/secret-fields.tsx';
import { chooseLanguage, type LanguageTag, languages } from '../../i18n.ts';
import { go } from '../../state/route.ts';

/** The screen for whoever may not manage. */
export default function LoginScreen({ session }: { readonly session: SessionState }) {
  const token = new URLSearchParams(window.location.search).get('token');
  if (session.needs.setup && token !== null) return <Setup token={token} />;
  return <SignIn session={session} />;
}

function Door({
  title,
  text,
  children,
}: {
  readonly title: string;
  readonly text: string;
  readonly children: ReactNode;
}) {
  const { i18n } = useTranslation();
  useEffect(() => {
    document.title = `${title} – Shoal`;
  }, [title]);
  return (
    <Box component="main" className="page-narrow">
      <Group justify="center" mb="lg" gap="sm">
        <img src={icon} width={40} height={40} alt="" />
        <Text fw={700} size="xl">
          Shoal
        </Text>
      </Group>
      <Paper withBorder p="lg" radius="lg">
        <Title order={1} size="h3" mb={4}>
          {title}
        </Title>
        <Text c="dimmed" size="sm" mb="md">
          {text}
        </Text>
        {children}
      </Paper>
      <Group justify="center" mt="md" gap="lg">
        {Object.entries(languages).map(([tag, name]) => (
          <Anchor
            key={tag}
            component="button"
            type="button"
            size="sm"
            lang={tag}
            aria-current={i18n.language === tag ? 'true' : undefined}
            c="dimmed"
            onClick={() => void chooseLanguage(tag as LanguageTag)}
          >
            {name}
          </Anchor>
        ))}
      </Group>
    </Box>
  );
}

/** Leaves `/login` and `/setup`, whose address holds the token. */
function enter(screen: 'files' | 'welcome'): void {
  window.history.replaceState(null, '', new URL('./', document.baseURI));
  go(screen);
}

function SignIn({ session }: { readonly session: SessionState }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState('admin');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [asksCode, setAsksCode] = useState(session.needs.code);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const json = { name, password, ...(asksCode && { code: code.replace(/\s/g, '') }) };
      client.setQueryData(['session'], await api<SessionState>('/login', { method: 'POST', json }));
      if (/\/(login|setup)$/.test(window.location.pathname)) enter('files');
    } catch (problem) {
      if (problem instanceof ApiError && problem.code === 'LOGIN_CODE_NEEDED') setAsksCode(true);
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Door title={t('login.title')} text={t('login.text')}>
      {session.needs.setup && (
        <Alert icon={<IconKey />} mb="md" title={t('login.noAdministrator')}>
          {t('login.noAdministratorText')}
        </Alert>
      )}
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput
            label={t('login.name')}
            value={name}
            autoComplete="username"
            required
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <PasswordField
            label={t('login.password')}
            description={t('login.passwordText')}
            value={password}
            autoFocus
            onChange={setPassword}
          />
          {asksCode && <CodeField value={code} onChange={setCode} />}
          {error !== undefined && <Failure error={error} title={t('login.failed')} />}
          <Button type="submit" loading={busy} fullWidth mt="xs">
            {t('login.signIn')}
          </Button>
        </Stack>
      </form>
    </Door>
  );
}

function Setup({ token }: { readonly token: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState('admin');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const differs = again !== '' && again !== password;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (again !== password) return;
    setBusy(true);
    try {
      const state = await api<SessionState>('/setup', { method: 'POST', json: { token, name, password } });
      client.setQueryData(['session'], state);
      enter('welcome');
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Door title={t('setup.title')} text={t('setup.text')}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput
            label={t('login.name')}
            value={name}
            autoComplete="username"
            required
            maxLength={64}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <PasswordField label={t('login.password')} value={password} isNew onChange={setPassword} />
          <PasswordField
            label={t('setup.again')}
            value={again}
            isNew
            again
            error={differs ? t('setup.differs') : undefined}
            onChange={setAgain}
          />
          {error !== undefined && <Failure error={error} />}
          <Button type="submit" loading={busy} disabled={differs} fullWidth mt="xs">
            {t('setup.create')}
          </Button>
        </Stack>
      </form>
    </Door>
  );
}
