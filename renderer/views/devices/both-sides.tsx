/** What two sides that are about to become one cluster hold and go by, side by side: shown before anybody says yes. */
import { Table } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useHealth, useMembers, usePolicy } from '../../api/queries.ts';
import type { JoinView } from '../../api/types.ts';
import { formatBytes, formatNumber } from '../../components/format.ts';

/** The table. @param there what the other side has told so far. */
export function BothSides({ there }: { readonly there: Partial<JoinView> }) {
  const { t, i18n } = useTranslation();
  const health = useHealth().data;
  const members = useMembers().data?.members;
  const policy = usePolicy().data?.effective;
  const here: Partial<JoinView> = {
    ...(health && { files: health.files, bytes: health.bytes }),
    ...(members && { members: members.length }),
    ...(policy && { policy }),
  };
  const amount = ({ files, bytes }: Partial<JoinView>) =>
    files === undefined || bytes === undefined
      ? '…'
      : t('devices.filesAndBytes', { files: formatNumber(files), size: formatBytes(bytes) });
  const door = (name: string) => (i18n.exists(`policy.doors.${name}`) ? t(`policy.doors.${name}`) : name);
  /** What devices go by, in words. */
  const rules = ({ policy: rule }: Partial<JoinView>) =>
    rule === undefined
      ? '…'
      : t('devices.rules', {
          upload: door(rule.upload),
          download: door(rule.download),
          copies: t('devices.copies', { count: rule.minReplicas }),
        });
  const count = (side: Partial<JoinView>) => (side.members === undefined ? '…' : formatNumber(side.members));
  const rows = [
    ['devices.holds', amount],
    ['places.devices', count],
    ['devices.byRules', rules],
  ] as const;
  return (
    <Table layout="fixed" verticalSpacing={6} horizontalSpacing="xs" fz="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th w="26%" />
          <Table.Th scope="col">{t('devices.here')}</Table.Th>
          <Table.Th scope="col">{t('devices.there')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map(([title, text]) => (
          <Table.Tr key={title}>
            <Table.Th scope="row" fw={400} c="dimmed">
              {t(title)}
            </Table.Th>
            <Table.Td>{text(here)}</Table.Td>
            <Table.Td>{text(there)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
