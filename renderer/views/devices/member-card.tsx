/** One device of the cluster: how it is, when it was seen, what is wrong, and what can be done. */
import { ActionIcon, Alert, Anchor, Badge, Button, Group, Menu, Modal, Stack, Text, TextInput } from '@mantine/core';
import { modals } from '@mantine/modals';
import {
  IconBrandApple,
  IconBrandWindows,
  IconDeviceDesktop,
  IconDots,
  IconPencil,
  IconServer2,
  IconTrash,
} from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import { useHealth } from '../../api/queries.ts';
import type { Member } from '../../api/types.ts';
import { Facts, messageOf, Name } from '../../components/basics.tsx';
import { formatAgo, formatBytes, formatNumber, formatTime } from '../../components/format.ts';
import { tell, tellError } from '../../components/notify.tsx';
import { hrefOf } from '../../state/route.ts';

/** By the kind of device that a member says it is. */
const icons: Readonly<Record<string, typeof IconDeviceDesktop>> = {
  server: IconServer2,
  windows: IconBrandWindows,
  mac: IconBrandApple,
};

/** The card. @param all members, for the name of the one that let it in. */
export function MemberCard({ member, all }: { readonly member: Member; readonly all: readonly Member[] }) {
  const { t } = useTranslation();
  const health = useHealth().data;
  const [renaming, setRenaming] = useState(false);
  const by = all.find(({ id }) => id === member.admittedBy);
  const Icon = icons[member.figures?.device ?? ''] ?? IconDeviceDesktop;
  return (
    <div className="card" data-member={member.name}>
      <Group justify="space-between" wrap="nowrap" align="flex-start" mb="xs">
        <Group gap="xs" wrap="nowrap" miw={0}>
          <Icon size={22} stroke={1.6} aria-hidden style={{ flexShrink: 0 }} />
          <Text fw={600} truncate>
            <Name>{member.name}</Name>
          </Text>
        </Group>
        <Group gap={4} wrap="nowrap">
          <Badge color={member.online ? 'teal.9' : 'gray.7'} variant="filled" style={{ flexShrink: 0 }}>
            {t(member.self ? 'devices.thisDevice' : member.online ? 'devices.online' : 'devices.offline')}
          </Badge>
          <Actions member={member} onRename={() => setRenaming(true)} />
        </Group>
      </Group>
      <Problems member={member} />
      <Facts
        rows={[
          holdings(),
          lag(),
          space(),
          member.self ? undefined : [t('devices.seen'), seen(member)],
          [t('devices.since'), formatTime(member.sinceMs)],
          [t('devices.way'), t(`devices.ways.${member.way}`)],
          by && by.id !== member.id ? [t('devices.by'), <Name key="by">{by.name}</Name>] : undefined,
          [t('devices.addresses'), member.addresses.join(', ') || t('devices.noAddress')],
        ]}
      />
      {renaming && <Rename member={member} onClose={() => setRenaming(false)} />}
    </div>
  );

  function holdings(): readonly [string, string] | undefined {
    const { figures } = member;
    const held =
      figures?.verified ?? (member.self && health ? { files: health.files, bytes: health.bytes } : undefined);
    if (!held) return undefined;
    const text = t('devices.filesAndBytes', { files: formatNumber(held.files), size: formatBytes(held.bytes) });
    return [t('devices.holds'), text];
  }

  function space(): readonly [string, string] | undefined {
    const disk = member.figures?.disk ?? (member.self ? health?.disk : undefined);
    if (!disk) return undefined;
    return [t('devices.space'), t('shell.free', { free: formatBytes(disk.free), total: formatBytes(disk.total) })];
  }

  /** How far a device is behind: bytes that it lacks, and news that it has not heard. */
  function lag(): readonly [string, string] | undefined {
    const { figures } = member;
    if (!figures) return undefined;
    const { missing, behind } = figures;
    if (missing.files === 0 && behind === 0) return [t('devices.lag'), t('devices.upToDate')];
    return [
      t('devices.lag'),
      t('devices.lagText', {
        files: formatNumber(missing.files),
        size: formatBytes(missing.bytes),
        news: formatNumber(behind),
      }),
    ];
  }

  function seen({ online, seenMs }: Member): string {
    if (online) return t('devices.now');
    return seenMs === undefined ? t('devices.notYet') : formatAgo(seenMs);
  }
}

function Problems({ member }: { readonly member: Member }) {
  const { t } = useTranslation();
  if (member.twin) {
    return (
      <Alert color="red" mb="xs" title={t('devices.twin')}>
        {t('devices.twinText')}
      </Alert>
    );
  }
  if (member.figures?.stalled) {
    return (
      <Alert color="red" mb="xs" title={t('devices.stalled')}>
        {t('devices.stalledText')}
      </Alert>
    );
  }
  if (member.figures && member.figures.lost > 0) {
    return (
      <Alert color="orange" mb="xs" title={t('devices.lost', { count: member.figures.lost })}>
        <Anchor href={hrefOf('health')}>{t('devices.toHealth')}</Anchor>
      </Alert>
    );
  }
  if (member.refusal !== undefined) {
    return (
      <Alert color="orange" mb="xs" title={t('devices.refuses')}>
        {t('devices.refusesText', { code: member.refusal })}
      </Alert>
    );
  }
  const [unreached] = member.self ? [] : member.unreachedBy;
  if (unreached) {
    return (
      <Alert color="orange" mb="xs" title={t('devices.unreached')}>
        {t('devices.unreachedText', { name: member.name, tried: unreached.tried.join(', ') })}
      </Alert>
    );
  }
  if (!member.self && !member.online) {
    return (
      <Text size="xs" c="dimmed" mb="xs">
        {t('devices.offlineText')}
      </Text>
    );
  }
  return null;
}

function Actions({ member, onRename }: { readonly member: Member; readonly onRename: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const remove = () =>
    modals.openConfirmModal({
      title: t('devices.removeTitle', { name: member.name }),
      centered: true,
      children: <Text size="sm">{t('devices.removeText')}</Text>,
      labels: { confirm: t('devices.remove'), cancel: t('common.cancel') },
      confirmProps: { color: 'red.9' },
      onConfirm: () => {
        api('/members', { method: 'DELETE', query: { id: member.id } })
          .then(() => {
            tell(t('devices.removed', { name: member.name }));
            return client.invalidateQueries({ queryKey: ['members'] });
          })
          .catch(tellError);
      },
    });
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t('files.menuOf', { name: member.name })}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconPencil size={16} />} onClick={onRename}>
          {t('files.rename')}
        </Menu.Item>
        {!member.self && (
          <Menu.Item c="var(--mantine-color-error)" leftSection={<IconTrash size={16} />} onClick={remove}>
            {t('devices.remove')}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

function Rename({ member, onClose }: { readonly member: Member; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState(member.name);
  const [problem, setProblem] = useState<string>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      await api('/members', { method: 'PATCH', json: { id: member.id, name: name.trim() } });
      await client.invalidateQueries({ queryKey: ['members'] });
      onClose();
    } catch (error) {
      setProblem(messageOf(error));
    }
  };
  return (
    <Modal opened onClose={onClose} title={t('devices.renameTitle')} centered>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            data-autofocus
            label={t('files.name')}
            value={name}
            maxLength={64}
            required
            error={problem}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('common.cancel')}
            </Button>
            <Button type="submit">{t('files.rename')}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
