/** What the desktop app asks of this device only. Nothing in a browser. */
import { Switch } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { tellError } from '../../components/notify.tsx';
import { desktop } from '../../state/desktop.ts';

/** The choices. */
export function DesktopSettings() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const info = useQuery({
    queryKey: ['desktop'],
    queryFn: () => desktop?.info() ?? null,
    enabled: desktop !== undefined,
  });
  if (!desktop || !info.data) return null;
  const { setAutostart, setLinkAfterUpload } = desktop;
  const change = (changing: Promise<undefined>) => {
    void changing.catch(tellError).finally(() => client.invalidateQueries({ queryKey: ['desktop'] }));
  };
  return (
    <>
      <Switch
        label={t('settings.desktop.autostart')}
        description={t('settings.desktop.autostartText')}
        checked={info.data.autostart}
        onChange={({ currentTarget: { checked: on } }) => change(setAutostart({ on }))}
      />
      <Switch
        label={t('settings.desktop.linkAfterUpload')}
        description={t('settings.desktop.linkAfterUploadText')}
        checked={info.data.linkAfterUpload}
        onChange={({ currentTarget: { checked: on } }) => change(setLinkAfterUpload({ on }))}
      />
    </>
  );
}
