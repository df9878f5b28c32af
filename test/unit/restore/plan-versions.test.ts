import { expect, test } from 'vitest';
import {
  refuseNewerSnapshot,
  versionOfSnapshot,
  versionWarnings,
} from '../../../src/restore/plan-versions.ts';
import { samplePlan } from '../../support/control-samples.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';

function host(agent: string, etcdVersion?: string, running?: string) {
  const etcd = { clusterId: 'aa', memberId: 'bb', revision: 7, members: [], hasQuorum: false };
  return {
    agent,
    ...(etcdVersion === undefined ? {} : { etcdVersion }),
    ...(running === undefined ? {} : { etcd: { ...etcd, version: running } }),
  };
}

test('the file tells its own release before the member that was saved does', () => {
  expect(versionOfSnapshot({ storageVersion: '3.6.0', clusterVersion: '3.5.0', etcdVersion: '3.7.3' })).toBe(
    '3.6.0',
  );
  expect(versionOfSnapshot({ clusterVersion: '3.5.0', etcdVersion: '3.6.14' })).toBe('3.5.0');
  expect(versionOfSnapshot({ etcdVersion: '3.4.23' })).toBe('3.4.23');
  expect(versionOfSnapshot({})).toBeUndefined();
});

test.each([
  ['of the same release', '3.6.0', '3.6.16'],
  ['of an older etcd', '3.5.0', '3.6.16'],
  ['that does not tell', undefined, '3.4.23'],
  ['where the etcd here is not known', '3.7.0', undefined],
])('a snapshot %s is taken', (_what, written, etcd) => {
  const manifest = sampleManifest(written === undefined ? {} : { clusterVersion: written });
  refuseNewerSnapshot({}, manifest, [host('h1', etcd)]);
  expect(versionOfSnapshot(manifest)).toBe(written);
});

test('a snapshot of a newer etcd is refused by the name of every host that is older, unless it is allowed', () => {
  const manifest = sampleManifest({ storageVersion: '3.6.0' });
  const facts = [host('h1', '3.4.23'), host('h2', '3.6.16'), host('h3', '3.5.35')];
  expect(() => {
    refuseNewerSnapshot({}, manifest, facts);
  }).toThrow(
    expect.objectContaining({
      code: 'GUARD_NEWER_SNAPSHOT',
      message: expect.stringMatching(
        /etcd 3\.6\.0, and h1 will run etcd 3\.4\.23, h3 will run etcd 3\.5\.35$/,
      ) as string,
    }) as Error,
  );
  expect(() => {
    refuseNewerSnapshot({ allowNewerSnapshot: true }, manifest, facts);
  }).not.toThrow();
});

test.each([
  { storageVersion: '3.7.0', clusterVersion: '3.7.0' },
  // Of the moments between the two.
  { clusterVersion: '3.7.0' },
])('what etcd itself refuses to start on is refused whatever is allowed: %j', (written) => {
  const manifest = sampleManifest(written);
  expect(() => {
    refuseNewerSnapshot({ allowNewerSnapshot: true }, manifest, [host('h1', '3.6.16')]);
  }).toThrow(
    expect.objectContaining({ message: expect.stringContaining('no allowance helps') as string }) as Error,
  );
});

test('mixed releases, a change of release and what is not known are said', () => {
  const { decided } = samplePlan();
  const facts = [host('h1', '3.5.35', '3.5.35'), host('h2', '3.6.16', '3.5.35'), host('h3')];
  const warnings = versionWarnings(decided, facts).join('\n');
  expect(warnings).toContain('different releases: h1 3.5.35, h2 3.6.16.');
  expect(warnings).toContain('h2 runs etcd 3.5.35, and the restore will start etcd 3.6.16 there.');
  expect(warnings).toContain('The etcd that h3 will run is not known');
  expect(warnings).toContain('does not tell which etcd wrote it');
  const known = { ...decided, snapshot: { ...decided.snapshot, etcdVersion: '3.5.0' } };
  expect(versionWarnings(known, [host('h1', '3.5.35', '3.5.35'), host('h2', '3.5.9')])).toEqual([]);
});
