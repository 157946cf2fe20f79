/** Every key of the configuration, to be searched. */
import { Paper, Stack, Text, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Setting } from '../../api/types.ts';
import { Empty } from '../../components/basics.tsx';
import type { Draft } from './draft.ts';
import { SettingField } from './setting-field.tsx';

/** The table. @param first what to search for at first. */
export function AllKeys({
  settings,
  draft,
  first,
}: {
  readonly settings: readonly Setting[];
  readonly draft: Draft;
  readonly first: string;
}) {
  const { t } = useTranslation();
  const [text, setText] = useState(first);
  const wanted = text.trim().toLowerCase();
  const found = settings.filter(
    ({ key, explanation }) => key.includes(wanted) || explanation.toLowerCase().includes(wanted),
  );
  return (
    <Stack>
      <TextInput
        type="search"
        leftSection={<IconSearch size={16} />}
        label={t('settings.searchKeys')}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <Text size="sm" c="dimmed" role="status">
        {t('settings.found', { count: found.length })}
      </Text>
      {found.length === 0 ? (
        <Empty icon={<IconSearch size={32} />} title={t('files.nothingFound')} text={t('settings.nothingFound')} />
      ) : (
        <Paper withBorder p="md">
          <Stack gap="lg">
            {found.map((setting) => (
              <SettingField key={setting.key} setting={setting} draft={draft} />
            ))}
          </Stack>
        </Paper>
      )}
    </Stack>
  );
}
