import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AgentError } from '../../src/base/agent-error.ts';
import { openPageFile } from '../../src/bbolt/page-file.ts';
import type { SnapshotManifest } from '../../src/formats/snapshot-manifest.ts';
import { readKeyspaceFacts } from '../../src/mvcc/keyspace-facts.ts';
import type { LabHost } from '../support/lab-cluster.ts';
import { restoreSnapshot, startRestored } from '../support/restore-snapshot.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { openHealthyScene, putKeys } from './restore-scene.ts';

const COPIES = 20;

/** Overwrites keys and compacts what is behind, until told to stop. */
async function disturb(
  host: LabHost,
  ctl: (...args: string[]) => Promise<string>,
  signal: AbortSignal,
): Promise<number> {
  let rounds = 0;
  for (; !signal.aborted; rounds += 1) {
    await putKeys(host, 500);
    const { count, header } = JSON.parse(await ctl('get', 'key-000000', '-w', 'json')) as {
      count: number;
      header: { revision: number };
    };
    expect(count).toBe(1);
    await ctl('compact', String(header.revision));
  }
  return rounds;
}

test('twenty copies of a member that is written to and compacted all restore', async () => {
  await using scene = await openHealthyScene({ hosts: 1 });
  const host = scene.lab.host(0);
  await putKeys(host, 5000);
  const enough = new AbortController();
  const disturbing = disturb(host, (...args) => scene.lab.ctl(host, ...args), enough.signal);
  const accepted: SnapshotManifest[] = [];
  try {
    for (let copy = 0; copy < COPIES; copy += 1) accepted.push(...(await copyUnlessTorn()));
  } finally {
    enough.abort();
  }

  expect(await disturbing).toBeGreaterThan(3);
  expect(accepted.length).toBeGreaterThan(COPIES / 2);
  const { snapshots } = await scene.lab.ask(host, 'snapshot.list', {});
  for (const { id, revision } of accepted) {
    const path = snapshots.find((stored) => stored.id === id)?.path ?? '';
    expect(await revisionRestoredFrom(path)).toBe(revision);
  }
  await using restored = await startRestored(snapshots[0]?.path ?? '', { skipHashCheck: true });
  expect(
    JSON.parse(await restored.ctl('get', 'key-', '--prefix', '--keys-only', '-w', 'json')),
  ).toMatchObject({
    count: 5000,
  });

  async function copyUnlessTorn(): Promise<SnapshotManifest[]> {
    try {
      const { manifest } = await scene.lab.ask(host, 'snapshot.copy', {});
      return manifest === undefined ? [] : [manifest];
    } catch (error) {
      if (error instanceof AgentError && error.code === 'COPY_TORN') return [];
      throw error;
    }
  }
});

/** By etcd's own tool, into a data directory of its own. */
async function revisionRestoredFrom(path: string): Promise<number> {
  await using directory = await temporaryDirectory();
  const dataDir = join(directory.path, 'etcd');
  await restoreSnapshot(path, dataDir, { skipHashCheck: true });
  using database = openPageFile(join(dataDir, 'member', 'snap', 'db'));
  return readKeyspaceFacts(database).revision;
}
