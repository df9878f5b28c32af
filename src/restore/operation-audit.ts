import type { AuditEvent } from '../formats/audit-record.ts';
import type { Failure } from '../formats/identifiers.ts';
import type { Epoch, JournalEntry, OperationEnd, ParticipantPhase } from '../formats/restore-journal.ts';
import type { PlanDecision } from '../formats/restore-plan.ts';
import { isEnded } from './phases.ts';
import { endBy, failureIn, foldHooks, type HookRecord } from './hook-record.ts';

/** An event, and when the journal says that it happened. */
export interface DatedEvent {
  readonly at: string;
  readonly event: AuditEvent;
}

type Opened = Extract<JournalEntry, { type: 'opened' }>;

/**
 * What the audit log is told of an operation, drawn from its journal entry by entry: so a start finds by itself what a crash kept
 * out of the log. Pure.
 */
export class OperationAudit {
  readonly #operation: string;
  #epoch: Epoch;
  #phase: ParticipantPhase = 'preparing';
  #failure: Failure | undefined;
  #hooks: readonly HookRecord[] = [];
  readonly #told = new Set<string>();
  #lastEnd: OperationEnd | undefined;

  constructor({ plan, epoch }: Pick<Opened, 'plan' | 'epoch'>) {
    this.#operation = plan.decided.operation;
    this.#epoch = epoch;
  }

  /** The events that these entries tell of and that no entry before them did. */
  add(entries: readonly JournalEntry[]): DatedEvent[] {
    return entries.flatMap((entry) =>
      this.#eventsOf(entry)
        .filter((event) => this.#isNew(event))
        .map((event) => ({ at: entry.at, event })),
    );
  }

  /** One that was stuck may end again as it had ended before: the last word counts. */
  #isNew(event: AuditEvent): boolean {
    if (event.event === 'operation-ended') {
      const isNew = event.outcome !== this.#lastEnd;
      this.#lastEnd = event.outcome;
      return isNew;
    }
    const key = auditKeyOf(event);
    if (this.#told.has(key)) return false;
    this.#told.add(key);
    return true;
  }

  #eventsOf(entry: JournalEntry): AuditEvent[] {
    this.#failure = failureIn(entry) ?? this.#failure;
    if (entry.type === 'opened') return [openedEvent(entry)];
    if ('epoch' in entry) this.#epoch = entry.epoch;
    if (entry.type === 'coordinating') return this.#drivenEvents(entry);
    if (entry.type === 'decided') {
      const { slot, decision } = entry;
      const operation = this.#operation;
      return [{ event: 'operation-decided', operation, slot, decision, epoch: this.#epoch }];
    }
    return [...this.#hookEvents(entry), ...this.#endEvents(entry)];
  }

  /** Who drives it first is told by the opening. */
  #drivenEvents({
    epoch,
    order,
    requestedBy,
  }: Extract<JournalEntry, { type: 'coordinating' }>): AuditEvent[] {
    if (epoch.counter === 1) return [];
    return [
      {
        event: 'operation-taken-over',
        operation: this.#operation,
        epoch,
        ...(requestedBy === undefined ? {} : { requestedBy }),
        ...(order === undefined ? {} : { order }),
      },
    ];
  }

  #hookEvents(entry: JournalEntry): AuditEvent[] {
    const before = this.#hooks;
    this.#hooks = foldHooks(before, entry);
    const changed = this.#hooks.find((record) => !before.includes(record));
    if (changed?.state !== 'done' && changed?.state !== 'failed') return [];
    const { hook, after, state: outcome, reason } = changed;
    return [
      {
        event: 'hook-ended',
        operation: this.#operation,
        hook,
        outcome,
        ...(after === undefined ? {} : { after }),
        ...(reason === undefined ? {} : { reason }),
      },
    ];
  }

  #endEvents(entry: JournalEntry): AuditEvent[] {
    const outcome = endBy(entry, this.#phase) ?? this.#endAfterStuck(entry);
    if (entry.type === 'phase') this.#phase = entry.phase;
    return outcome === undefined ? [] : [this.#endedEvent(outcome)];
  }

  /** The coordinator's own part may have ended long before the others were through with theirs. */
  #endAfterStuck(entry: JournalEntry): OperationEnd | undefined {
    if (entry.type !== 'operation' || this.#lastEnd !== 'stuck') return undefined;
    return isEnded(entry.phase) ? entry.phase : undefined;
  }

  #endedEvent(outcome: OperationEnd): AuditEvent {
    const ended = { event: 'operation-ended', operation: this.#operation, outcome } as const;
    const failure = outcome === 'finished' ? undefined : this.#failure;
    return failure === undefined ? ended : { ...ended, failure };
  }
}

/** Tells the events of an operation apart: each is told once, but for its ends. */
export function auditKeyOf(event: AuditEvent): string {
  const { event: name } = event;
  const operation = 'operation' in event ? event.operation : '';
  const slot = 'slot' in event ? event.slot : '';
  const decision = 'decision' in event ? event.decision : '';
  const hook = 'hook' in event ? `${event.hook} ${event.after ?? ''}` : '';
  const outcome = name === 'operation-ended' ? event.outcome : '';
  const epoch = name === 'operation-taken-over' ? `${event.epoch.counter} ${event.epoch.agent}` : '';
  return [name, operation, slot, decision, hook, outcome, epoch].join(' ');
}

function openedEvent({ plan, requestedBy }: Opened): AuditEvent {
  const { decided, hash } = plan;
  const without = decided.without.map(({ agent }) => agent);
  return {
    event: 'operation-opened',
    operation: decided.operation,
    planHash: hash,
    coordinator: decided.coordinator,
    requestedBy: requestedBy.slice(0, 256),
    ...(without.length === 0 ? {} : { without }),
    ...('undoes' in decided ? { undoes: decided.undoes.operation } : restoreFacts(decided)),
  };
}

type OpenedEvent = Extract<AuditEvent, { event: 'operation-opened' }>;

function restoreFacts(decided: PlanDecision): Pick<OpenedEvent, 'snapshot' | 'reason' | 'accepting'> {
  const { id, sha256, revision, sizeBytes } = decided.snapshot;
  const accepting = acceptedBy(decided);
  return {
    snapshot: { id, sha256, revision, sizeBytes },
    ...(decided.reason === undefined ? {} : { reason: decided.reason }),
    ...(accepting.length === 0 ? {} : { accepting }),
  };
}

/** The guards that the operator overrode, as the flags that did it. */
function acceptedBy(decided: PlanDecision): string[] {
  const { skipHashCheck, discardCurrent, allowForeign, allowNewerSnapshot = false } = decided;
  return [
    ...(skipHashCheck ? ['--skip-hash-check'] : []),
    ...(discardCurrent ? ['--discard-current'] : []),
    ...(allowForeign ? ['--allow-foreign'] : []),
    ...(allowNewerSnapshot ? ['--allow-newer-snapshot'] : []),
  ];
}
