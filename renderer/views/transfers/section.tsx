/** One part of the screen: a heading, what can be done with all of it, and its rows. */
import { Group, Paper, Progress, Title } from '@mantine/core';
import type { ReactNode } from 'react';

/** The part. */
export function Section({
  title,
  icon,
  aside,
  children,
}: {
  title: string;
  icon: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section aria-label={title}>
      <Group justify="space-between" mb="xs">
        <Group gap="xs">
          {icon}
          <Title order={2} size="h4">
            {title}
          </Title>
        </Group>
        {aside}
      </Group>
      <Paper withBorder px="md" py={4}>
        {children}
      </Paper>
    </section>
  );
}

/** How far something is. @param total 0: nobody knows. */
export function Bar({ done, total, label }: { readonly done: number; readonly total: number; readonly label: string }) {
  return (
    <Progress value={total > 0 ? (done / total) * 100 : 100} animated={total === 0} size="sm" aria-label={label} />
  );
}
