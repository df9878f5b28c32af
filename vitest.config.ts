import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const CORES = availableParallelism();
/** Runs the program under test, as `npm run build` makes it: whoever runs one project finds it as new as its sources. */
const PREPARED = 'test/support/prepare-once.ts';
/** Of `expect.poll`: how long a busy machine may need for what comes by itself. */
const POLL = { poll: { timeout: 20_000 } };
/** No test mocks a module, so files share what they import: half of the time of small ones went into that. */
const SHARED = { isolate: false };
const SLOW = { ...SHARED, testTimeout: 60_000, hookTimeout: 60_000, expect: POLL };

/**
 * `unit`: no process, no socket. `contract`: one suite per port. `integration`: real etcd, real sockets. `cluster`:
 * whole agents. One project after the other, so that what is heavy meets only its like. Tests wait more than they compute, for
 * elections, disks and processes: a few files at once take the time of the longest, and no test is timed.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          ...SHARED,
          // Some go through every byte of a file.
          testTimeout: 30_000,
          expect: POLL,
          maxWorkers: CORES,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          ...SLOW,
          maxWorkers: CORES,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: PREPARED,
          ...SLOW,
          maxWorkers: CORES + 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          ...SHARED,
          globalSetup: PREPARED,
          testTimeout: 240_000,
          hookTimeout: 120_000,
          // Each file runs three members and three agents, which mostly wait for one another.
          maxWorkers: Math.max(3, Math.floor(CORES / 2)),
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          ...SHARED,
          // Makes the packages, once.
          globalSetup: 'test/package/build-packages.ts',
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          sequence: { groupOrder: 4 },
        },
      },
      {
        test: {
          name: 'hosts',
          include: ['test/hosts/**/*.test.ts'],
          ...SHARED,
          testTimeout: 240_000,
          hookTimeout: 240_000,
          // Each file boots machines.
          fileParallelism: false,
          sequence: { groupOrder: 5 },
        },
      },
    ],
  },
});
