/** The ways to bring devices together: an invite to give out, one to use, an address. */
import { Button, Checkbox, Group, Modal, Select, Stack, Tabs, Text, Textarea, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, api } from '../../api/http.ts';
import type { Invite, JoinView } from '../../api/types.ts';
import { Failure, Name } from '../../components/basics.tsx';
import { CopyField } from '../../components/copy-field.tsx';
import { formatTime } from '../../components/format.ts';
import { tell } from '../../components/notify.tsx';
import { Qr } from '../../components/qr.tsx';
import { BothSides } from './both-sides.tsx';
import { askPairing } from './pairing-card.tsx';
import { useTrustWindow } from './trust-window.tsx';

/** The dialog. @param invite one that came with a link: it is shown what it leads to, nothing more. */
export function AddDevice({ invite = '', onClose }: { readonly invite?: string; readonly onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal opened onClose={onClose} title={t('devices.add')} centered size="lg">
      <Tabs defaultValue={invite === '' ? 'invite' : 'join'}>
        <Tabs.List mb="md" className="ways">
          <Tabs.Tab value="invite">{t('devices.invite')}</Tabs.Tab>
          <Tabs.Tab value="join">{t('devices.useInvite')}</Tabs.Tab>
          <Tabs.Tab value="address">{t('devices.byAddress')}</Tabs.Tab>
          <Tabs.Tab value="trust">{t('trust.tab')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="invite">
          <NewInvite />
        </Tabs.Panel>
        <Tabs.Panel value="join">
          <UseInvite given={invite} onClose={onClose} />
        </Tabs.Panel>
        <Tabs.Panel value="address">
          <ByAddress onClose={onClose} />
        </Tabs.Panel>
        <Tabs.Panel value="trust">
          <Trust onClose={onClose} />
        </Tabs.Panel>
      </Tabs>
    </Modal>
  );
}

function Trust({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  const { open } = useTrustWindow();
  return (
    <Stack align="flex-start">
      <Text size="sm">{t('trust.automaticText')}</Text>
      <Button
        onClick={() => {
          open();
          onClose();
        }}
      >
        {t('trust.trust')}
      </Button>
    </Stack>
  );
}

/** Opens the desktop app with the invite; typed or pasted where an invite is asked for, it is as good as one. */
const linkOf = (token: string) => `shoal://devices/${token}`;

const terms = ['1', '24', '168'] as const;

function NewInvite() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [hours, setHours] = useState<string>('24');
  const [invite, setInvite] = useState<Invite>();
  const [error, setError] = useState<unknown>();
  const make = async () => {
    try {
      setInvite(await api<Invite>('/invites', { method: 'POST', json: { hours: Number(hours) } }));
      void client.invalidateQueries({ queryKey: ['invites'] });
    } catch (problem) {
      setError(problem);
    }
  };
  if (invite?.token !== undefined) {
    return (
      <Stack align="center">
        <Qr text={linkOf(invite.token)} label={t('devices.inviteQr')} size={220} />
        <Stack gap="xs" w="100%">
          <CopyField label={t('devices.token')} value={invite.token} />
          <CopyField label={t('devices.inviteLink')} value={linkOf(invite.token)} />
        </Stack>
        <Text size="sm" c="dimmed" ta="center">
          {t('devices.inviteMade', { time: formatTime(invite.expiresMs) })}
        </Text>
      </Stack>
    );
  }
  return (
    <Stack>
      <Text size="sm">{t('devices.inviteText')}</Text>
      <Select
        label={t('share.term')}
        value={hours}
        allowDeselect={false}
        data={terms.map((value) => ({ value, label: t(`devices.hours.${value}`) }))}
        onChange={(value) => setHours(value ?? '24')}
      />
      {error !== undefined && <Failure error={error} />}
      <Button onClick={() => void make()}>{t('devices.makeInvite')}</Button>
    </Stack>
  );
}

function UseInvite({ given, onClose }: { readonly given: string; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [token, setToken] = useState(given);
  const [merge, setMerge] = useState(false);
  const [found, setFound] = useState<JoinView>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const ask = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    const json = { token: token.trim(), merge };
    try {
      if (!found) {
        setFound(await api<JoinView>('/join/look', { method: 'POST', json }));
        return;
      }
      const { name } = await api<{ name: string }>('/join', { method: 'POST', json });
      tell(t('devices.joined', { name }));
      void client.invalidateQueries({ queryKey: ['members'] });
      onClose();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  const isOfSeveral = error instanceof ApiError && error.code === 'CLUSTERS_DIFFER';
  return (
    <form onSubmit={(event) => void ask(event)}>
      {found ? (
        <Stack>
          <Text fw={600}>
            {t('devices.leadsTo')} <Name>{found.name}</Name>
          </Text>
          <BothSides there={found} />
          <Text size="sm">{t('devices.afterwards')}</Text>
          {error !== undefined && <Failure error={error} />}
          <Group gap="xs">
            <Button type="submit" loading={busy}>
              {t('devices.join')}
            </Button>
            <Button variant="default" disabled={busy} onClick={() => setFound(undefined)}>
              {t('common.cancel')}
            </Button>
          </Group>
        </Stack>
      ) : (
        <Stack>
          <Text size="sm">{t('devices.useInviteText')}</Text>
          <Textarea
            label={t('devices.token')}
            value={token}
            required
            autosize
            minRows={3}
            maxRows={6}
            onChange={(event) => setToken(event.currentTarget.value)}
          />
          {error !== undefined && <Failure error={error} />}
          {(isOfSeveral || merge) && (
            <Checkbox
              label={t('devices.merge')}
              checked={merge}
              onChange={(event) => setMerge(event.currentTarget.checked)}
            />
          )}
          <Button type="submit" loading={busy}>
            {t('devices.seeWhere')}
          </Button>
        </Stack>
      )}
    </form>
  );
}

function ByAddress({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [address, setAddress] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    // The usual port, when none is named.
    const wanted = address.trim();
    const isAsked = await askPairing(/:\d+$/.test(wanted) ? wanted : `${wanted}:8443`);
    setBusy(false);
    if (!isAsked) return;
    void client.invalidateQueries({ queryKey: ['pairings'] });
    onClose();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm">{t('devices.byAddressText')}</Text>
        <TextInput
          label={t('devices.address')}
          description={t('devices.addressText')}
          value={address}
          required
          placeholder="192.168.1.20:8443"
          onChange={(event) => setAddress(event.currentTarget.value)}
        />
        <Button type="submit" loading={busy}>
          {t('devices.ask')}
        </Button>
      </Stack>
    </form>
  );
}
