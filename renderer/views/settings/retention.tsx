/** Rules that move old files to the trash; what a rule would take is shown before it exists. */
import { Alert, Button, Group, NumberInput, Paper, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import type { RetentionPreview, RetentionRule } from '../../api/types.ts';
import { Failure, Name } from '../../components/basics.tsx';
import { formatBytes, formatNumber, formatTime } from '../../components/format.ts';
import { tell, tellError } from '../../components/notify.tsx';

interface State {
  readonly rules: readonly RetentionRule[];
  readonly clockLeadMs: number;
}

/** The rules and the form for a new one. */
export function Retention() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const state = useQuery({ queryKey: ['retention'], queryFn: () => api<State>('/retention') });
  const refresh = () => client.invalidateQueries({ queryKey: ['retention'] });
  const confirmClock = () => {
    api('/retention/clock', { method: 'POST' }).then(refresh).catch(tellError);
  };
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        {t('retention.text')}
      </Text>
      {state.isError && <Failure error={state.error} retry={() => void state.refetch()} />}
      {state.data && state.data.clockLeadMs > 0 && (
        <Alert color="orange" title={t('retention.clock')}>
          <Stack gap="xs" align="flex-start">
            <Text size="sm">{t('retention.clockText')}</Text>
            <Button size="xs" variant="default" onClick={confirmClock}>
              {t('retention.clockRight')}
            </Button>
          </Stack>
        </Alert>
      )}
      {state.data?.rules.map((rule) => (
        <Rule key={rule.id} rule={rule} refresh={refresh} />
      ))}
      <NewRule refresh={refresh} />
    </Stack>
  );
}

function Rule({ rule, refresh }: { readonly rule: RetentionRule; readonly refresh: () => Promise<void> }) {
  const { t } = useTranslation();
  const { id, folder, scene, days, state } = rule;
  const act = (work: Promise<unknown>) => {
    work.then(refresh).catch(tellError);
  };
  const { waiting } = state;
  return (
    <Paper withBorder p="md">
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <div>
          <Text fw={500}>
            {scene === undefined ? t('retention.inFolder') : t('retention.inScene')}{' '}
            <Name>{scene ?? (folder || t('files.root'))}</Name>: {t('retention.after', { count: days })}
          </Text>
          <Text size="sm" c="dimmed">
            {t('retention.removed', { count: state.removed })}
            {state.ranMs !== undefined && ` · ${t('retention.ran', { time: formatTime(state.ranMs) })}`}
          </Text>
        </div>
        <Button size="xs" variant="default" onClick={() => act(api('/retention', { method: 'DELETE', query: { id } }))}>
          {t('retention.end')}
        </Button>
      </Group>
      {waiting && (
        <Alert color="orange" mt="sm" title={t('retention.waits')}>
          <Stack gap="xs" align="flex-start">
            <Text size="sm">
              {t('retention.waitsText', { files: formatNumber(waiting.files), size: formatBytes(waiting.bytes) })}
            </Text>
            <Button
              size="xs"
              color="red.9"
              onClick={() => act(api('/retention/run', { method: 'POST', json: { id, confirmed: waiting.files } }))}
            >
              {t('retention.confirm')}
            </Button>
          </Stack>
        </Alert>
      )}
    </Paper>
  );
}

function NewRule({ refresh }: { readonly refresh: () => Promise<void> }) {
  const { t } = useTranslation();
  const [by, setBy] = useState('folder');
  const [text, setText] = useState('');
  const [days, setDays] = useState<number | string>(365);
  const [preview, setPreview] = useState<RetentionPreview>();
  const [error, setError] = useState<unknown>();
  const body = { ...(by === 'folder' ? { folder: text } : { scene: text }), days: Number(days) };
  const changed = () => {
    setPreview(undefined);
    setError(undefined);
  };
  const look = async (event: FormEvent) => {
    event.preventDefault();
    try {
      setPreview(await api<RetentionPreview>('/retention/preview', { method: 'POST', json: body }));
    } catch (problem) {
      setError(problem);
    }
  };
  const add = () =>
    modals.openConfirmModal({
      title: t('retention.addTitle'),
      centered: true,
      children: <Text size="sm">{t('retention.addText', { count: preview?.files ?? 0 })}</Text>,
      labels: { confirm: t('retention.add'), cancel: t('common.cancel') },
      onConfirm: () => {
        api('/retention', { method: 'POST', json: body })
          .then(() => {
            tell(t('retention.added'));
            changed();
            return refresh();
          })
          .catch(tellError);
      },
    });
  return (
    <Paper withBorder p="md">
      <form onSubmit={look}>
        <Stack gap="sm">
          <Text fw={600}>{t('retention.new')}</Text>
          <SegmentedControl
            aria-label={t('retention.by')}
            w="fit-content"
            value={by}
            onChange={(value) => {
              setBy(value);
              changed();
            }}
            data={[
              { value: 'folder', label: t('retention.folder') },
              { value: 'scene', label: t('files.scene') },
            ]}
          />
          <Group align="flex-end">
            <TextInput
              style={{ flex: '1 1 200px' }}
              label={t(by === 'folder' ? 'retention.folder' : 'files.scene')}
              description={by === 'folder' ? t('retention.folderText') : undefined}
              value={text}
              required={by === 'scene'}
              onChange={(event) => {
                setText(event.currentTarget.value);
                changed();
              }}
            />
            <NumberInput
              label={t('retention.days')}
              value={days}
              min={1}
              max={36_500}
              required
              w={140}
              onChange={(value) => {
                setDays(value);
                changed();
              }}
            />
            <Button type="submit" variant="default">
              {t('retention.preview')}
            </Button>
          </Group>
          {error !== undefined && <Failure error={error} />}
          {preview && (
            <Alert color={preview.files > 0 ? 'orange' : 'teal'} title={t('retention.would', { count: preview.files })}>
              <Stack gap={4} align="flex-start">
                <Text size="sm">{formatBytes(preview.bytes)}</Text>
                {preview.examples.slice(0, 8).map(({ path }) => (
                  <Text key={path} size="xs">
                    <Name>{path}</Name>
                  </Text>
                ))}
                <Button size="xs" mt="xs" onClick={add}>
                  {t('retention.add')}
                </Button>
              </Stack>
            </Alert>
          )}
        </Stack>
      </form>
    </Paper>
  );
}
