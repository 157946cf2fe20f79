/** The frame around every screen: where one can go, what is on its way, and the visitor's own choices. */
import {
  ActionIcon,
  Alert,
  AppShell,
  Badge,
  Box,
  Burger,
  Group,
  Indicator,
  Menu,
  NavLink,
  Progress,
  ScrollArea,
  Stack,
  Text,
  UnstyledButton,
  useMantineColorScheme,
} from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  IconActivityHeartbeat,
  IconCheck,
  IconDeviceDesktop,
  IconDevices,
  IconFolder,
  IconLanguage,
  IconLink,
  IconLogout,
  IconMoon,
  IconPlugConnectedX,
  IconSettings,
  IconSun,
  IconTransfer,
  IconTrash,
  IconUserCircle,
} from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import icon from '../../assets/icon.svg';
import { useConnected } from '../api/events.ts';
import { api } from '../api/http.ts';
import { useAlarms, useHealth, usePairings, useSession } from '../api/queries.ts';
import { Name } from '../components/basics.tsx';
import { formatBytes } from '../components/format.ts';
import { tellError } from '../components/notify.tsx';
import { chooseLanguage, type LanguageTag, languages } from '../i18n.ts';
import { hrefOf, type Screen } from '../state/route.ts';
import { useUploads } from '../state/uploads.ts';

const places = [
  ['files', IconFolder],
  ['transfers', IconTransfer],
  ['devices', IconDevices],
  ['share', IconLink],
  ['trash', IconTrash],
  ['health', IconActivityHeartbeat],
  ['settings', IconSettings],
] as const;

/** The frame. @param screen that is shown. */
export function Shell({ screen, children }: { readonly screen: Screen; readonly children: ReactNode }) {
  const { t } = useTranslation();
  const [opened, { toggle, close }] = useDisclosure();
  const connected = useConnected();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another screen closes the menu of small windows.
  useEffect(close, [screen]);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding="md"
    >
      <AppShell.Header px="md">
        <button type="button" className="skip" onClick={() => document.getElementById('main')?.focus()}>
          {t('shell.skip')}
        </button>
        <Group h="100%" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('shell.menu')} />
            <UnstyledButton component="a" href={hrefOf('files')}>
              <Group gap={10} wrap="nowrap">
                <img src={icon} width={30} height={30} alt="" />
                <Text fw={700} size="lg">
                  Shoal
                </Text>
              </Group>
            </UnstyledButton>
          </Group>
          <Group gap={4} wrap="nowrap">
            <Language />
            <Theme />
            <Account />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs">
        <AppShell.Section grow component={ScrollArea}>
          <Places screen={screen} />
        </AppShell.Section>
        <AppShell.Section>
          <Space />
        </AppShell.Section>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1} style={{ outline: 'none' }}>
        {!connected && (
          <Alert color="orange" icon={<IconPlugConnectedX />} mb="sm" role="status">
            {t('shell.disconnected')}
          </Alert>
        )}
        {children}
      </AppShell.Main>
    </AppShell>
  );
}

function Places({ screen }: { readonly screen: Screen }) {
  const { t } = useTranslation();
  const active = useUploads((state) => state.items.filter((item) => item.state === 'running').length);
  const alarms = useAlarms().data?.alarms.filter((alarm) => alarm.closedMs === undefined && !alarm.acknowledgedMs);
  const asking = usePairings().data?.pairings.filter((one) => one.state === 'waiting' && !one.confirmed);
  const counts: Partial<Record<Screen, number>> = {
    transfers: active,
    health: alarms?.length ?? 0,
    devices: asking?.length ?? 0,
  };
  return (
    <Stack gap={2} component="nav" aria-label={t('shell.menu')}>
      {places.map(([name, Icon]) => {
        const count = counts[name] ?? 0;
        return (
          <NavLink
            key={name}
            className="nav-link"
            href={hrefOf(name)}
            active={screen === name}
            aria-current={screen === name ? 'page' : undefined}
            label={t(`places.${name}`)}
            leftSection={<Icon size={20} stroke={1.6} aria-hidden />}
            rightSection={
              count > 0 && (
                <Badge size="sm" circle={count < 10} color={name === 'health' ? 'red.9' : 'sea'}>
                  {count}
                </Badge>
              )
            }
          />
        );
      })}
    </Stack>
  );
}

function Space() {
  const { t } = useTranslation();
  const health = useHealth().data;
  if (!health || health.disk.total === 0) return <Box h={58} />;
  const { total, free } = health.disk;
  const used = ((total - free) / total) * 100;
  return (
    <Box px="xs" pb={4}>
      <Group justify="space-between" gap={4} mb={4}>
        <Text size="xs" fw={600} truncate maw={120}>
          <Name>{health.name}</Name>
        </Text>
        <Indicator size={8} color={health.ready ? 'teal' : 'orange'} position="middle-center" aria-hidden>
          <Box w={8} h={8} />
        </Indicator>
      </Group>
      <Progress value={used} size="sm" color={used > 92 ? 'red' : 'sea'} aria-label={t('shell.disk')} />
      <Text size="xs" c="dimmed" mt={4}>
        {t('shell.free', { free: formatBytes(free), total: formatBytes(total) })}
      </Text>
    </Box>
  );
}

function Language() {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const choose = (tag: LanguageTag) => {
    void chooseLanguage(tag).then(() => client.invalidateQueries());
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t('shell.language')}>
          <IconLanguage size={20} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {Object.entries(languages).map(([tag, name]) => (
          <Menu.Item
            key={tag}
            lang={tag}
            onClick={() => choose(tag as LanguageTag)}
            rightSection={i18n.language === tag && <IconCheck size={16} />}
          >
            {name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

const schemes = [
  ['auto', IconDeviceDesktop],
  ['light', IconSun],
  ['dark', IconMoon],
] as const;

function Theme() {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t('shell.theme')}>
          {colorScheme === 'dark' ? <IconMoon size={20} /> : <IconSun size={20} />}
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {schemes.map(([name, Icon]) => (
          <Menu.Item
            key={name}
            leftSection={<Icon size={16} />}
            rightSection={colorScheme === name && <IconCheck size={16} />}
            onClick={() => setColorScheme(name)}
          >
            {t(`themes.${name}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function Account() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const session = useSession().data;
  if (session?.by !== 'session') return null;
  const leave = () => {
    api('/logout', { method: 'POST', json: {} })
      .then(() => client.clear())
      .then(() => window.location.reload())
      .catch(tellError);
  };
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t('shell.account')}>
          <IconUserCircle size={20} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <Name>{session.name ?? ''}</Name>
        </Menu.Label>
        <Menu.Item component="a" href={hrefOf('settings', 'account')} leftSection={<IconSettings size={16} />}>
          {t('shell.accountSettings')}
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={leave}>
          {t('shell.signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
