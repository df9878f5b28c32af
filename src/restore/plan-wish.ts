import type { HostFacts } from '../formats/host-facts.ts';

/** What the operator asked for, after a file or a member's database has become a snapshot of some agent. */
export interface PlanWish {
  readonly snapshot: { readonly id: string } | 'latest';
  readonly skipHashCheck: boolean;
  readonly reason?: string;
  readonly discardCurrent: boolean;
  readonly allowForeign: boolean;
  readonly allowNewerSnapshot?: boolean;
  readonly disarmAlarms: boolean;
  /** By how much to raise the revision, or `false` for not at all. */
  readonly bumpRevision?: number | false;
  /** `false`: nobody boots the snapshot before the old data is stopped. */
  readonly rehearse?: boolean;
  readonly without: readonly string[];
}

/** What is drawn or read outside, so that the decision itself is pure. */
export interface PlanCircumstances {
  readonly coordinator: string;
  readonly operation: string;
  readonly clusterToken: string;
  readonly nowMs: number;
  /** Every agent of the configuration, this one included. */
  readonly agents: readonly string[];
  readonly facts: readonly HostFacts[];
  /** Agents that could not be asked, and why. */
  readonly silent: readonly { readonly agent: string; readonly message: string }[];
}
