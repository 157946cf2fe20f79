/** What two sides that are about to become one cluster hold and go by: shown before anybody says yes. */
import { useTranslation } from 'react-i18next';
import { useHealth, useMembers, usePolicy } from '../../api/queries.ts';
import type { JoinView } from '../../api/types.ts';
import { Facts } from '../../components/basics.tsx';
import { formatBytes, formatNumber } from '../../components/format.ts';

/** The table. @param there what the other side has told so far. */
export function BothSides({ there }: { readonly there: Partial<JoinView> }) {
  const { t, i18n } = useTranslation();
  const health = useHealth().data;
  const members = useMembers().data?.members ?? [];
  const here = usePolicy().data?.effective;
  const { files, bytes } = there;
  const amount = (count: number, size: number) =>
    t('devices.filesAndBytes', { files: formatNumber(count), size: formatBytes(size) });
  /** What devices go by, in words. */
  const rules = ({ upload, download, minReplicas }: NonNullable<JoinView['policy']>) => {
    const door = (name: string) => (i18n.exists(`policy.doors.${name}`) ? t(`policy.doors.${name}`) : name);
    const copies = t('devices.copies', { count: minReplicas });
    return t('devices.rules', { upload: door(upload), download: door(download), copies });
  };
  return (
    <Facts
      rows={[
        [t('devices.here'), health ? amount(health.files, health.bytes) : '…'],
        files === undefined || bytes === undefined ? undefined : [t('devices.there'), amount(files, bytes)],
        [t('devices.devicesHere'), formatNumber(members.length)],
        there.members === undefined ? undefined : [t('devices.devicesThere'), formatNumber(there.members)],
        here && [t('devices.policyHere'), rules(here)],
        there.policy && [t('devices.policyThere'), rules(there.policy)],
      ]}
    />
  );
}
