import { AgentError } from '../base/agent-error.ts';
import type { HostFacts } from '../formats/host-facts.ts';
import type { PlanDecision } from '../formats/restore-plan.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import { isAtLeast, parseRelease, type Release } from '../restore-tool/release.ts';
import type { PlanWish } from './plan-wish.ts';

/** What a host tells of versions. */
type Seen = Pick<HostFacts, 'agent' | 'etcd' | 'etcdVersion'>;
type Written = Pick<SnapshotManifest, 'id' | 'storageVersion' | 'clusterVersion' | 'etcdVersion'>;

/**
 * The release that a snapshot's data is of. The file's own word comes first: in the middle of an upgrade or a downgrade the
 * member that was saved is of another release than the data.
 */
export function versionOfSnapshot(manifest: Omit<Written, 'id'>): string | undefined {
  return manifest.storageVersion ?? manifest.clusterVersion ?? manifest.etcdVersion;
}

/**
 * Data of a newer etcd under an older one is what etcd does not support. Tried: 3.4 and 3.5 start on data of 3.5 to 3.7; 3.6 ends at
 * once on data of 3.7 ("version 3.7.0 is not supported": server/storage/schema/schema.go; "invalid downgrade" where only the cluster version is
 * there yet: server/etcdserver/version/downgrade.go), and no allowance helps there.
 *
 * @throws {AgentError} `GUARD_NEWER_SNAPSHOT` with every host whose etcd is older.
 */
export function refuseNewerSnapshot(
  wish: Pick<PlanWish, 'allowNewerSnapshot'>,
  manifest: Written,
  facts: readonly Seen[],
): void {
  const version = versionOfSnapshot(manifest);
  const written = version === undefined ? undefined : parseRelease(version);
  if (written === undefined) return;
  const older = facts.flatMap(({ agent, etcdVersion }) => {
    const release = etcdVersion === undefined ? undefined : parseRelease(etcdVersion);
    return release === undefined || isOfMinor(release, written) ? [] : [{ agent, etcdVersion, release }];
  });
  if (older.length === 0) return;
  // 3.7 notes the storage version some time after the cluster version: a snapshot from between has only the latter.
  const isOfFile = manifest.storageVersion !== undefined || manifest.clusterVersion !== undefined;
  const doomed = isOfFile ? older.filter(({ release }) => isAtLeast(release, 3, 6)) : [];
  if (doomed.length === 0 && wish.allowNewerSnapshot === true) return;
  const hosts = older
    .map(({ agent, etcdVersion }) => `${agent} will run etcd ${etcdVersion ?? ''}`)
    .join(', ');
  const never =
    doomed.length === 0
      ? ''
      : '; etcd 3.6 and newer refuse to start on data of a newer one, so no allowance helps';
  throw new AgentError(
    'GUARD_NEWER_SNAPSHOT',
    `${manifest.id} holds data of etcd ${version ?? ''}, and ${hosts}${never}`,
    { details: { hosts: older.map(({ agent }) => agent) } },
  );
}

function isOfMinor(release: Release, { major, minor }: Release): boolean {
  return isAtLeast(release, major, minor);
}

/** What the operator must know of the versions: what is mixed, what will change, and what nobody could tell. */
export function versionWarnings(
  { snapshot, allowNewerSnapshot }: PlanDecision,
  facts: readonly Seen[],
): string[] {
  const known = facts.filter(({ etcdVersion }) => etcdVersion !== undefined);
  const unknown = facts.filter(({ etcdVersion }) => etcdVersion === undefined).map(({ agent }) => agent);
  const minors = new Set(known.map(({ etcdVersion }) => minorOf(etcdVersion ?? '')));
  const mixed = known.map(({ agent, etcdVersion }) => `${agent} ${etcdVersion ?? ''}`).join(', ');
  return [
    ...(minors.size > 1 ? [`The hosts will run etcd of different releases: ${mixed}.`] : []),
    ...(unknown.length > 0
      ? [
          `The etcd that ${unknown.join(', ')} will run is not known, so nobody can say whether the restore tool and the snapshot fit it: set \`etcd.binary\`.`,
        ]
      : []),
    ...known.flatMap(({ agent, etcd, etcdVersion = '' }) =>
      etcd === undefined || minorOf(etcd.version) === minorOf(etcdVersion)
        ? []
        : [`${agent} runs etcd ${etcd.version}, and the restore will start etcd ${etcdVersion} there.`],
    ),
    ...(snapshot.etcdVersion === undefined && known.length > 0
      ? [
          'The snapshot does not tell which etcd wrote it, so nobody can say whether it is newer than the etcd here.',
        ]
      : []),
    ...(allowNewerSnapshot === true
      ? [
          `Data of etcd ${snapshot.etcdVersion ?? 'unknown'} may be started under an older etcd, which etcd does not support.`,
        ]
      : []),
  ];
}

function minorOf(version: string): string {
  const release = parseRelease(version);
  return release === undefined ? version : `${release.major}.${release.minor}`;
}
