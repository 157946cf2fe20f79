/** Short words at the edge of the window about what was just done, with a way back where there is one. */
import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { ApiError } from '../api/http.ts';
import { messageOf } from './basics.tsx';

/** How long a word with a button stays, in milliseconds. */
const undoMs = 12_000;

/** Says that something is done. */
export function tell(message: string): void {
  notifications.show({ message, autoClose: 4000 });
}

/** Says what happened and offers what can be done about it. */
export function tellWithAction(message: string, label: string, act: () => void): void {
  const id = notifications.show({
    autoClose: undoMs,
    message: (
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Text size="sm" lineClamp={3}>
          {message}
        </Text>
        <Button
          size="compact-sm"
          variant="light"
          style={{ flexShrink: 0 }}
          onClick={() => {
            notifications.hide(id);
            act();
          }}
        >
          {label}
        </Button>
      </Group>
    ),
  });
}

/** Says what went wrong. */
export function tellError(error: unknown): void {
  const hint = error instanceof ApiError ? error.hint : undefined;
  notifications.show({
    color: 'red',
    title: messageOf(error),
    message: hint ?? '',
    autoClose: 10_000,
  });
}
