import { once } from 'node:events';
import type { AgentError } from '../base/agent-error.ts';
import type { KeyPlan, PutBackPlan } from '../put-back/plan-put-back.ts';
import type { LeftAlone, WriteReport } from '../put-back/write-planned.ts';
import { keyFields } from './key-document.ts';
import { planLines, reportLines, type PutBackHeading } from './put-back-text.ts';
import type { Session } from './session.ts';

/** Where a put-back tells what it will do and did. */
export interface PutBackOutput {
  /** In key order; waited for, so that a slow reader slows the work and not the memory. */
  readonly key: (key: KeyPlan) => Promise<void>;
  readonly plan: (plan: PutBackPlan) => void;
  readonly leftAlone: (key: LeftAlone) => void;
  /** The audit log of this host does not hold it. */
  readonly unaudited: (problem: AgentError) => void;
  readonly report: (report: WriteReport) => void;
}

export function openPutBackOutput(session: Session, heading: PutBackHeading): PutBackOutput {
  return session.isJson ? jsonOutput(session, heading) : textOutput(session, heading);
}

/** More would push the counts off the screen. */
const KEYS_SHOWN = 20;

function textOutput(session: Session, heading: PutBackHeading): PutBackOutput {
  const toWrite: KeyPlan[] = [];
  const conflicts: KeyPlan[] = [];
  const leftAlone: LeftAlone[] = [];
  return {
    key: (key) => {
      const { kind } = key.decision;
      if (kind === 'create' && toWrite.length < KEYS_SHOWN) toWrite.push(key);
      if ((kind === 'conflict' || kind === 'overwrite') && conflicts.length < KEYS_SHOWN) conflicts.push(key);
      return Promise.resolve();
    },
    plan: (plan) => {
      session.print(plan, (made, paint) => planLines({ heading, plan: made, toWrite, conflicts }, paint));
    },
    leftAlone: (key) => {
      if (leftAlone.length < KEYS_SHOWN) leftAlone.push(key);
    },
    unaudited: ({ message }) => {
      session.say([`this put-back is not in the audit log of this host: ${message}`]);
    },
    report: (report) => {
      session.print(report, (made, paint) => reportLines(made, leftAlone, paint));
    },
  };
}

/** One line for each key that is not left as it is, one for the plan, one for each key that was not written after all, one for the end. */
function jsonOutput(session: Session, heading: PutBackHeading): PutBackOutput {
  const { terminal, stdoutGone } = session.surroundings;
  return {
    key: async (key) => {
      if (key.decision.kind === 'unchanged') return;
      const isRoom = terminal.stdout.write(`${JSON.stringify(keyDocument(key))}\n`);
      if (!isRoom) await once(terminal.stdout, 'drain', { signal: stdoutGone });
    },
    plan: (plan) => {
      session.printJson(planDocument(heading, plan));
    },
    leftAlone: (key) => {
      session.printJson(leftAloneDocument(key));
    },
    unaudited: ({ code, message }) => {
      session.printJson({ kind: 'unaudited', code, message });
    },
    report: ({ failure: _, ...counts }) => {
      session.printJson({ kind: 'summary', ...counts });
    },
  };
}

function keyDocument({ key, modRevision, valueSizeBytes, decision }: KeyPlan): object {
  const { kind, ...cluster } = decision;
  return {
    kind,
    ...keyFields(key),
    valueSizeBytes,
    snapshotRevision: modRevision,
    ...('modRevision' in cluster ? { clusterRevision: cluster.modRevision, newer: cluster.newer } : {}),
  };
}

function planDocument({ wish, snapshot, cluster, lineage }: PutBackHeading, plan: PutBackPlan): object {
  const { counts, leaseless, valueBytes } = plan;
  return {
    kind: 'plan',
    snapshot: snapshot.name,
    revision: wish.revision ?? snapshot.origin.revision,
    problems: snapshot.problems,
    clusterId: cluster.clusterId,
    endpoint: cluster.endpoint,
    ...lineage,
    ...counts,
    leaseless,
    valueBytes,
    dryRun: wish.dryRun,
  };
}

function leftAloneDocument(left: LeftAlone): object {
  const { key, reason, ...rest } = left;
  return { kind: reason, ...keyFields(key), ...rest };
}
