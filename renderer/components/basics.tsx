/** The small pieces that every screen uses: names, empty states, errors, headings. */
import { Alert, Box, Button, Center, Group, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react';
import { type ReactNode, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../api/http.ts';
import { visibleName } from './format.ts';

/** A name that somebody chose: text of its own direction, whatever it holds. */
export function Name({ children }: { readonly children: string }) {
  return <bdi>{visibleName(children)}</bdi>;
}

/** The head of a screen; the title of the window follows it. */
export function ScreenHead({ title, text, children }: { title: string; text?: ReactNode; children?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} – Shoal`;
  }, [title]);
  return (
    <Group justify="space-between" align="flex-start" mb="md" gap="sm">
      <Box>
        <Title order={1} size="h2">
          {title}
        </Title>
        {text !== undefined && (
          <Text c="dimmed" size="sm" mt={2} maw={640}>
            {text}
          </Text>
        )}
      </Box>
      <Group gap="xs">{children}</Group>
    </Group>
  );
}

/** What stands where there is nothing: says what to do next. */
export function Empty({
  icon,
  title,
  text,
  children,
}: {
  readonly icon: ReactNode;
  readonly title: string;
  readonly text: string;
  readonly children?: ReactNode;
}) {
  return (
    <Center py={48} px="md">
      <Stack align="center" gap="xs" maw={420} ta="center">
        <ThemeIcon size={64} radius="xl" variant="light" aria-hidden>
          {icon}
        </ThemeIcon>
        <Text fw={600} size="lg" mt="xs">
          {title}
        </Text>
        <Text c="dimmed" size="sm">
          {text}
        </Text>
        {children !== undefined && (
          <Group mt="sm" justify="center">
            {children}
          </Group>
        )}
      </Stack>
    </Center>
  );
}

/** What went wrong, in the node's words, with a way out. */
export function Failure({ error, retry, title }: { error: unknown; retry?: () => void; title?: string }) {
  const { t } = useTranslation();
  const hint = error instanceof ApiError ? error.hint : undefined;
  return (
    <Alert color="red" icon={<IconAlertTriangle />} title={title ?? t('errors.title')} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{messageOf(error)}</Text>
        {hint !== undefined && <Text size="sm">{hint}</Text>}
        {retry && (
          <Button size="xs" variant="default" leftSection={<IconRefresh size={14} />} onClick={retry}>
            {t('common.tryAgain')}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** The words of an error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A definition list of small facts. */
export function Facts({ rows }: { readonly rows: readonly (readonly [string, ReactNode] | undefined)[] }) {
  return (
    <Box component="dl" className="facts">
      {rows.map(
        (row) =>
          row && (
            <Box key={row[0]} className="fact">
              <Text component="dt" size="xs" c="dimmed">
                {row[0]}
              </Text>
              <Text component="dd" size="sm">
                {row[1]}
              </Text>
            </Box>
          ),
      )}
    </Box>
  );
}
