/** What can be done with one entry or several, where the pointer is. */
import { Menu } from '@mantine/core';
import {
  IconDownload,
  IconExternalLink,
  IconEye,
  IconFolderOpen,
  IconFolderSearch,
  IconFolderSymlink,
  IconInfoCircle,
  IconLink,
  IconPencil,
  IconTrash,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Entry } from '../../api/types.ts';
import { tellError } from '../../components/notify.tsx';
import { desktop } from '../../state/desktop.ts';

interface EntryMenuProps {
  readonly entries: readonly Entry[];
  readonly x: number;
  readonly y: number;
  readonly onOpen: (entry: Entry) => void;
  readonly onDownload: (entries: readonly Entry[]) => void;
  readonly onShare: (entry: Entry) => void;
  readonly onRename: (entry: Entry) => void;
  readonly onMove: (entries: readonly Entry[]) => void;
  readonly onDetails: (entry: Entry) => void;
  readonly onRemove: (entries: readonly Entry[]) => void;
  readonly onClose: () => void;
}

/** The menu. */
export function EntryMenu(props: EntryMenuProps) {
  const { entries, x, y, onOpen, onDownload, onShare, onRename, onMove, onDetails, onRemove, onClose } = props;
  const { t } = useTranslation();
  const only = entries.length === 1 ? entries[0] : undefined;
  return (
    <Menu opened onClose={onClose} position="bottom-start" offset={2} trapFocus returnFocus>
      <Menu.Target>
        <button
          type="button"
          tabIndex={-1}
          className="menu-anchor"
          style={{ left: x, top: y }}
          aria-label={t('files.menu')}
        />
      </Menu.Target>
      <Menu.Dropdown>
        {only && (
          <Menu.Item
            leftSection={only.kind === 'folder' ? <IconFolderOpen size={16} /> : <IconEye size={16} />}
            onClick={() => onOpen(only)}
          >
            {t(only.kind === 'folder' ? 'files.open' : 'files.preview')}
          </Menu.Item>
        )}
        {desktop && only?.kind === 'file' && (
          <>
            <Menu.Item
              leftSection={<IconExternalLink size={16} />}
              onClick={() => void desktop?.openFile({ path: only.path }).catch(tellError)}
            >
              {t('files.openOutside')}
            </Menu.Item>
            <Menu.Item
              leftSection={<IconFolderSearch size={16} />}
              onClick={() => void desktop?.showInFolder({ path: only.path }).catch(tellError)}
            >
              {t('files.showInFolder')}
            </Menu.Item>
          </>
        )}
        <Menu.Item leftSection={<IconDownload size={16} />} onClick={() => onDownload(entries)}>
          {t('files.download')}
        </Menu.Item>
        {only && (
          <Menu.Item leftSection={<IconLink size={16} />} onClick={() => onShare(only)}>
            {t('files.share')}
          </Menu.Item>
        )}
        <Menu.Divider />
        {only && (
          <Menu.Item leftSection={<IconPencil size={16} />} onClick={() => onRename(only)}>
            {t('files.rename')}
          </Menu.Item>
        )}
        <Menu.Item leftSection={<IconFolderSymlink size={16} />} onClick={() => onMove(entries)}>
          {t('files.move')}
        </Menu.Item>
        {only?.kind === 'file' && (
          <Menu.Item leftSection={<IconInfoCircle size={16} />} onClick={() => onDetails(only)}>
            {t('files.details')}
          </Menu.Item>
        )}
        <Menu.Divider />
        <Menu.Item
          c="var(--mantine-color-error)"
          leftSection={<IconTrash size={16} />}
          onClick={() => onRemove(entries)}
        >
          {t('files.remove')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
