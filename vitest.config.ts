import { defineConfig } from 'vitest/config';

/** In the checks, a test of real processes that fails on a busy machine is tried once more, and told of as such (retry x1). */
const retry = process.env.SHOAL_TEST_ALL === '1' ? 1 : 0;

/** Suites by folder. test/run.mjs runs each and fails when one of them ran no test. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], environment: 'node' } },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          environment: 'node',
          globalSetup: ['test/support/build-once.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // A test starts nodes of its own, some as processes: more at once than cores only makes them slow.
          maxWorkers: 2,
          retry,
        },
      },
      {
        test: {
          // A real browser with the web app of real nodes.
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          environment: 'node',
          globalSetup: ['test/support/build-once.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          retry,
          expect: { poll: { timeout: 30_000 } },
        },
      },
      {
        test: {
          // The desktop app in a real Electron, with real windows.
          name: 'desktop',
          include: ['test/desktop/**/*.test.ts'],
          environment: 'node',
          globalSetup: ['test/support/build-once.ts', 'test/support/display.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          retry,
          expect: { poll: { timeout: 30_000 } },
        },
      },
      {
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          environment: 'node',
          testTimeout: 900_000,
          maxWorkers: 1,
          retry,
        },
      },
    ],
  },
});
