import { describe } from 'vitest';
import { whyNoNamespaces } from './network-namespaces.ts';

/** Like `describe`; skips where namespaces are not possible and says why, and fails there when SHOAL_TEST_ALL=1. */
export function describeWithNamespaces(name: string, tests: () => void): void {
  const reason = whyNoNamespaces();
  if (reason !== undefined && process.env.SHOAL_TEST_ALL === '1') throw new Error(reason);
  describe.skipIf(reason !== undefined)(reason === undefined ? name : `${name} [skipped: ${reason}]`, tests);
}
