import type { LabCluster, LabHost } from '../support/lab-cluster.ts';
import type { MemberFacts } from './etcd-facts.ts';
import type { Narrator } from './narrator.ts';
import type { Shell } from './shell.ts';

/** What every act of the demo works with. */
export interface Scene {
  readonly directory: string;
  readonly lab: LabCluster;
  readonly shell: Shell;
  readonly narrator: Narrator;
  /** Keeps its data. */
  readonly survivor: LabHost;
  /** Lose power and data. */
  readonly victims: readonly LabHost[];
  /** The one host with a schedule. */
  readonly scheduled: LabHost;
}

/** The cluster as it was when quorum was lost. */
export interface LostCluster {
  readonly before: MemberFacts;
  readonly snapshotRevision: number;
  /** Keys that a client got acknowledged after the first ones. */
  readonly lateKeys: number;
}

/** Ends the demo as failed when something is not as it claims. */
export function prove(isSo: boolean, claim: string, found: string): void {
  if (!isSo) throw new Error(`not true: ${claim} (found: ${found})`);
}
