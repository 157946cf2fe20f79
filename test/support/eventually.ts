/** Waits for what other nodes do in their own time, where no event of this side tells of it. */
import { setTimeout as sleep } from 'node:timers/promises';

const lookMs = 20;

/** Looks until a condition holds. @throws with `what` when it does not in time. */
export async function eventually(
  holds: () => Promise<boolean> | boolean,
  what: string,
  timeoutMs = 15_000,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    if (await holds()) return;
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(lookMs);
  }
}
