import { etcdOptions } from '../agent/room-options.ts';
import { AgentError } from '../base/agent-error.ts';
import type { Config } from '../config/config-schema.ts';
import { loadConfig } from '../config/load-config.ts';
import { connectEtcd, type EtcdClient } from '../etcd/client.ts';
import { keyText } from '../mvcc/key-text.ts';
import { lineageOf, type Lineage } from '../put-back/lineage.ts';
import { readCluster } from '../put-back/living-cluster.ts';
import { planPutBack, type PutBackPlan } from '../put-back/plan-put-back.ts';
import type { Selection } from '../put-back/selection.ts';
import { writePlanned, type WriteReport } from '../put-back/write-planned.ts';
import { confirmChange } from './confirm-change.ts';
import { READER_GONE_EXIT_STATUS } from './exit-status.ts';
import { audited } from './put-back-audit.ts';
import { openPutBackOutput, type PutBackOutput } from './put-back-output.ts';
import { openPutBackSnapshot, type PutBackSnapshot } from './put-back-snapshot.ts';
import type { Session } from './session.ts';
import { interruptedBy, SIGNAL_EXIT_STATUS } from './stop-signals.ts';

export interface PutBackWish {
  /** A path, an ID, or `latest`. */
  readonly which: string;
  readonly selection: Selection;
  readonly revision?: number;
  readonly scratchDirectory: string;
  readonly overwrite: boolean;
  readonly leased: boolean;
  readonly allowDamaged: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

/**
 * Shows what it will do, asks, and writes: through the etcd of the configuration file, without an agent.
 *
 * @returns The exit status.
 * @throws {AgentError} `PUT_BACK_CONFLICT`, `KEY_UNKNOWN`, `SNAPSHOT_DAMAGED`, `USAGE` and `CANCELLED` before anything was written;
 *   `PUT_BACK_INCOMPLETE`; what reading the snapshot and the calls of `EtcdClient` throw.
 */
export async function putBack(session: Session, wish: PutBackWish): Promise<number> {
  const { signals, endNow, stdoutGone } = session.surroundings;
  if (!wish.dryRun && !wish.yes) requireQuestion(session);
  const config = await loadConfig(session.configFile);
  using stop = interruptedBy(['SIGTERM', 'SIGINT'], signals, () => {
    endNow(1);
  });
  const looking = AbortSignal.any([stop.signal, stdoutGone]);
  const etcd = connectEtcd(etcdOptions(config));
  try {
    const report = await lookAndWrite({ session, wish, etcd, config }, { looking, writing: stop.signal });
    const isCut = stop.received !== undefined && report !== undefined && report.remaining > 0;
    return isCut ? SIGNAL_EXIT_STATUS[stop.received] : 0;
  } catch (error) {
    if (!looking.aborted || !isCancellation(error)) throw error;
    if (stop.received === undefined) return READER_GONE_EXIT_STATUS;
    throw new AgentError('CANCELLED', 'it was interrupted; nothing was written', { cause: error });
  } finally {
    etcd.close();
  }
}

/** Only looking is ever cancelled. */
function isCancellation(error: unknown): boolean {
  return !(error instanceof AgentError) || error.code === 'CANCELLED';
}

interface Asked {
  readonly session: Session;
  readonly wish: PutBackWish;
  readonly etcd: EtcdClient;
  readonly config: Config;
}

/** @returns What was written; `undefined` where it was only to be shown. */
async function lookAndWrite(
  { session, wish, etcd, config }: Asked,
  signals: { readonly looking: AbortSignal; readonly writing: AbortSignal },
): Promise<WriteReport | undefined> {
  // First, as it takes no time: a cluster that does not answer makes the rest needless.
  const cluster = await readCluster(etcd, signals.looking);
  using snapshot = await openPutBackSnapshot(session, wish, signals.looking);
  const lineage = lineageOf(snapshot.origin, cluster);
  const { endpoint } = config.etcd;
  const output = openPutBackOutput(session, { wish, snapshot, cluster: { ...cluster, endpoint }, lineage });
  const task: Task = { session, wish, etcd, snapshot, output, clusterId: cluster.clusterId };
  const plan = await showPlan(task, lineage, signals.looking);
  if (wish.dryRun) return undefined;
  if (plan.writes.count === 0) return await write(task, plan, signals.writing);
  if (cluster.isFull) throw new AgentError('ETCD_NO_SPACE', 'the cluster refuses writes: alarm NOSPACE');
  if (!wish.yes) await confirmChange(question(plan, cluster.clusterId), session.surroundings.terminal);
  return await write(task, plan, signals.writing);
}

interface Task {
  readonly session: Session;
  readonly wish: PutBackWish;
  readonly etcd: EtcdClient;
  readonly snapshot: PutBackSnapshot;
  readonly output: PutBackOutput;
  readonly clusterId: string;
}

async function showPlan(
  { session, wish, etcd, snapshot, output }: Task,
  { comparable }: Lineage,
  signal: AbortSignal,
): Promise<PutBackPlan> {
  const display = session.openProgress();
  display?.show({ phase: 'comparing' });
  let plan: PutBackPlan;
  try {
    const { overwrite, leased } = wish;
    const rules = { overwrite, leased, comparable };
    const planning = { source: snapshot.source, etcd, rules, onKey: output.key };
    plan = await planPutBack(wish.selection, planning, signal);
  } finally {
    display?.clear();
  }
  requireMet(plan.unmet, snapshot.name);
  output.plan(plan);
  const { conflict } = plan.counts;
  if (conflict === 0) return plan;
  const values = conflict === 1 ? '1 key has another value' : `${conflict} keys have other values`;
  throw new AgentError('PUT_BACK_CONFLICT', `${values} in the cluster`, { details: { conflicts: conflict } });
}

/** What was named and is not there is more likely a slip than a wish for nothing. */
function requireMet({ keys, prefixes }: Selection, snapshot: string): void {
  if (keys.length + prefixes.length === 0) return;
  const missing = [
    ...keys.map((key) => `no key ${keyText(key)}`),
    ...prefixes.map((prefix) => (prefix.length === 0 ? 'no key at all' : `no key below ${keyText(prefix)}`)),
  ];
  const shown = missing.slice(0, MOST_NAMED).join(', ');
  const more = missing.length > MOST_NAMED ? `, and ${missing.length - MOST_NAMED} more` : '';
  throw new AgentError('KEY_UNKNOWN', `${snapshot} has ${shown}${more}; nothing was written`);
}

const MOST_NAMED = 10;

async function write(task: Task, plan: PutBackPlan, signal: AbortSignal): Promise<WriteReport> {
  const { session, wish, etcd, snapshot, output, clusterId } = task;
  const display = session.openProgress();
  const writing = {
    source: snapshot.source,
    etcd,
    onLeftAlone: output.leftAlone,
    onBytes: (bytes: number) => display?.show({ phase: 'writing', bytes, totalBytes: plan.valueBytes }),
  };
  const run = async (): Promise<WriteReport> => {
    const report = await writePlanned(plan.writes, writing, signal);
    display?.clear();
    return report;
  };
  const noted = { snapshot, clusterId, plan, accepting: acceptedBy(wish), onUnaudited: output.unaudited };
  const report = plan.writes.count === 0 ? await run() : await audited(session, noted, run);
  output.report(report);
  if (report.failure !== undefined) throw report.failure;
  const { overtaken, tooLarge } = report;
  if (overtaken + tooLarge === 0) return report;
  throw new AgentError('PUT_BACK_INCOMPLETE', leftAloneText(overtaken, tooLarge), {
    details: { overtaken, tooLarge },
  });
}

/** As the flags that say so. */
function acceptedBy({ overwrite, leased, allowDamaged }: PutBackWish): string[] {
  return [
    ...(overwrite ? ['--overwrite'] : []),
    ...(leased ? ['--leased'] : []),
    ...(allowDamaged ? ['--allow-damaged'] : []),
  ];
}

function leftAloneText(overtaken: number, tooLarge: number): string {
  return [
    ...(overtaken === 0
      ? []
      : [`${overtaken === 1 ? '1 key was' : `${overtaken} keys were`} changed by other clients meanwhile`]),
    ...(tooLarge === 0 ? [] : [`${tooLarge === 1 ? '1 is' : `${tooLarge} are`} larger than etcd takes`]),
  ].join(', ');
}

function question({ writes, counts }: PutBackPlan, clusterId: string): string {
  const keys = writes.count === 1 ? '1 key' : `${writes.count} keys`;
  const replacing = counts.overwrite === 0 ? '' : `, replacing ${counts.overwrite} of its values`;
  return `Write ${keys} into cluster ${clusterId}${replacing}?`;
}

function requireQuestion(session: Session): void {
  if (session.canAsk) return;
  throw new AgentError('USAGE', 'there is no terminal to ask on: say --yes, or look first with --dry-run');
}
