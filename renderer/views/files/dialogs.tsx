/** The questions of the Files screen: a name, a new folder, where to. */
import { Button, Group, Modal, ScrollArea, Stack, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Entry } from '../../api/types.ts';
import { messageOf } from '../../components/basics.tsx';
import { tellError } from '../../components/notify.tsx';
import { isAboutName, joined, makeFolder, moveEntries, renameEntry } from './actions.ts';
import { FolderTree } from './folder-tree.tsx';

interface NameDialogProps {
  readonly title: string;
  readonly label: string;
  readonly action: string;
  readonly initial: string;
  /** @throws ApiError; what is about the name is shown beside the field. */
  readonly onDone: (name: string) => Promise<void>;
  readonly onClose: () => void;
}

function NameDialog({ title, label, action, initial, onDone, onClose }: NameDialogProps) {
  const { t } = useTranslation();
  const [name, setName] = useState(initial);
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const wanted = name.trim();
    if (wanted === '' || wanted.includes('/')) {
      setProblem(t(wanted === '' ? 'files.nameEmpty' : 'files.nameSlash'));
      return;
    }
    setBusy(true);
    try {
      await onDone(wanted);
      onClose();
    } catch (error) {
      if (isAboutName(error)) setProblem(messageOf(error));
      else tellError(error);
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={onClose} title={title} centered>
      <form onSubmit={submit}>
        <TextInput
          data-autofocus
          label={label}
          value={name}
          maxLength={255}
          error={problem}
          onChange={(event) => {
            setName(event.currentTarget.value);
            setProblem(undefined);
          }}
          onFocus={(event) => {
            // The name without its extension: that is what people change.
            const dot = event.currentTarget.value.lastIndexOf('.');
            event.currentTarget.setSelectionRange(0, dot > 0 ? dot : event.currentTarget.value.length);
          }}
        />
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={busy}>
            {action}
          </Button>
        </Group>
      </form>
    </Modal>
  );
}

/** Asks for a new name of an entry. */
export function RenameDialog({ entry, onClose }: { readonly entry: Entry; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  return (
    <NameDialog
      title={t('files.rename')}
      label={t('files.name')}
      action={t('files.rename')}
      initial={entry.name}
      onDone={(name) => (name === entry.name ? Promise.resolve() : renameEntry(client, entry, name))}
      onClose={onClose}
    />
  );
}

/** Asks for the name of a new folder. */
export function NewFolderDialog({ folder, onClose }: { readonly folder: string; readonly onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  return (
    <NameDialog
      title={t('files.newFolder')}
      label={t('files.name')}
      action={t('files.create')}
      initial=""
      onDone={(name) => makeFolder(client, joined(folder, name))}
      onClose={onClose}
    />
  );
}

/** Asks where entries go. */
export function MoveDialog({
  entries,
  from,
  onClose,
}: {
  readonly entries: readonly Entry[];
  readonly from: string;
  readonly onClose: () => void;
}) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [target, setTarget] = useState(from);
  const isInside = entries.some(
    ({ kind, path }) => kind === 'folder' && (target === path || target.startsWith(`${path}/`)),
  );
  return (
    <Modal opened onClose={onClose} title={t('files.moveCount', { count: entries.length })} centered>
      <Stack>
        <ScrollArea.Autosize mah="50vh" type="auto" viewportProps={{ tabIndex: 0 }}>
          <FolderTree current={target} onPick={setTarget} />
        </ScrollArea.Autosize>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button
            disabled={isInside || target === from}
            onClick={() => {
              onClose();
              void moveEntries(client, entries, target);
            }}
          >
            {t('files.moveHere')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
