import { mkdir, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localIdentity } from '../../../src/membership/local-identity.ts';
import { whyNotToStart } from '../../../src/membership/start-guard.ts';
import { hasWalLink, keepWalLink, walLinkOf } from '../../../src/membership/wal-link.ts';
import { startEtcd } from '../../support/etcd-process.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const NEVER = new AbortController().signal;
const OTHER = 'cdf818194e3a8c32';

test('once an operation has touched the host, etcd is started on whole data of a known cluster only', async () => {
  await using etcd = await startEtcd();
  await using state = await temporaryDirectory();
  const places = { dataDir: etcd.dataDir };
  const clusterId = (await localIdentity(places, NEVER))?.clusterId ?? '';
  await etcd.stop();
  const why = (known: string | undefined, isHeld = false) =>
    whyNotToStart({
      places,
      stateDir: state.path,
      lineage: { ...(known === undefined ? {} : { clusterId: known }), generations: [] },
      isHeld: () => Promise.resolve(isHeld),
    });
  expect(await why(undefined)).toBeUndefined();
  expect(await why(OTHER)).toBeUndefined();

  await keepWalLink(state.path, places);
  expect(await why(clusterId)).toBeUndefined();
  expect(await why(OTHER)).toContain(`of cluster ${clusterId}, which is not known here`);
  // An operation that starts it knows what it put there.
  expect(await why(OTHER, true)).toBeUndefined();

  const [wal, db] = [join(etcd.dataDir, 'member', 'wal'), join(etcd.dataDir, 'member', 'snap', 'db')];
  await rename(wal, `${wal}.away`);
  expect(await why(clusterId)).toContain('does not say whose data it is');
  await rename(`${wal}.away`, wal);
  await rename(db, `${db}.away`);
  expect(await why(clusterId)).toContain('is not whole');
  await rm(join(etcd.dataDir, 'member'), { recursive: true });
  expect(await why(clusterId)).toContain('is gone, and this host was in cluster');
  expect(await why(undefined)).toContain('is gone, and an operation has touched this host');
});

test('the link follows a data directory that moved, and what a crash left beside it is no obstacle', async () => {
  await using directory = await temporaryDirectory();
  const stateDir = directory.path;
  expect(await hasWalLink(stateDir)).toBe(false);
  await writeFile(`${walLinkOf(stateDir)}.partial`, '');
  for (const name of ['one', 'two']) {
    await mkdir(join(stateDir, name));
    await keepWalLink(stateDir, { dataDir: join(stateDir, name) });
    expect(await readlink(walLinkOf(stateDir))).toBe(join(stateDir, name, 'member/snap') + '/../wal');
  }
  expect(await hasWalLink(stateDir)).toBe(true);
});
