/** The first run: what this device is called, where its files stand, and whom it belongs together with. */
import { Anchor, Button, Group, Paper, SimpleGrid, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconArrowRight } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import icon from '../../../assets/icon.svg';
import { api } from '../../api/http.ts';
import { useHealth, usePairings, useSettings, useTrust } from '../../api/queries.ts';
import { messageOf } from '../../components/basics.tsx';
import { formatBytes } from '../../components/format.ts';
import { tell } from '../../components/notify.tsx';
import { desktop } from '../../state/desktop.ts';
import { remember } from '../../state/preferences.ts';
import { go, hrefOf } from '../../state/route.ts';
import { AddDevice } from '../devices/add-device.tsx';
import { Nearby } from '../devices/devices-screen.tsx';
import { PairingCard } from '../devices/pairing-card.tsx';
import { TrustWindow, useTrustWindow } from '../devices/trust-window.tsx';

/** The screen. */
export default function WelcomeScreen() {
  const { t } = useTranslation();
  const [adding, setAdding] = useState(false);
  const pairings = (usePairings().data?.pairings ?? []).filter(
    ({ state }) => state === 'waiting' || state === 'approved',
  );
  useEffect(() => {
    document.title = `${t('welcome.title')} – Shoal`;
  }, [t]);
  const finish = () => {
    remember('welcomed', true);
    go('files');
  };
  return (
    <Stack maw={860} mx="auto" gap="lg" pt="md" pb={96}>
      <Group wrap="nowrap">
        <img src={icon} width={56} height={56} alt="" />
        <div>
          <Title order={1} size="h2">
            {t('welcome.title')}
          </Title>
          <Text c="dimmed">{t('welcome.text')}</Text>
        </div>
      </Group>
      <Step title={t('welcome.name')} text={t('welcome.nameText')}>
        <DeviceName />
      </Step>
      <Step title={t('welcome.place')} text={desktop ? t('welcome.placeTextApp') : t('welcome.placeText')}>
        <Place />
      </Step>
      <Step title={t('welcome.together')} text={t('welcome.togetherText')}>
        <Question />
        {pairings.length > 0 ? (
          <div className="cards">
            {pairings.map((pairing) => (
              <PairingCard key={pairing.id} pairing={pairing} />
            ))}
          </div>
        ) : (
          <Nearby />
        )}
        <Group mt="sm">
          <Button variant="default" onClick={() => setAdding(true)}>
            {t('welcome.otherWays')}
          </Button>
        </Group>
      </Step>
      <Group justify="space-between">
        <Anchor href={hrefOf('settings', 'access')} size="sm">
          {t('welcome.doors')}
        </Anchor>
        <Button size="md" rightSection={<IconArrowRight size={18} />} onClick={finish}>
          {t('welcome.start')}
        </Button>
      </Group>
      {adding && <AddDevice onClose={() => setAdding(false)} />}
    </Stack>
  );
}

function Step({
  title,
  text,
  children,
}: {
  readonly title: string;
  readonly text: string;
  readonly children: ReactNode;
}) {
  return (
    <Paper withBorder p="lg" component="section" aria-label={title}>
      <Title order={2} size="h4">
        {title}
      </Title>
      <Text size="sm" c="dimmed" mb="md">
        {text}
      </Text>
      {children}
    </Paper>
  );
}

/** The one question. Nothing is chosen beforehand, and who goes on without an answer is asked each time. */
function Question() {
  const { t } = useTranslation();
  const trust = useTrust().data;
  const { open } = useTrustWindow();
  const [asked, setAsked] = useState(false);
  if (trust?.open) return <TrustWindow />;
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} mb="md">
      <div className="card">
        <Text fw={600}>{t('trust.automatic')}</Text>
        <Text size="sm" c="dimmed" mb="sm">
          {t('trust.automaticText')}
        </Text>
        <Button variant="default" onClick={open}>
          {t('trust.trust')}
        </Button>
      </div>
      <div className="card">
        <Text fw={600}>{t('trust.ask')}</Text>
        <Text size="sm" c="dimmed" mb="sm">
          {t('trust.askText')}
        </Text>
        <Button variant="default" aria-pressed={asked} onClick={() => setAsked(true)}>
          {t(asked ? 'trust.asked' : 'trust.askMe')}
        </Button>
      </div>
    </SimpleGrid>
  );
}

function DeviceName() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const health = useHealth().data;
  const [name, setName] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      await api('/settings', { method: 'PATCH', json: { changes: { node_name: (name ?? '').trim() } } });
      tell(t('settings.saved'));
      setName(undefined);
      await client.invalidateQueries({ queryKey: ['health'] });
    } catch (error) {
      setProblem(messageOf(error));
    }
  };
  return (
    <form onSubmit={submit}>
      <Group align="flex-end">
        <TextInput
          style={{ flex: '1 1 240px' }}
          maw={360}
          label={t('files.name')}
          value={name ?? health?.name ?? ''}
          maxLength={64}
          error={problem}
          onChange={(event) => {
            setName(event.currentTarget.value);
            setProblem(undefined);
          }}
        />
        <Button type="submit" variant="default" disabled={name === undefined || name === health?.name}>
          {t('settings.save')}
        </Button>
      </Group>
    </form>
  );
}

/** The folder was chosen when the node was started: it is said, and how it can be another one. */
function Place() {
  const { t } = useTranslation();
  const health = useHealth().data;
  const settings = useSettings().data?.settings;
  const free = health ? formatBytes(health.disk.free) : '…';
  const days = settings?.find(({ key }) => key === 'trash_days')?.value;
  return (
    <Stack gap={4}>
      <Text size="sm">
        <span className="digest">{health?.dataFolder}</span>
      </Text>
      <Text size="sm" c="dimmed">
        {t('welcome.free', { free })} {typeof days === 'number' && days > 0 && t('welcome.trash', { count: days })}
      </Text>
    </Stack>
  );
}
