/** The devices of the cluster: who belongs to it, who is near, and the ways in. */
import { Alert, Button, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconAlertTriangle, IconDevices, IconPlus, IconRadar2 } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useMembers, useNearby, usePairings } from '../../api/queries.ts';
import type { Member, NearNode } from '../../api/types.ts';
import { Empty, Failure, Name, ScreenHead } from '../../components/basics.tsx';
import { formatAgo } from '../../components/format.ts';
import { go, useRoute } from '../../state/route.ts';
import { AddDevice } from './add-device.tsx';
import { Invites } from './invites.tsx';
import { MemberCard } from './member-card.tsx';
import { askPairing, PairingCard } from './pairing-card.tsx';
import { TrustWindow } from './trust-window.tsx';
import { Unreached } from './unreached.tsx';

/** The screen. */
export default function DevicesScreen() {
  const { t } = useTranslation();
  const members = useMembers();
  const pairings = usePairings().data?.pairings ?? [];
  const [adding, { open, close }] = useDisclosure();
  // A link brings an invite along.
  const { rest: invite } = useRoute();
  const shown = pairings.filter(({ state }) => state === 'waiting' || state === 'approved');
  return (
    <div className="page">
      <ScreenHead title={t('places.devices')} text={t('devices.text')}>
        <Button leftSection={<IconPlus size={17} />} onClick={open}>
          {t('devices.add')}
        </Button>
      </ScreenHead>
      <Stack gap="xl">
        {members.data?.selfRemoved && (
          <Alert color="orange" icon={<IconAlertTriangle />} title={t('devices.selfRemoved')}>
            {t('devices.selfRemovedText')}
          </Alert>
        )}
        {members.data?.trustLan && (
          <Alert color="orange" icon={<IconAlertTriangle />} title={t('devices.trustLan')}>
            {t('devices.trustLanText')}
          </Alert>
        )}
        {members.data && <Unreached list={members.data} />}
        <TrustWindow />
        {shown.length > 0 && (
          <Part title={t('devices.asking')}>
            <div className="cards">
              {shown.map((pairing) => (
                <PairingCard key={pairing.id} pairing={pairing} />
              ))}
            </div>
          </Part>
        )}
        <Part title={t('devices.members')}>
          {members.isError && <Failure error={members.error} retry={() => void members.refetch()} />}
          <div className="cards">
            {(members.data &&
              selfFirst(members.data.members).map((member) => (
                <MemberCard key={member.id} member={member} all={members.data.members} />
              ))) ?? (
              <>
                <Skeleton height={170} />
                <Skeleton height={170} />
              </>
            )}
          </div>
        </Part>
        <Nearby onAdd={open} />
        <Invites />
      </Stack>
      {(adding || invite !== '') && (
        <AddDevice
          key={invite}
          invite={invite}
          onClose={() => {
            close();
            if (invite !== '') go('devices');
          }}
        />
      )}
    </div>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section aria-label={title}>
      <Title order={2} size="h4" mb="sm">
        {title}
      </Title>
      {children}
    </section>
  );
}

/** The device that somebody sits at, then the others in the order in which they came. */
function selfFirst(members: readonly Member[]): Member[] {
  return [...members].sort((a, b) => Number(b.self) - Number(a.self) || a.sinceMs - b.sinceMs);
}

/** Nodes that announce themselves, or were named, and belong to nobody here. */
export function Nearby({ onAdd }: { readonly onAdd?: () => void }) {
  const { t } = useTranslation();
  const nearby = useNearby();
  const nodes = nearby.data?.nodes ?? [];
  return (
    <Part title={t('devices.nearby')}>
      {nearby.isError && <Failure error={nearby.error} retry={() => void nearby.refetch()} />}
      {nodes.length === 0 ? (
        <Empty icon={<IconRadar2 size={32} />} title={t('devices.nobody')} text={t('devices.nobodyText')}>
          {onAdd && (
            <Button variant="default" onClick={onAdd}>
              {t('devices.add')}
            </Button>
          )}
        </Empty>
      ) : (
        <div className="cards">
          {nodes.map((node) => (
            <NearCard key={`${node.id} ${node.address}`} node={node} />
          ))}
        </div>
      )}
    </Part>
  );
}

function NearCard({ node }: { readonly node: NearNode }) {
  const { t } = useTranslation();
  return (
    <div className="card">
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <div style={{ minWidth: 0 }}>
          <Group gap="xs" wrap="nowrap">
            <IconDevices size={20} aria-hidden />
            <Text fw={600} truncate>
              <Name>{node.name ?? node.address}</Name>
            </Text>
          </Group>
          <Text size="sm" c="dimmed">
            {node.address}
          </Text>
          <Text size="xs" c="dimmed">
            {t('devices.heard', { ago: formatAgo(node.heardMs) })}
          </Text>
          {node.failure === 'JOIN_WAITS' && (
            <Text size="sm" mt={4}>
              {t('trust.waits')}
            </Text>
          )}
        </div>
        <Button size="xs" onClick={() => void askPairing(node.address)}>
          {t('devices.join')}
        </Button>
      </Group>
    </div>
  );
}
