/** Trust of the network for a quarter of an hour: the countdown, who waits, and the end of it. */
import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { useInterval } from '@mantine/hooks';
import { IconShieldExclamation } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import { useTrust } from '../../api/queries.ts';
import type { TrustState } from '../../api/types.ts';
import { Name } from '../../components/basics.tsx';
import { formatDuration } from '../../components/format.ts';
import { tellError } from '../../components/notify.tsx';

/** Opens the window for a quarter of an hour. */
export function useTrustWindow() {
  const client = useQueryClient();
  const show = (state: TrustState) => client.setQueryData(['trust'], state);
  return {
    open: () => {
      api<TrustState>('/trust', { method: 'POST', json: { minutes: 15 } })
        .then(show)
        .catch(tellError);
    },
    close: () => {
      api('/trust', { method: 'DELETE' })
        .then(() => client.invalidateQueries({ queryKey: ['trust'] }))
        .catch(tellError);
    },
    admit: (node: string, admit: boolean) => {
      api<TrustState>('/trust/admit', { method: 'POST', json: { node, admit } }).then(show).catch(tellError);
    },
  };
}

/** The window, while it is open. */
export function TrustWindow() {
  const { t } = useTranslation();
  const trust = useTrust();
  const actions = useTrustWindow();
  const left = useCountdown(trust.data?.leftMs ?? 0, trust.dataUpdatedAt);
  if (!trust.data?.open || left <= 0) return null;
  return (
    <Alert
      color="orange"
      icon={<IconShieldExclamation />}
      title={t('trust.open', { time: formatDuration(left / 1000) })}
    >
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{t('trust.openText')}</Text>
        {trust.data.waiting.map(({ node, name, address, files }) => (
          <Group key={node} gap="sm">
            <Text size="sm">
              <b>
                <Name>{name}</Name>
              </b>{' '}
              · {address} · {t('trust.files', { count: files })}
            </Text>
            <Button size="compact-sm" onClick={() => actions.admit(node, true)}>
              {t('trust.admit')}
            </Button>
            <Button size="compact-sm" variant="default" onClick={() => actions.admit(node, false)}>
              {t('trust.refuse')}
            </Button>
          </Group>
        ))}
        <Button size="xs" variant="default" onClick={actions.close}>
          {t('trust.close')}
        </Button>
      </Stack>
    </Alert>
  );
}

/** Milliseconds that are left of a time that was told a moment ago. */
function useCountdown(leftMs: number, toldMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  const { start, stop } = useInterval(() => setNow(Date.now()), 1000);
  useEffect(() => {
    if (leftMs > 0) start();
    else stop();
    return stop;
  }, [leftMs, start, stop]);
  return Math.max(0, leftMs - Math.max(0, now - toldMs));
}
