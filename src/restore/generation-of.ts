import type { Generation } from '../formats/generation.ts';
import type { RestorePlan } from '../formats/restore-plan.ts';
import { expectedIdentity } from './expected-identity.ts';

/** What a finished operation left behind. But for its time it is the same on every host, as all of it is in the plan. */
export function generationOf({ decided }: Pick<RestorePlan, 'decided'>, finishedAt: string): Generation {
  const { operation, supersedes, snapshot, revisions, hosts } = decided;
  const { clusterId, memberIds } = expectedIdentity(decided);
  return {
    operation,
    clusterId,
    ...(supersedes === undefined ? {} : { parentClusterId: supersedes.clusterId }),
    ...(supersedes?.memberIds === undefined ? {} : { supersededMemberIds: supersedes.memberIds }),
    members: hosts.map(({ agent, memberName, peerUrls }) => ({
      agent,
      id: memberIds.get(agent) ?? '',
      name: memberName,
      peerUrls,
    })),
    restoredRevision: snapshot.revision,
    ...(revisions?.action === 'bump' ? { revisionBump: revisions.by } : {}),
    snapshotId: snapshot.id,
    finishedAt,
  };
}
