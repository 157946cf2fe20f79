/** A new link to a file or a folder: how long it is good, who may open it, how often. */
import {
  Button,
  Collapse,
  Group,
  Modal,
  NumberInput,
  PasswordInput,
  Select,
  Stack,
  Switch,
  Text,
  TextInput,
} from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import type { Link } from '../../api/types.ts';
import { Failure, Name } from '../../components/basics.tsx';
import { CopyField } from '../../components/copy-field.tsx';
import { Qr } from '../../components/qr.tsx';

/** Hours that a link can be good. */
const terms = { hour: 1, day: 24, week: 168, month: 720, never: 0 } as const;
type Term = keyof typeof terms;

interface ShareDialogProps {
  readonly path: string;
  readonly isFolder: boolean;
  readonly onClose: () => void;
}

/** The dialog: the form, then the link. */
export default function ShareDialog({ path, isFolder, onClose }: ShareDialogProps) {
  const { t } = useTranslation();
  const [link, setLink] = useState<Link>();
  const name = path.slice(path.lastIndexOf('/') + 1) || t('files.root');
  return (
    <Modal opened onClose={onClose} centered title={t('share.new')}>
      <Text fw={600} mb="sm" lineClamp={2}>
        <Name>{name}</Name>
      </Text>
      {link ? <Made link={link} onClose={onClose} /> : <Form path={path} isFolder={isFolder} onMade={setLink} />}
    </Modal>
  );
}

function Form({
  path,
  isFolder,
  onMade,
}: {
  readonly path: string;
  readonly isFolder: boolean;
  readonly onMade: (link: Link) => void;
}) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [term, setTerm] = useState<Term>('week');
  const [isUpload, setUpload] = useState(false);
  const [password, setPassword] = useState('');
  const [isProtected, setProtected] = useState(false);
  const [isLimited, setLimited] = useState(false);
  const [uses, setUses] = useState<number | string>(10);
  const [label, setLabel] = useState('');
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const hours = terms[term];
    try {
      const json = {
        path,
        upload: isUpload,
        label,
        ...(hours > 0 && { expiresMs: Date.now() + hours * 3_600_000 }),
        ...(isProtected && { password }),
        ...(isLimited && { maxUses: Number(uses) }),
      };
      const link = await api<Link>('/links', { method: 'POST', json });
      void client.invalidateQueries({ queryKey: ['links'] });
      onMade(link);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Select
          label={t('share.term')}
          value={term}
          onChange={(value) => setTerm((value ?? 'week') as Term)}
          allowDeselect={false}
          data={(Object.keys(terms) as Term[]).map((value) => ({ value, label: t(`share.terms.${value}`) }))}
        />
        {isFolder && path !== '' && (
          <Switch
            label={t('share.upload')}
            description={t('share.uploadText')}
            checked={isUpload}
            onChange={(event) => setUpload(event.currentTarget.checked)}
          />
        )}
        <Switch
          label={t('share.withPassword')}
          checked={isProtected}
          onChange={(event) => setProtected(event.currentTarget.checked)}
        />
        <Collapse expanded={isProtected}>
          <PasswordInput
            label={t('share.password')}
            description={t('share.passwordText')}
            value={password}
            minLength={8}
            required={isProtected}
            autoComplete="new-password"
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
        </Collapse>
        <Switch
          label={t(isUpload ? 'share.limitUploads' : 'share.limitDownloads')}
          checked={isLimited}
          onChange={(event) => setLimited(event.currentTarget.checked)}
        />
        <Collapse expanded={isLimited}>
          <NumberInput
            label={t('share.count')}
            value={uses}
            min={1}
            max={1_000_000}
            allowDecimal={false}
            onChange={setUses}
          />
        </Collapse>
        <TextInput
          label={t('share.label')}
          description={t('share.labelText')}
          value={label}
          maxLength={200}
          onChange={(event) => setLabel(event.currentTarget.value)}
        />
        {error !== undefined && <Failure error={error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={busy}>
            {t('share.create')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Made({ link, onClose }: { readonly link: Link; readonly onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Stack align="center">
      <Qr text={link.url} label={t('share.qr')} />
      <div style={{ width: '100%' }}>
        <CopyField label={t('share.link')} value={link.url} />
      </div>
      <Text size="sm" c="dimmed" ta="center">
        {t('share.madeText')}
      </Text>
      <Button onClick={onClose}>{t('common.done')}</Button>
    </Stack>
  );
}
