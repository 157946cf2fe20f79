/** Two devices that are about to become one cluster: the same six digits on both screens, and a yes on both. */
import { Alert, Button, Group, Loader, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import type { Pairing } from '../../api/types.ts';
import { Name } from '../../components/basics.tsx';
import { formatDuration } from '../../components/format.ts';
import { tellError } from '../../components/notify.tsx';
import { BothSides } from './both-sides.tsx';

/** Asks a node to let this one into its cluster. @returns whether it could be asked. */
export async function askPairing(address: string): Promise<boolean> {
  try {
    await api<Pairing>('/pairings', { method: 'POST', json: { address } });
    return true;
  } catch (error) {
    tellError(error);
    return false;
  }
}

/** The card. */
export function PairingCard({ pairing }: { readonly pairing: Pairing }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const { id, name, direction, digits, confirmed, files, state } = pairing;
  const decide = (approve: boolean) => {
    setBusy(true);
    api('/pairings/decide', { method: 'POST', json: { id, approve } })
      .then(() => client.invalidateQueries({ queryKey: ['pairings'] }))
      .catch(tellError)
      .finally(() => setBusy(false));
  };
  const left = Math.max(0, (pairing.expiresMs - Date.now()) / 1000);
  return (
    <div className="card" data-pairing={state}>
      <Stack gap="sm">
        <Text fw={600}>
          {t(direction === 'in' ? 'devices.wantsIn' : 'devices.asked')} <Name>{name}</Name>
        </Text>
        <div>
          <Text size="sm" c="dimmed">
            {t('devices.compare')}
          </Text>
          <span className="digits" data-testid="digits">
            {digits.slice(0, 3)} {digits.slice(3)}
          </span>
        </div>
        <BothSides there={pairing} />
        {direction === 'out' && files === undefined && <Text size="sm">{t('devices.afterYes')}</Text>}
        <Text size="sm">{t('devices.afterwards')}</Text>
        {confirmed || state === 'approved' ? (
          <Alert icon={<Loader size={18} />}>{t('devices.waiting', { name })}</Alert>
        ) : (
          <Group gap="xs">
            <Button loading={busy} onClick={() => decide(true)}>
              {t('devices.same')}
            </Button>
            <Button variant="default" disabled={busy} onClick={() => decide(false)}>
              {t('devices.different')}
            </Button>
          </Group>
        )}
        <Text size="xs" c="dimmed">
          {t('devices.expires', { time: formatDuration(left) })}
        </Text>
      </Stack>
    </div>
  );
}
