/** One upload of this browser: how far it is, what is wrong with it, and what can be done. */
import { ActionIcon, Button, FileButton, Group, Progress, Stack, Text, Tooltip } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay, IconRefresh, IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Name } from '../../components/basics.tsx';
import { formatBytes, formatDuration } from '../../components/format.ts';
import { tell } from '../../components/notify.tsx';
import type { UploadItem } from '../../state/upload-item.ts';
import { uploads } from '../../state/uploads.ts';

/** The row. @param conflicts uploads that wait for a decision, where one can be made for all. */
export function UploadRow({ item, conflicts }: { readonly item: UploadItem; readonly conflicts: number }) {
  const { t } = useTranslation();
  const { id, path, size, sent, state } = item;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const percent = size > 0 ? (sent / size) * 100 : 0;
  return (
    <div className="list-row" data-upload={state}>
      <Stack gap={4} style={{ flex: 1 }} miw={0}>
        <Group justify="space-between" wrap="nowrap" gap="sm">
          <Text size="sm" fw={500} truncate>
            <Name>{name}</Name>
          </Text>
          <Text size="xs" c="dimmed" className="num">
            {formatBytes(sent)} / {formatBytes(size)}
          </Text>
        </Group>
        {(state === 'running' || state === 'paused' || state === 'waiting') && (
          <Progress value={percent} size="sm" color={state === 'paused' ? 'gray' : 'sea'} aria-label={name} />
        )}
        <Status item={item} />
        {state === 'conflict' && <Decisions id={id} conflicts={conflicts} />}
        {state === 'lost' && <Again id={id} />}
      </Stack>
      <Group gap={2} wrap="nowrap">
        {(state === 'running' || state === 'waiting') && (
          <Action label={t('transfers.pause')} onClick={() => uploads.pause(id)} icon={<IconPlayerPause size={17} />} />
        )}
        {state === 'paused' && (
          <Action label={t('transfers.goOn')} onClick={() => uploads.resume(id)} icon={<IconPlayerPlay size={17} />} />
        )}
        {state === 'failed' && (
          <Action label={t('common.tryAgain')} onClick={() => uploads.resume(id)} icon={<IconRefresh size={17} />} />
        )}
        <Action label={t('transfers.cancel')} onClick={() => uploads.cancel(id)} icon={<IconX size={17} />} />
      </Group>
    </div>
  );
}

function Action({
  label,
  icon,
  onClick,
}: {
  readonly label: string;
  readonly icon: ReactNode;
  readonly onClick: () => void;
}) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={onClick}>
        {icon}
      </ActionIcon>
    </Tooltip>
  );
}

function Status({ item: { state, error, speed, size, sent } }: { readonly item: UploadItem }) {
  const { t } = useTranslation();
  if (state === 'failed' || state === 'conflict') {
    return (
      <Text size="xs" c="var(--mantine-color-error)">
        {error?.hint === undefined
          ? error?.message
          : t('errors.withHint', { message: error.message, hint: error.hint })}
      </Text>
    );
  }
  if (state === 'running' && speed > 0) {
    return (
      <Text size="xs" c="dimmed">
        {t('transfers.speed', { speed: formatBytes(speed), time: formatDuration((size - sent) / speed) })}
      </Text>
    );
  }
  return (
    <Text size="xs" c="dimmed">
      {t(`transfers.states.${state}`)}
    </Text>
  );
}

function Decisions({ id, conflicts }: { readonly id: string; readonly conflicts: number }) {
  const { t } = useTranslation();
  const choices = ['replace', 'number', 'skip'] as const;
  return (
    <Group gap="xs">
      {choices.map((choice) => (
        <Button key={choice} size="compact-xs" variant="default" onClick={() => uploads.decide(id, choice, false)}>
          {t(`transfers.decide.${choice}`)}
        </Button>
      ))}
      {conflicts > 1 &&
        choices.map((choice) => (
          <Button key={choice} size="compact-xs" variant="subtle" onClick={() => uploads.decide(id, choice, true)}>
            {t(`transfers.decideAll.${choice}`, { count: conflicts })}
          </Button>
        ))}
    </Group>
  );
}

function Again({ id }: { readonly id: string }) {
  const { t } = useTranslation();
  const take = (file: File | null) => {
    if (file && !uploads.giveFile(id, file)) tell(t('transfers.otherFile'));
  };
  return (
    <Group>
      <FileButton onChange={take}>
        {(props) => (
          <Button {...props} size="compact-xs" variant="default">
            {t('transfers.chooseAgain')}
          </Button>
        )}
      </FileButton>
    </Group>
  );
}
