/** All links: where they lead, how they stand, how often they were used, and their end. */
import {
  ActionIcon,
  Badge,
  Button,
  CopyButton,
  Group,
  Modal,
  Paper,
  SegmentedControl,
  Skeleton,
  Stack,
  Text,
  Tooltip,
} from '@mantine/core';
import { modals } from '@mantine/modals';
import { IconCheck, IconCopy, IconLink, IconLock, IconQrcode, IconTrash } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import { useLinks } from '../../api/queries.ts';
import type { Link } from '../../api/types.ts';
import { Empty, Failure, Name, ScreenHead } from '../../components/basics.tsx';
import { FileIcon } from '../../components/file-icon.tsx';
import { formatAgo, formatNumber, formatTime } from '../../components/format.ts';
import { tell, tellError } from '../../components/notify.tsx';
import { Qr } from '../../components/qr.tsx';
import { hrefOf } from '../../state/route.ts';

/** The screen. */
export default function ShareScreen() {
  const { t } = useTranslation();
  const links = useLinks();
  const [shown, setShown] = useState('good');
  const [qr, setQr] = useState<Link>();
  const all = links.data?.links ?? [];
  const list = all.filter(({ state }) => shown === 'all' || state === 'good');
  return (
    <div className="page">
      <ScreenHead title={t('places.share')} text={t('share.text')}>
        <SegmentedControl
          aria-label={t('share.which')}
          value={shown}
          onChange={setShown}
          data={[
            { value: 'good', label: t('share.good') },
            { value: 'all', label: t('share.all') },
          ]}
        />
      </ScreenHead>
      {links.isError && <Failure error={links.error} retry={() => void links.refetch()} />}
      {links.isPending && <Skeleton height={180} />}
      {links.data && list.length === 0 && (
        <Empty icon={<IconLink size={32} />} title={t('share.none')} text={t('share.noneText')}>
          <Button component="a" href={hrefOf('files')}>
            {t('share.toFiles')}
          </Button>
        </Empty>
      )}
      {list.length > 0 && (
        <Paper withBorder px="md" py={4}>
          {list.map((link) => (
            <LinkRow key={link.id} link={link} onQr={() => setQr(link)} />
          ))}
        </Paper>
      )}
      {qr && (
        <Modal opened onClose={() => setQr(undefined)} title={t('share.qr')} centered>
          <Stack align="center">
            <Qr text={qr.url} label={t('share.qr')} size={240} />
            <Text className="digest" ta="center">
              {qr.url}
            </Text>
          </Stack>
        </Modal>
      )}
    </div>
  );
}

function LinkRow({ link, onQr }: { readonly link: Link; readonly onQr: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const name = link.path === '' ? t('files.root') : link.path.slice(link.path.lastIndexOf('/') + 1);
  const isGood = link.state === 'good';
  const revoke = () =>
    modals.openConfirmModal({
      title: t('share.endTitle'),
      centered: true,
      children: <Text size="sm">{t('share.endText')}</Text>,
      labels: { confirm: t('share.end'), cancel: t('common.cancel') },
      confirmProps: { color: 'red.9' },
      onConfirm: () => {
        api('/links', { method: 'DELETE', query: { id: link.id } })
          .then(() => {
            tell(t('share.ended'));
            return client.invalidateQueries({ queryKey: ['links'] });
          })
          .catch(tellError);
      },
    });
  const uses =
    link.maxUses === undefined
      ? t('share.uses', { count: link.uses })
      : t('share.usesOf', { uses: formatNumber(link.uses), max: formatNumber(link.maxUses) });
  return (
    <div className="list-row" data-link={link.state}>
      <FileIcon look={link.kind === 'file' ? 'other' : 'folder'} size={26} />
      <div style={{ flex: 1, minWidth: 0 }}>
        <Group gap={6}>
          <Text fw={500} truncate>
            <Name>{name}</Name>
          </Text>
          {link.hasPassword && <IconLock size={15} role="img" aria-label={t('share.withPassword')} />}
          {link.kind === 'upload' && (
            <Badge size="sm" variant="light" tt="none" c="var(--mantine-color-text)">
              {t('share.forUploads')}
            </Badge>
          )}
          {!isGood && (
            <Badge size="sm" color="gray.7" variant="filled" tt="none">
              {t(`share.states.${link.state}`)}
            </Badge>
          )}
        </Group>
        <Text size="xs" c="dimmed">
          {uses} ·{' '}
          {link.expiresMs === undefined ? t('share.noEnd') : t('share.until', { time: formatTime(link.expiresMs) })} ·{' '}
          {formatAgo(link.createdMs)}
          {link.label !== '' && (
            <>
              {' '}
              · <Name>{link.label}</Name>
            </>
          )}
        </Text>
      </div>
      {isGood && (
        <Group gap={2} wrap="nowrap">
          <CopyButton value={link.url}>
            {({ copied, copy }) => (
              <Tooltip label={t(copied ? 'common.copied' : 'share.copy')}>
                <ActionIcon variant="subtle" color="gray" onClick={copy} aria-label={t('share.copy')}>
                  {copied ? <IconCheck size={18} /> : <IconCopy size={18} />}
                </ActionIcon>
              </Tooltip>
            )}
          </CopyButton>
          <Tooltip label={t('share.qr')}>
            <ActionIcon variant="subtle" color="gray" onClick={onQr} aria-label={t('share.qr')}>
              <IconQrcode size={18} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label={t('share.end')}>
            <ActionIcon variant="subtle" color="gray" onClick={revoke} aria-label={t('share.end')}>
              <IconTrash size={18} />
            </ActionIcon>
          </Tooltip>
        </Group>
      )}
    </div>
  );
}
