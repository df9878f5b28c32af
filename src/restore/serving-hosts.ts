import type { OperationDecision, PlanHost, UndoHost } from '../formats/restore-plan.ts';

/** The hosts whose etcd serves the cluster that comes out: all of a restore, those of an undo that swap. */
export function servingHosts(decided: OperationDecision): readonly PlanHost[] {
  return decided.hosts.filter((host) => moveOf(host) === 'swap');
}

/** What becomes of the data on a host. A restore swaps on all of them. */
export function moveOf(host: OperationDecision['hosts'][number]): UndoHost['action'] {
  return 'action' in host ? host.action : 'swap';
}

/** The peer URLs of each member that the cluster must list. */
export function expectedPeerUrls(decided: OperationDecision): (readonly string[])[] {
  const members = 'undoes' in decided ? decided.returnsTo.members : decided.hosts;
  return members.map(({ peerUrls }) => peerUrls);
}
