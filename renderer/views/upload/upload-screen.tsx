/** The upload page of the compatible interface, for everybody whom the node lets upload: no signing in where none is asked. */
import {
  Alert,
  Anchor,
  Box,
  Button,
  FileInput,
  Group,
  Paper,
  Progress,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { IconCircleCheck, IconUpload } from '@tabler/icons-react';
import i18next from 'i18next';
import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import icon from '../../../assets/icon.svg';
import { errorOf, nodeUrl, unreachable } from '../../api/http.ts';
import { useSession, useUploadForm } from '../../api/queries.ts';
import type { UploadForm } from '../../api/types.ts';
import { Failure } from '../../components/basics.tsx';
import { CopyField } from '../../components/copy-field.tsx';
import { hrefOf } from '../../state/route.ts';

const fieldNames = ['scene', 'path', 'filename', 'output', 'code', 'auth_token'] as const;
type Fields = Record<(typeof fieldNames)[number], string>;

/** The page. Its fields may stand in the address, as those of go-fastdfs do. */
export default function UploadScreen() {
  const { t } = useTranslation();
  const form = useUploadForm();
  const session = useSession();
  useEffect(() => {
    document.title = `${t('upload.title')} – Shoal`;
  }, [t]);
  const isInside = session.data?.may === true;
  return (
    <Box component={isInside ? 'div' : 'main'} maw={680} mx="auto" p="md">
      {!isInside && (
        <Group mb="lg" gap="sm">
          <img src={icon} width={32} height={32} alt="" />
          <Text fw={700} size="lg">
            Shoal
          </Text>
        </Group>
      )}
      <Paper withBorder p="lg" radius="lg">
        <Title order={1} size="h3" mb="md">
          {t('upload.title')}
        </Title>
        {form.isError && <Failure error={form.error} retry={() => void form.refetch()} />}
        {form.data && !form.data.enabled && <Alert color="orange">{t('upload.off')}</Alert>}
        {form.data?.enabled && !form.data.allowed && (
          <Alert color="orange" title={t('upload.closed')}>
            {t('upload.closedText')} <Anchor href={hrefOf('files')}>{t('login.signIn')}</Anchor>
          </Alert>
        )}
        {form.data?.enabled && form.data.allowed && <Form form={form.data} />}
      </Paper>
      {form.data?.listing !== undefined && (
        <Text mt="md" size="sm">
          <Anchor href={nodeUrl(form.data.listing)}>{t('upload.listing')}</Anchor>
        </Text>
      )}
    </Box>
  );
}

function initialFields(): Fields {
  const given = new URLSearchParams(window.location.search);
  return Object.fromEntries(
    fieldNames.map((name) => [name, given.get(name) ?? (name === 'output' ? 'text' : '')]),
  ) as Fields;
}

function Form({ form }: { readonly form: UploadForm }) {
  const { t } = useTranslation();
  const [files, setFiles] = useState<File[]>([]);
  const [fields, setFields] = useState(initialFields);
  const [sent, setSent] = useState<number>();
  const [answers, setAnswers] = useState<readonly { name: string; text: string }[]>([]);
  const [error, setError] = useState<unknown>();
  const set = (name: keyof Fields) => (value: string) => setFields((old) => ({ ...old, [name]: value }));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(undefined);
    setAnswers([]);
    try {
      const total = files.reduce((sum, file) => sum + file.size, 0) || 1;
      let before = 0;
      for (const file of files) {
        const text = await send(form.action, file, fields, (bytes) => setSent(((before + bytes) / total) * 100));
        before += file.size;
        setAnswers((old) => [...old, { name: file.name, text }]);
      }
      setFiles([]);
    } catch (problem) {
      setError(problem);
    }
    setSent(undefined);
  };
  const text = (name: keyof Fields, label: string, hint?: string) => (
    <TextInput
      label={label}
      description={hint}
      name={name}
      value={fields[name]}
      autoComplete="off"
      onChange={(event) => set(name)(event.currentTarget.value)}
    />
  );
  return (
    <form onSubmit={submit}>
      <Stack>
        <FileInput
          label={t('upload.files')}
          placeholder={t('upload.choose')}
          leftSection={<IconUpload size={17} />}
          multiple
          required
          value={files}
          onChange={setFiles}
          clearable
        />
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          {text('scene', t('upload.scene'), t('upload.sceneText', { scene: form.defaultScene }))}
          {form.customPath && text('path', t('upload.path'), t('upload.pathText'))}
          {text('filename', t('upload.filename'), t('upload.filenameText'))}
          <Select
            label={t('upload.output')}
            description={t('upload.outputText')}
            name="output"
            data={['text', 'json', 'json2']}
            allowDeselect={false}
            value={fields.output}
            onChange={(value) => set('output')(value ?? 'text')}
          />
          {form.codes && text('code', t('upload.code'), t('upload.codeText'))}
          {form.externalAuth && text('auth_token', t('upload.authToken'), t('upload.authTokenText'))}
        </SimpleGrid>
        {sent !== undefined && <Progress value={sent} animated aria-label={t('upload.progress')} />}
        {error !== undefined && <Failure error={error} />}
        <Group>
          <Button type="submit" loading={sent !== undefined} disabled={files.length === 0}>
            {t('upload.send')}
          </Button>
        </Group>
        {answers.length > 0 && (
          <Stack gap="xs" role="status">
            <Group gap="xs">
              <IconCircleCheck size={20} color="var(--mantine-color-teal-7)" aria-hidden />
              <Text fw={600}>{t('upload.done', { count: answers.length })}</Text>
            </Group>
            {answers.map(({ name, text: answer }) => (
              <CopyField key={`${name} ${answer}`} label={name} value={answer} />
            ))}
          </Stack>
        )}
      </Stack>
    </form>
  );
}

/** Sends one file as the form of go-fastdfs does. @returns the answer as it came. */
function send(action: string, file: File, fields: Fields, onSent: (bytes: number) => void): Promise<string> {
  const body = new FormData();
  // In front of the file: a node that refuses the scene says so before the bytes come.
  for (const name of fieldNames) if (fields[name] !== '') body.append(name, fields[name]);
  body.append('file', file);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', nodeUrl(action));
    request.setRequestHeader('Accept-Language', i18next.language);
    request.upload.onprogress = ({ loaded }) => onSent(loaded);
    request.onerror = () => reject(unreachable());
    request.onload = () => {
      if (request.status === 200) resolve(request.responseText);
      else reject(errorOf(request.status, request.responseText));
    };
    request.send(body);
  });
}
