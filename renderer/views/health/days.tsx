import '@mantine/charts/styles.css';
import { BarChart } from '@mantine/charts';
import { Paper, SegmentedControl, Skeleton } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStatistics } from '../../api/queries.ts';
import type { Statistics } from '../../api/types.ts';
import { Failure } from '../../components/basics.tsx';
import { formatBytes, formatDay, formatNumber } from '../../components/format.ts';
import { Part } from './part.tsx';

/** Days that the chart shows. */
const shownDays = 30;

/** What was stored day by day. */
export function Days() {
  const { t } = useTranslation();
  const statistics = useStatistics();
  const [what, setWhat] = useState<'files' | 'bytes'>('files');
  const rows = daysOf(statistics.data?.days ?? []);
  return (
    <Part
      title={t('health.days')}
      aside={
        <SegmentedControl
          size="xs"
          aria-label={t('health.days')}
          value={what}
          onChange={(value) => setWhat(value as typeof what)}
          data={[
            { value: 'files', label: t('health.files') },
            { value: 'bytes', label: t('files.size') },
          ]}
        />
      }
    >
      {statistics.isError && <Failure error={statistics.error} retry={() => void statistics.refetch()} />}
      {statistics.data ? (
        <Paper withBorder p="md">
          <div role="img" aria-label={t('health.daysText', { count: shownDays })}>
            <BarChart
              h={220}
              data={rows}
              dataKey="day"
              series={[{ name: what, label: t(what === 'files' ? 'health.files' : 'files.size'), color: 'sea.7' }]}
              tickLine="none"
              gridAxis="x"
              barProps={{ radius: 4, isAnimationActive: false }}
              valueFormatter={what === 'bytes' ? formatBytes : (value) => formatNumber(value)}
            />
          </div>
        </Paper>
      ) : (
        <Skeleton height={254} />
      )}
    </Part>
  );
}

/** Every day up to today, those on which nothing came too. */
function daysOf(days: Statistics['days']): { day: string; files: number; bytes: number }[] {
  const known = new Map(days.map((row) => [row.day, row]));
  return Array.from({ length: shownDays }, (_, index) => {
    const date = new Date();
    date.setDate(date.getDate() - (shownDays - 1 - index));
    const key = `${date.getFullYear()}${String(date.getMonth() + 1).padStart(2, '0')}${String(date.getDate()).padStart(2, '0')}`;
    const row = known.get(key);
    return { day: formatDay(key), files: row?.files ?? 0, bytes: row?.bytes ?? 0 };
  });
}
