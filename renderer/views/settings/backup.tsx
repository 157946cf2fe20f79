/** Copies of the settings and of the node. */
import { Button, FileButton, Group, Paper, Stack, Text } from '@mantine/core';
import { IconDownload, IconUpload } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, apiUrl } from '../../api/http.ts';
import { useSession } from '../../api/queries.ts';
import type { Setting } from '../../api/types.ts';
import { tell, tellError } from '../../components/notify.tsx';

/** Settings that are given back can be no larger than this, in bytes. */
const maxBytes = 1024 * 1024;

/** The cards. */
export function Backup({ settings }: { readonly settings: readonly Setting[] }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const isOnHost = ['host', 'token'].includes(useSession().data?.by ?? '');
  const save = () => {
    const own = settings.filter(({ source, secret }) => source === 'file' && !secret);
    const text = JSON.stringify(Object.fromEntries(own.map(({ key, value }) => [key, value])), null, 2);
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    link.download = 'shoal-settings.json';
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const load = async (file: File | null) => {
    if (!file) return;
    try {
      if (file.size > maxBytes) throw new Error(t('settings.notSettings'));
      const changes = readSettings(await file.text(), settings);
      if (!changes) throw new Error(t('settings.notSettings'));
      await api('/settings', { method: 'PATCH', json: { changes } });
      tell(t('settings.saved'));
      await client.invalidateQueries({ queryKey: ['settings'] });
    } catch (error) {
      tellError(error);
    }
  };
  return (
    <Stack>
      <Paper withBorder p="md">
        <Text fw={600}>{t('settings.backupSettings')}</Text>
        <Text size="sm" c="dimmed" mb="sm">
          {t('settings.backupSettingsText')}
        </Text>
        <Group>
          <Button variant="default" leftSection={<IconDownload size={16} />} onClick={save}>
            {t('settings.saveSettings')}
          </Button>
          <FileButton accept="application/json" onChange={(file) => void load(file)}>
            {(props) => (
              <Button {...props} variant="default" leftSection={<IconUpload size={16} />}>
                {t('settings.loadSettings')}
              </Button>
            )}
          </FileButton>
        </Group>
      </Paper>
      <Paper withBorder p="md">
        <Text fw={600}>{t('settings.backupNode')}</Text>
        <Text size="sm" c="dimmed" mb="sm">
          {t(isOnHost ? 'settings.backupNodeText' : 'settings.backupNodeElsewhere')}
        </Text>
        {isOnHost && (
          <Group>
            <Button component="a" variant="default" href={apiUrl('/backup')} download="shoal-backup.tar">
              {t('settings.backupCatalogue')}
            </Button>
            <Button
              component="a"
              variant="default"
              href={apiUrl('/backup', { bytes: true })}
              download="shoal-backup.tar"
            >
              {t('settings.backupAll')}
            </Button>
          </Group>
        )}
      </Paper>
    </Stack>
  );
}

/** Only keys that this node knows; what it thinks of the values it says itself. */
function readSettings(text: string, settings: readonly Setting[]): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const known = Object.entries(value).filter(([key]) => settings.some((setting) => setting.key === key));
    return known.length > 0 ? Object.fromEntries(known) : undefined;
  } catch {
    return undefined;
  }
}
