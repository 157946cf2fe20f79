/** The settings: what people change often by topic, the account, rules, backups, and every key of the configuration. */
import {
  Affix,
  Button,
  Group,
  NavLink,
  Paper,
  SegmentedControl,
  Select,
  Skeleton,
  Stack,
  Text,
  Title,
  useMantineColorScheme,
} from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useSettings } from '../../api/queries.ts';
import type { Setting } from '../../api/types.ts';
import { Failure, ScreenHead } from '../../components/basics.tsx';
import { chooseLanguage, type LanguageTag, languages } from '../../i18n.ts';
import { go, hrefOf, useRoute } from '../../state/route.ts';
import { Account } from './account.tsx';
import { AllKeys } from './all-keys.tsx';
import { Backup } from './backup.tsx';
import { DesktopSettings } from './desktop-settings.tsx';
import { type Draft, useDraft } from './draft.ts';
import { MailTest } from './mail-test.tsx';
import { ClusterPolicy } from './policy.tsx';
import { Retention } from './retention.tsx';
import { SettingField } from './setting-field.tsx';

/** Groups of the configuration (config/schema.ts), in the order they are shown. */
const groups = [
  'storage',
  'uploads',
  'downloads',
  'access',
  'network',
  'cluster',
  'images',
  'alarms',
  'logs',
  'compatibility',
] as const;

const parts = ['general', 'account', ...groups, 'retention', 'backup', 'all'] as const;
type Part = (typeof parts)[number];

/** The screen. */
export default function SettingsScreen() {
  const { t } = useTranslation();
  const { rest } = useRoute();
  const [first, searched = ''] = rest.split('/');
  const part = parts.find((name) => name === first) ?? 'general';
  const draft = useDraft();
  const settings = useSettings();
  const count = Object.keys(draft.changes).length;
  useLeaveWarning(count > 0);
  return (
    <div className="page">
      <ScreenHead title={t('places.settings')} />
      <div className="settings">
        <nav className="settings-nav" aria-label={t('settings.parts')}>
          {parts.map((name) => (
            <NavLink
              key={name}
              className="nav-link"
              href={hrefOf('settings', name)}
              active={name === part}
              aria-current={name === part ? 'page' : undefined}
              label={t(`settings.part.${name}`)}
            />
          ))}
        </nav>
        <Select
          className="settings-select"
          aria-label={t('settings.parts')}
          data={parts.map((value) => ({ value, label: t(`settings.part.${value}`) }))}
          value={part}
          allowDeselect={false}
          onChange={(value) => go('settings', value ?? 'general')}
        />
        <Stack gap="lg" miw={0} pb={80}>
          <Title order={2} size="h3">
            {t(`settings.part.${part}`)}
          </Title>
          {settings.isError && <Failure error={settings.error} retry={() => void settings.refetch()} />}
          {settings.data ? (
            <Content part={part} settings={settings.data.settings} draft={draft} searched={searched} />
          ) : (
            <Skeleton height={240} />
          )}
        </Stack>
      </div>
      {count > 0 && (
        <Affix position={{ bottom: 16, left: '50%' }} style={{ transform: 'translateX(-50%)' }}>
          <Paper withBorder shadow="md" p="sm" role="region" aria-label={t('settings.unsaved')}>
            <Group wrap="nowrap">
              <Text size="sm">{t('settings.changes', { count })}</Text>
              <Button variant="default" size="xs" onClick={draft.discard}>
                {t('settings.discard')}
              </Button>
              <Button size="xs" loading={draft.saving} onClick={() => void draft.save()}>
                {t('settings.save')}
              </Button>
            </Group>
          </Paper>
        </Affix>
      )}
    </div>
  );
}

interface ContentProps {
  readonly part: Part;
  readonly settings: readonly Setting[];
  readonly draft: Draft;
  /** What is searched for among all keys. */
  readonly searched: string;
}

function Content({ part, settings, draft, searched }: ContentProps) {
  const fields = (accepts: (setting: Setting) => boolean) =>
    settings.filter(accepts).map((setting) => <SettingField key={setting.key} setting={setting} draft={draft} />);
  switch (part) {
    case 'general':
      return (
        <Card>
          {fields(({ key }) => key === 'node_name')}
          <Appearance />
          <DesktopSettings />
        </Card>
      );
    case 'account':
      return <Account />;
    case 'retention':
      return <Retention />;
    case 'backup':
      return <Backup settings={settings} />;
    case 'all':
      return <AllKeys key={searched} settings={settings} draft={draft} first={searched} />;
    default:
      return (
        <>
          <Card>{fields((setting) => setting.group === part && !setting.expert && setting.key !== 'node_name')}</Card>
          {part === 'alarms' && <MailTest />}
          {part === 'cluster' && <ClusterPolicy />}
          <MoreKeys settings={settings} part={part} />
        </>
      );
  }
}

function Card({ children }: { readonly children: ReactNode }) {
  return (
    <Paper withBorder p="md">
      <Stack gap="lg">{children}</Stack>
    </Paper>
  );
}

/** Rare keys are where all keys are. */
function MoreKeys({ settings, part }: { readonly settings: readonly Setting[]; readonly part: string }) {
  const { t } = useTranslation();
  const count = settings.filter(({ group, expert }) => group === part && expert).length;
  if (count === 0) return null;
  return (
    <Text size="sm" c="dimmed">
      {t('settings.moreKeys', { count })} <a href={hrefOf('settings', 'all')}>{t('settings.part.all')}</a>
    </Text>
  );
}

function Appearance() {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const choose = (tag: LanguageTag) => {
    void chooseLanguage(tag).then(() => client.invalidateQueries());
  };
  return (
    <>
      <Select
        label={t('shell.language')}
        maw={260}
        allowDeselect={false}
        data={Object.entries(languages).map(([value, label]) => ({ value, label }))}
        value={i18n.language}
        onChange={(value) => choose(value as LanguageTag)}
      />
      <Stack gap={4}>
        <Text size="sm" fw={500} id="appearance">
          {t('shell.theme')}
        </Text>
        <SegmentedControl
          aria-labelledby="appearance"
          w="fit-content"
          value={colorScheme}
          onChange={(value) => setColorScheme(value as typeof colorScheme)}
          data={(['auto', 'light', 'dark'] as const).map((value) => ({ value, label: t(`themes.${value}`) }))}
        />
      </Stack>
    </>
  );
}

/** Whoever closes the window with something unsaved is asked by the browser. */
function useLeaveWarning(isNeeded: boolean): void {
  useEffect(() => {
    if (!isNeeded) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [isNeeded]);
}
