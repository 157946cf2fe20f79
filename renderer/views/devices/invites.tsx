/** Invites that this node gave out: which are good, which were used, by whom. */
import { Badge, Button, Paper, Text, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import { useInvites, useMembers } from '../../api/queries.ts';
import { Name } from '../../components/basics.tsx';
import { formatAgo, formatTime } from '../../components/format.ts';
import { tellError } from '../../components/notify.tsx';

/** The list; nothing when there are none. */
export function Invites() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const invites = useInvites().data?.invites ?? [];
  const members = useMembers().data?.members ?? [];
  if (invites.length === 0) return null;
  const revoke = (id: string) => {
    api('/invites', { method: 'DELETE', query: { id } })
      .then(() => client.invalidateQueries({ queryKey: ['invites'] }))
      .catch(tellError);
  };
  return (
    <section aria-label={t('devices.invites')}>
      <Title order={2} size="h4" mb="sm">
        {t('devices.invites')}
      </Title>
      <Paper withBorder px="md" py={4}>
        {invites.map(({ id, state, createdMs, expiresMs, usedBy }) => {
          const user = members.find((member) => member.id === usedBy)?.name ?? usedBy?.slice(0, 8);
          return (
            <div key={id} className="list-row">
              <Badge color={state === 'good' ? 'teal.9' : 'gray.7'} variant="filled">
                {t(`devices.inviteStates.${state}`)}
              </Badge>
              <Text size="sm" style={{ flex: 1 }}>
                {user === undefined ? t('devices.inviteUntil', { time: formatTime(expiresMs) }) : <Name>{user}</Name>}
              </Text>
              <Text size="sm" c="dimmed" className="col-time">
                {formatAgo(createdMs)}
              </Text>
              {state === 'good' && (
                <Button size="compact-sm" variant="subtle" onClick={() => revoke(id)}>
                  {t('devices.revoke')}
                </Button>
              )}
            </div>
          );
        })}
      </Paper>
    </section>
  );
}
