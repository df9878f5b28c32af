import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { refuseNewerSnapshot, versionOfSnapshot } from '../../../src/restore/plan-versions.ts';
import { databaseFacts } from '../../../src/snapshot/database-facts.ts';
import { isBuilt, pinnedReleases, programsOf } from '../../support/etcd-releases.ts';
import { startEtcd } from '../../support/etcd-process.ts';
import { startRestored } from '../../support/restore-snapshot.ts';
import { testProver } from '../../support/thread-programs.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const NEVER = new AbortController().signal;
const built = pinnedReleases().filter(isBuilt);
const pairs = built.flatMap((newer, index) => built.slice(0, index).map((older) => ({ older, newer })));

afterEach(() => {
  vi.unstubAllEnvs();
});

function use(release: (typeof built)[number]): void {
  vi.stubEnv('LIFEBOAT_ETCD_BIN', programsOf(release));
}

test
  .skipIf(pairs.length === 0)
  .each(pairs.map((pair) => [pair.newer.version, pair.older.version, pair] as const))(
  'a snapshot of etcd %s under etcd %s is refused, and refused for good where that etcd does not start on it (skipped where no etcd was built)',
  async (_newer, _older, { newer, older }) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'snapshot.db');
    use(newer);
    {
      await using etcd = await startEtcd();
      await etcd.ctl('put', 'made by', newer.version);
      // The members agree on a version some time after the start.
      await expect
        .poll(
          async () => (await (await fetch(`${etcd.endpoint}/version`)).json()) as { etcdcluster: string },
          { timeout: 30_000 },
        )
        .toMatchObject({ etcdcluster: `${newer.minor}.0` });
      await etcd.ctl('snapshot', 'save', path);
    }
    const facts = databaseFacts(await testProver.readFacts(path, NEVER));
    expect(versionOfSnapshot(facts)).toBe(`${newer.minor}.0`);
    const manifest = sampleManifest(facts);
    const host = [{ agent: 'h1', etcdVersion: older.version }];
    const refused = (allowNewerSnapshot: boolean): void => {
      refuseNewerSnapshot({ allowNewerSnapshot }, manifest, host);
    };
    expect(() => {
      refused(false);
    }).toThrow(expect.objectContaining({ code: 'GUARD_NEWER_SNAPSHOT' }) as Error);

    use(older);
    const starts = await startRestored(path, { skipHashCheck: false }).then(
      async (etcd) => {
        const value = await etcd.ctl('get', 'made by', '--print-value-only');
        await etcd[Symbol.asyncDispose]();
        return value === newer.version;
      },
      () => false,
    );
    const allowed = ((): boolean => {
      try {
        refused(true);
        return true;
      } catch {
        return false;
      }
    })();
    expect(starts).toBe(allowed);
  },
);
