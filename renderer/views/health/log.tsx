import { Button, Group, Select, Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/http.ts';
import { Failure } from '../../components/basics.tsx';
import { Part } from './part.tsx';

const levels = ['error', 'warn', 'info', 'debug'] as const;
const levelNames: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };

/** The newest lines of the log. */
export function Log() {
  const { t } = useTranslation();
  const [level, setLevel] = useState<string>('info');
  const log = useQuery({
    queryKey: ['logs', level],
    queryFn: () => api<{ lines: Record<string, unknown>[] }>('/logs', { query: { level, limit: 200 } }),
    staleTime: 0,
  });
  return (
    <Part
      title={t('health.log')}
      aside={
        <Group gap="xs">
          <Select
            size="xs"
            w={120}
            aria-label={t('health.level')}
            data={levels.map((value) => ({ value, label: t(`health.levels.${value}`) }))}
            value={level}
            allowDeselect={false}
            onChange={(value) => setLevel(value ?? 'info')}
          />
          <Button size="xs" variant="default" onClick={() => void log.refetch()}>
            {t('health.reread')}
          </Button>
        </Group>
      }
    >
      {log.isError && <Failure error={log.error} retry={() => void log.refetch()} />}
      {log.data ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys.
        <pre className="log" tabIndex={0}>
          {log.data.lines.length === 0 ? t('health.noLines') : log.data.lines.map(lineOf).join('\n')}
        </pre>
      ) : (
        <Skeleton height={200} />
      )}
    </Part>
  );
}

function lineOf({ time, level, msg, ...rest }: Record<string, unknown>): string {
  const { pid: _, hostname: __, ...more } = rest;
  const details = Object.keys(more).length > 0 ? ` ${JSON.stringify(more)}` : '';
  const when = new Date(Number(time)).toLocaleTimeString();
  return `${when} ${levelNames[Number(level)] ?? ''} ${String(msg ?? '')}${details}`;
}
