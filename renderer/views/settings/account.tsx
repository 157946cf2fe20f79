/** The administrator: password, second factor, who is signed in, who did what. */
import { Alert, Badge, Button, Group, Paper, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import { useSession } from '../../api/queries.ts';
import type { AuditEntry, OfferedFactor, Session, SessionState } from '../../api/types.ts';
import { Failure, Name } from '../../components/basics.tsx';
import { CopyField } from '../../components/copy-field.tsx';
import { formatAgo } from '../../components/format.ts';
import { tell, tellError } from '../../components/notify.tsx';
import { Qr } from '../../components/qr.tsx';
import { CodeField, PasswordField } from '../../components/secret-fields.tsx';

/** All cards. */
export function Account() {
  const { t } = useTranslation();
  const session = useSession().data;
  if (!session) return null;
  return (
    <Stack>
      {session.needs.setup ? (
        <Alert color="orange" title={t('login.noAdministrator')}>
          {t('account.noAdministratorText')}
        </Alert>
      ) : (
        <>
          <Password session={session} />
          <SecondFactor session={session} />
        </>
      )}
      <Sessions />
      <Audit />
    </Stack>
  );
}

function Card({
  title,
  text,
  children,
}: {
  readonly title: string;
  readonly text?: string;
  readonly children: ReactNode;
}) {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Text fw={600}>{title}</Text>
      {text !== undefined && (
        <Text size="sm" c="dimmed" mb="sm">
          {text}
        </Text>
      )}
      {children}
    </Paper>
  );
}

function Password({ session }: { readonly session: SessionState }) {
  const { t } = useTranslation();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [error, setError] = useState<unknown>();
  const asksCurrent = session.by === 'session';
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(undefined);
    try {
      await api('/account/password', { method: 'POST', json: { ...(asksCurrent && { current }), next } });
      tell(t('account.passwordChanged'));
      setCurrent('');
      setNext('');
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Card title={t('account.password')} text={t('account.passwordText')}>
      <form onSubmit={submit}>
        <Stack gap="sm" maw={360}>
          {asksCurrent && <PasswordField label={t('account.current')} value={current} onChange={setCurrent} />}
          <PasswordField label={t('account.next')} value={next} isNew onChange={setNext} />
          {error !== undefined && <Failure error={error} />}
          <Group>
            <Button type="submit" variant="default">
              {t('account.changePassword')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}

function SecondFactor({ session }: { readonly session: SessionState }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [offered, setOffered] = useState<OfferedFactor>();
  const [code, setCode] = useState('');
  const [error, setError] = useState<unknown>();
  const isOn = session.needs.code;
  const offer = () => {
    api<OfferedFactor>('/account/second-factor', { method: 'POST' }).then(setOffered).catch(tellError);
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(undefined);
    const path = isOn ? '/account/second-factor/remove' : '/account/second-factor/confirm';
    const digits = code.replace(/\s/g, '');
    try {
      await api(path, { method: 'POST', json: digits === '' ? {} : { code: digits } });
      setOffered(undefined);
      setCode('');
      tell(t(isOn ? 'account.factorOff' : 'account.factorOn'));
      await client.invalidateQueries({ queryKey: ['session'] });
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Card title={t('account.factor')} text={t(isOn ? 'account.factorIsOn' : 'account.factorText')}>
      {!isOn && !offered && (
        <Button variant="default" onClick={offer}>
          {t('account.turnOn')}
        </Button>
      )}
      {(isOn || offered) && (
        <form onSubmit={submit}>
          <Stack gap="sm" align="flex-start">
            {offered && (
              <>
                <Text size="sm">{t('account.scan')}</Text>
                <Qr text={offered.uri} label={t('account.factorQr')} />
                <CopyField label={t('account.secret')} value={offered.secret} />
              </>
            )}
            <CodeField value={code} required={!isOn || session.by === 'session'} onChange={setCode} />
            {error !== undefined && <Failure error={error} />}
            <Button type="submit" variant={isOn ? 'default' : 'filled'}>
              {t(isOn ? 'account.turnOff' : 'account.confirm')}
            </Button>
          </Stack>
        </form>
      )}
    </Card>
  );
}

function Sessions() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const sessions = useQuery({ queryKey: ['sessions'], queryFn: () => api<{ sessions: Session[] }>('/sessions') });
  const end = (id: string | undefined) => {
    api('/sessions', { method: 'DELETE', query: { id } })
      .then(() => client.invalidateQueries({ queryKey: ['sessions'] }))
      .catch(tellError);
  };
  const list = sessions.data?.sessions ?? [];
  return (
    <Card title={t('account.sessions')} text={list.length === 0 ? t('account.noSessions') : undefined}>
      {list.map(({ id, current, name, address, agent, seenMs }) => (
        <div key={id} className="list-row">
          <div style={{ flex: 1, minWidth: 0 }}>
            <Group gap={6}>
              <Text size="sm" fw={500}>
                <Name>{name}</Name> · {address}
              </Text>
              {current && (
                <Badge size="sm" color="teal.9" variant="filled">
                  {t('account.thisOne')}
                </Badge>
              )}
            </Group>
            <Text size="xs" c="dimmed" truncate>
              <Name>{agent}</Name> · {formatAgo(seenMs)}
            </Text>
          </div>
          <Button size="compact-sm" variant="subtle" onClick={() => end(id)}>
            {t('account.endSession')}
          </Button>
        </div>
      ))}
      {list.length > 1 && (
        <Button mt="sm" size="xs" variant="default" onClick={() => end(undefined)}>
          {t('account.endOthers')}
        </Button>
      )}
    </Card>
  );
}

function Audit() {
  const { t, i18n } = useTranslation();
  const audit = useQuery({
    queryKey: ['audit'],
    queryFn: () => api<{ entries: AuditEntry[] }>('/audit', { query: { limit: 50 } }),
    staleTime: 0,
  });
  const entries = audit.data?.entries ?? [];
  return (
    <Card title={t('account.audit')} text={t('account.auditText')}>
      {entries.map((entry) => (
        <div key={`${entry.time} ${entry.action} ${entry.target}`} className="list-row">
          <div style={{ flex: 1, minWidth: 0 }}>
            <Text size="sm" truncate>
              {i18n.exists(`account.did.${entry.action}`) ? t(`account.did.${entry.action}`) : entry.action}{' '}
              <Name>{entry.target}</Name>
            </Text>
            <Text size="xs" c="dimmed">
              <Name>{entry.who}</Name> · {entry.address} · {formatAgo(entry.time)}
            </Text>
          </div>
          {entry.outcome !== 'done' && (
            <Badge size="sm" color="red.9" variant="filled">
              {t(`account.outcome.${entry.outcome}`)}
            </Badge>
          )}
        </div>
      ))}
    </Card>
  );
}
