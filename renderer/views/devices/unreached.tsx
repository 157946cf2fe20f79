/** Others hear this device and cannot connect to it: why, and what mends it. */
import { Alert, Anchor, Stack, Text } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Member, MemberList } from '../../api/types.ts';
import { formatTime, visibleName } from '../../components/format.ts';
import { hrefOf } from '../../state/route.ts';

/** The alert, if there is anything to tell. */
export function Unreached({ list }: { readonly list: MemberList }) {
  const { t, i18n } = useTranslation();
  const by = list.members.find(({ self }) => self)?.unreachedBy ?? [];
  if (by.length === 0) return null;
  const tried = [...new Set(by.flatMap((one) => one.tried))];
  // Somewhere else than where this device listens: no firewall is to blame for that.
  const isAstray = tried.length > 0 && !tried.some((address) => address.endsWith(`:${list.peerPort}`));
  const names = new Intl.ListFormat(i18n.language).format(by.map(({ node }) => nameOf(list.members, node)));
  return (
    <Alert
      color={list.nobodyReaches ? 'red' : 'orange'}
      icon={<IconPlugConnectedX />}
      title={list.nobodyReaches ? t('devices.nobodyReaches') : t('devices.someReach', { names })}
    >
      <Stack gap="xs" align="flex-start">
        <Text size="sm" className="long">
          {t('devices.reachCause', {
            tried: tried.join(', ') || t('devices.noAddress'),
            time: formatTime(Math.min(...by.map(({ sinceMs }) => sinceMs))),
          })}
        </Text>
        <Text size="sm">
          {t(isAstray ? 'devices.reachAddress' : 'devices.reachFirewall', { port: String(list.peerPort) })}
        </Text>
        {isAstray ? (
          <Anchor size="sm" href={hrefOf('settings', 'all/advertise')}>
            {t('devices.reachSettings')}
          </Anchor>
        ) : (
          <Text size="sm">{t('devices.reachNetwork')}</Text>
        )}
      </Stack>
    </Alert>
  );
}

function nameOf(members: readonly Member[], id: string): string {
  return visibleName(members.find((member) => member.id === id)?.name ?? id.slice(0, 8));
}
