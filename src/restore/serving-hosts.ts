import type { OperationDecision, PlanHost, UndoDecision, UndoHost } from '../formats/restore-plan.ts';
import { majorityOf } from './ballot.ts';

type Moved = Pick<PlanHost, 'agent'> & { readonly action?: UndoHost['action'] };

/** The hosts whose etcd serves the cluster that comes out: all of a restore, those of an undo that swap. */
export function servingHosts({ hosts }: Pick<OperationDecision, 'hosts'>): readonly PlanHost[] {
  return hosts.filter(isServing);
}

export function isServing(host: Moved): boolean {
  return moveOf(host) === 'swap';
}

/** What becomes of the data on a host. A restore swaps on all of them. */
export function moveOf({ action = 'swap' }: Moved): UndoHost['action'] {
  return action;
}

/** How many of the serving hosts the cluster that comes out needs: one that is gone back to may have had voting members elsewhere. */
export function quorumOf({
  hosts,
  returnsTo,
}: {
  readonly hosts: readonly unknown[];
  readonly returnsTo?: Pick<UndoDecision['returnsTo'], 'members'>;
}): number {
  const voters = returnsTo?.members.filter(({ isLearner }) => isLearner !== true);
  return majorityOf((voters ?? hosts).length);
}

/** The peer URLs of each member that the cluster must list. */
export function expectedPeerUrls(decided: OperationDecision): (readonly string[])[] {
  const members = 'undoes' in decided ? decided.returnsTo.members : decided.hosts;
  return members.map(({ peerUrls }) => peerUrls);
}
