import { defineConfig } from 'vitest/config';

/** `unit`: no process, no socket. `contract`: one suite per port. `integration`: real etcd, real sockets. `cluster`: whole agents. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          // Each file runs three members and three agents; two at once would only measure the machine.
          fileParallelism: false,
        },
      },
    ],
  },
});
