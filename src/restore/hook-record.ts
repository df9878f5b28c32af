import type { Failure } from '../formats/identifiers.ts';
import type { HookName, JournalEntry, OperationEnd, ParticipantPhase } from '../formats/restore-journal.ts';
import { isClosed, leadsOut } from './phases.ts';

/** What the journal says of one command of the configuration. */
export interface HookRecord {
  readonly hook: HookName;
  /** The end that it follows; absent for a `preStop`, which is a step. */
  readonly after?: OperationEnd;
  readonly state: 'due' | 'running' | 'done' | 'failed';
  /** How often it was started. */
  readonly tries: number;
  readonly reason?: string;
  /** Why the operation did not go through. */
  readonly cause?: Failure;
}

export type HookEntry = Extract<JournalEntry, { type: 'hook' }>;

/** The step that runs `preStop`. */
export const PRE_STOP = 'pre-stop';

function hookAfter(end: OperationEnd): Exclude<HookName, 'preStop'> {
  return end === 'finished' ? 'postRestore' : 'onFailure';
}

/** Tells the records of one operation apart. */
export function keyOf({ hook, after }: Pick<HookRecord, 'hook' | 'after'>): string {
  return `${hook} ${after ?? ''}`;
}

/** Whether the agent has still to run it beside the operation. */
export function isToRun({ after, state }: HookRecord): boolean {
  return after !== undefined && (state === 'due' || state === 'running');
}

/** The records after one more entry: in the order in which they first came up. */
export function foldHooks(records: readonly HookRecord[], entry: JournalEntry): readonly HookRecord[] {
  const change = changeIn(entry);
  if (change === undefined) return records;
  const key = keyOf(change.named);
  const before = records.find((record) => keyOf(record) === key);
  const after = changed(before, change);
  return before === undefined
    ? [...records, after]
    : records.map((record) => (record === before ? after : record));
}

interface Change {
  readonly named: Pick<HookRecord, 'hook' | 'after'>;
  readonly outcome: HookEntry['outcome'];
  readonly reason?: string | undefined;
  readonly cause?: Failure | undefined;
}

function changeIn(entry: JournalEntry): Change | undefined {
  if (entry.type === 'step' && entry.step === PRE_STOP) {
    const { outcome, reason } = entry;
    return { named: { hook: 'preStop' }, outcome, reason };
  }
  if (entry.type !== 'hook') return undefined;
  const { after, outcome, reason, cause } = entry;
  return { named: { hook: hookAfter(after), after }, outcome, reason, cause };
}

function changed(before: HookRecord | undefined, { named, outcome, reason, cause }: Change): HookRecord {
  const tries = before?.tries ?? 0;
  const why = cause ?? before?.cause;
  return {
    ...named,
    state: outcome === 'started' ? 'running' : outcome,
    tries: outcome === 'started' ? tries + 1 : tries,
    ...(reason === undefined ? {} : { reason }),
    ...(why === undefined ? {} : { cause: why }),
  };
}

interface Standing {
  /** Where this host stands before the entries. */
  readonly phase: ParticipantPhase;
  readonly records: readonly HookRecord[];
  /** Why the operation does not go through, where the coordinator said so. */
  readonly cause: Failure | undefined;
  readonly configured: Readonly<Partial<Record<HookName, unknown>>>;
}

/** The commands that fall due by entries that are about to be appended: each once for each way to end. */
export function dueHooks(entries: readonly JournalEntry[], standing: Standing): HookEntry[] {
  const due: HookEntry[] = [];
  for (const entry of entries) {
    const after = endBy(entry, standing.phase);
    if (after === undefined || standing.configured[hookAfter(after)] === undefined) continue;
    const isKnown = [...standing.records, ...due].some((record) => record.after === after);
    if (isKnown) continue;
    const cause = after === 'finished' ? undefined : (standing.cause ?? failureIn(entry));
    due.push({
      type: 'hook',
      at: entry.at,
      after,
      outcome: 'due',
      ...(cause === undefined ? {} : { cause }),
    });
  }
  return due;
}

export function endBy(entry: JournalEntry, phase: ParticipantPhase): OperationEnd | undefined {
  if (entry.type === 'phase') return isClosed(entry.phase) ? entry.phase : undefined;
  if (entry.type === 'failure') return leadsOut(phase) ? 'stuck' : undefined;
  return entry.type === 'operation' && entry.phase === 'stuck' ? 'stuck' : undefined;
}

export function failureIn(entry: JournalEntry): Failure | undefined {
  return entry.type === 'failure' || entry.type === 'operation' || entry.type === 'cause'
    ? entry.failure
    : undefined;
}
