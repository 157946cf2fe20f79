/** Two devices that are about to become one cluster: the same six digits on both screens, and a yes on both. */
import { Alert, Button, Group, Loader, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import { useHealth, useMembers, usePolicy } from '../../api/queries.ts';
import type { Pairing } from '../../api/types.ts';
import { Facts, Name } from '../../components/basics.tsx';
import { formatBytes, formatDuration, formatNumber } from '../../components/format.ts';
import { tellError } from '../../components/notify.tsx';

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
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const health = useHealth().data;
  const members = useMembers().data?.members ?? [];
  const here = usePolicy().data?.effective;
  const [busy, setBusy] = useState(false);
  const { id, name, direction, digits, confirmed, files, bytes, state } = pairing;
  const decide = (approve: boolean) => {
    setBusy(true);
    api('/pairings/decide', { method: 'POST', json: { id, approve } })
      .then(() => client.invalidateQueries({ queryKey: ['pairings'] }))
      .catch(tellError)
      .finally(() => setBusy(false));
  };
  /** What devices go by, in words. */
  const rules = ({ upload, download, minReplicas }: NonNullable<Pairing['policy']>) => {
    const door = (name: string) => (i18n.exists(`policy.doors.${name}`) ? t(`policy.doors.${name}`) : name);
    const copies = t('devices.copies', { count: minReplicas });
    return t('devices.rules', { upload: door(upload), download: door(download), copies });
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
        <Facts
          rows={[
            [
              t('devices.here'),
              health
                ? t('devices.filesAndBytes', { files: formatNumber(health.files), size: formatBytes(health.bytes) })
                : '…',
            ],
            files === undefined || bytes === undefined
              ? undefined
              : [
                  t('devices.there'),
                  t('devices.filesAndBytes', { files: formatNumber(files), size: formatBytes(bytes) }),
                ],
            [t('devices.devicesHere'), formatNumber(members.length)],
            pairing.members === undefined ? undefined : [t('devices.devicesThere'), formatNumber(pairing.members)],
            here && [t('devices.policyHere'), rules(here)],
            pairing.policy && [t('devices.policyThere'), rules(pairing.policy)],
          ]}
        />
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
