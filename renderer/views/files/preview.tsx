/** A look into a file: images, texts, PDFs, sound and film; for the rest what it is and how to get it. */
import { ActionIcon, Button, Group, Loader, Modal, Stack, Text, VisuallyHidden } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconDownload, IconInfoCircle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { errorOf } from '../../api/http.ts';
import type { FileEntry } from '../../api/types.ts';
import { Empty, Failure, Name } from '../../components/basics.tsx';
import { FileIcon, lookOf } from '../../components/file-icon.tsx';
import { formatBytes } from '../../components/format.ts';
import { contentUrl } from './actions.ts';

/** Most bytes of a text that are shown. */
const textBytes = 256 * 1024;

interface PreviewProps {
  readonly file: FileEntry;
  /** Goes to the file before or after; undefined at an end. */
  readonly onPrevious: (() => void) | undefined;
  readonly onNext: (() => void) | undefined;
  readonly onDetails: () => void;
  readonly onClose: () => void;
}

/** The window. */
export function Preview({ file, onPrevious, onNext, onDetails, onClose }: PreviewProps) {
  const { t } = useTranslation();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      // Film and sound use the arrows themselves.
      if (event.target instanceof HTMLMediaElement) return;
      if (event.key === 'ArrowLeft') onPrevious?.();
      if (event.key === 'ArrowRight') onNext?.();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [onPrevious, onNext]);
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      centered
      title={
        <Text fw={600} lineClamp={2}>
          <Name>{file.name}</Name>
        </Text>
      }
    >
      <Content key={file.path} file={file} />
      <Group justify="space-between" mt="md">
        <Group gap="xs">
          <ActionIcon
            variant="default"
            size="lg"
            disabled={!onPrevious}
            onClick={onPrevious}
            aria-label={t('files.previous')}
          >
            <IconChevronLeft size={18} />
          </ActionIcon>
          <ActionIcon variant="default" size="lg" disabled={!onNext} onClick={onNext} aria-label={t('files.next')}>
            <IconChevronRight size={18} />
          </ActionIcon>
          <Text size="sm" c="dimmed">
            {formatBytes(file.size)}
          </Text>
        </Group>
        <Group gap="xs">
          <Button variant="default" leftSection={<IconInfoCircle size={16} />} onClick={onDetails}>
            {t('files.details')}
          </Button>
          <Button component="a" href={contentUrl(file.path, true)} leftSection={<IconDownload size={16} />}>
            {t('files.download')}
          </Button>
        </Group>
      </Group>
    </Modal>
  );
}

function Content({ file }: { readonly file: FileEntry }) {
  const { t } = useTranslation();
  const url = contentUrl(file.path);
  switch (lookOf(file.mediaType)) {
    case 'image':
      return <img className="preview-media" src={url} alt={file.name} />;
    case 'video':
      return (
        // biome-ignore lint/a11y/useMediaCaption: a file has the captions that are in it.
        <video className="preview-media" src={url} controls preload="metadata" aria-label={file.name} />
      );
    case 'audio':
      return (
        <Stack align="center" py="lg">
          <FileIcon look="audio" size={72} />
          {/* biome-ignore lint/a11y/useMediaCaption: as above. */}
          <audio src={url} controls preload="metadata" aria-label={file.name} style={{ width: '100%' }} />
        </Stack>
      );
    case 'pdf':
      return <iframe className="preview-frame" src={url} title={file.name} />;
    case 'text':
      return <TextContent file={file} url={url} />;
    default:
      return (
        <Empty
          icon={<FileIcon look="other" size={34} />}
          title={t('files.noPreview')}
          text={t('files.noPreviewText')}
        />
      );
  }
}

function TextContent({ file, url }: { readonly file: FileEntry; readonly url: string }) {
  const { t } = useTranslation();
  const content = useQuery({
    queryKey: ['text', file.path, file.sha256],
    queryFn: async ({ signal }) => {
      if (file.size === 0) return '';
      const response = await fetch(url, { headers: { Range: `bytes=0-${textBytes - 1}` }, signal });
      if (!response.ok) throw errorOf(response.status, await response.text());
      // What is no UTF-8 shows as replacement characters instead of not at all.
      return new TextDecoder().decode(await response.arrayBuffer());
    },
  });
  if (content.isError) return <Failure error={content.error} retry={() => void content.refetch()} />;
  if (content.data === undefined) return <Loader />;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys. */}
      <pre className="preview-text" tabIndex={0}>
        <VisuallyHidden>{t('files.contentOf', { name: file.name })}</VisuallyHidden>
        {content.data}
      </pre>
      {file.size > textBytes && (
        <Text size="xs" c="dimmed" mt="xs">
          {t('files.cut', { size: formatBytes(textBytes) })}
        </Text>
      )}
    </>
  );
}
