/** The ways to bring devices together: an invite to give out, one to use, an address. */
import { Button, Modal, Select, Stack, Tabs, Text, Textarea, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import type { Invite } from '../../api/types.ts';
import { Failure } from '../../components/basics.tsx';
import { CopyField } from '../../components/copy-field.tsx';
import { formatTime } from '../../components/format.ts';
import { tell } from '../../components/notify.tsx';
import { Qr } from '../../components/qr.tsx';
import { askPairing } from './pairing-card.tsx';
import { useTrustWindow } from './trust-window.tsx';

/** The dialog. */
export function AddDevice({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal opened onClose={onClose} title={t('devices.add')} centered size="lg">
      <Tabs defaultValue="invite">
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
          <UseInvite onClose={onClose} />
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
        <Qr text={invite.token} label={t('devices.inviteQr')} size={220} />
        <div style={{ width: '100%' }}>
          <CopyField label={t('devices.token')} value={invite.token} />
        </div>
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

function UseInvite({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [token, setToken] = useState('');
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const { name } = await api<{ name: string }>('/join', { method: 'POST', json: { token: token.trim() } });
      tell(t('devices.joined', { name }));
      void client.invalidateQueries({ queryKey: ['members'] });
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={submit}>
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
        <Button type="submit" loading={busy}>
          {t('devices.join')}
        </Button>
      </Stack>
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
