/** Folders as a tree, opened where somebody looks. Also to choose one from. */
import { ActionIcon, Box, Text } from '@mantine/core';
import { IconChevronDown, IconChevronRight, IconFolderFilled, IconHome } from '@tabler/icons-react';
import { type DragEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useTree } from '../../api/queries.ts';
import { Name } from '../../components/basics.tsx';
import { hrefOf } from '../../state/route.ts';

interface TreeProps {
  /** The folder that is shown or chosen. */
  readonly current: string;
  /** Chooses a folder instead of going there. */
  readonly onPick?: (folder: string) => void;
  /** Something of the app was dropped on a folder. */
  readonly onDrop?: (event: DragEvent, folder: string) => void;
}

/** The tree. */
export function FolderTree(props: TreeProps) {
  return (
    <Box component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
      <Branch {...props} folder="" depth={0} />
    </Box>
  );
}

function Branch(props: TreeProps & { readonly folder: string; readonly depth: number }) {
  const { current, onPick, onDrop, folder, depth } = props;
  const { t } = useTranslation();
  const isAbove = folder === '' || current === folder || current.startsWith(`${folder}/`);
  const [open, setOpen] = useState(isAbove);
  // Whoever goes deeper sees where.
  useEffect(() => {
    if (isAbove) setOpen(true);
  }, [isAbove]);
  const tree = useTree(folder, open);
  const folders = tree.data?.entries ?? [];
  const name = folder === '' ? t('files.root') : folder.slice(folder.lastIndexOf('/') + 1);
  const Chevron = open ? IconChevronDown : IconChevronRight;
  return (
    <li>
      <div className="tree-row" style={{ paddingInlineStart: depth * 14 }}>
        {folder === '' ? (
          <Box w={8} />
        ) : (
          <ActionIcon
            size="sm"
            variant="transparent"
            color="gray"
            aria-expanded={open}
            aria-label={t(open ? 'files.closeFolder' : 'files.openFolder', { name })}
            onClick={() => setOpen(!open)}
          >
            <Chevron size={14} />
          </ActionIcon>
        )}
        <a
          className="tree-link"
          href={hrefOf('files', folder)}
          aria-current={current === folder ? 'true' : undefined}
          onClick={(event) => {
            if (!onPick) return;
            event.preventDefault();
            onPick(folder);
          }}
          onDragOver={(event) => onDrop && event.preventDefault()}
          onDrop={(event) => onDrop?.(event, folder)}
        >
          {folder === '' ? (
            <IconHome size={17} stroke={1.7} aria-hidden />
          ) : (
            <IconFolderFilled size={17} className="file-icon file-icon-folder" aria-hidden />
          )}
          <span>
            <Name>{name}</Name>
          </span>
        </a>
      </div>
      {open && folders.length > 0 && (
        <Box component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
          {folders.map((one) => (
            <Branch key={one.path} {...props} folder={one.path} depth={depth + 1} />
          ))}
        </Box>
      )}
      {open && tree.data && tree.data.total > folders.length && (
        <Text size="xs" c="dimmed" pl={depth * 14 + 36}>
          {t('files.moreFolders', { count: tree.data.total - folders.length })}
        </Text>
      )}
    </li>
  );
}
