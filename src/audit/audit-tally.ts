import { auditEvent, type AuditRecord } from '../formats/audit-record.ts';
import { hookName, operationEnd, type HookName, type OperationEnd } from '../formats/restore-journal.ts';

/** What a host's audit log counts up to, over restarts of the agent. */
export interface AuditCounts {
  /** How the restores of this host ended. */
  readonly restores: Readonly<Record<OperationEnd, number>>;
  readonly hooks: Readonly<Record<HookName, Readonly<Record<'done' | 'failed', number>>>>;
}

export class AuditTally implements AuditCounts {
  readonly restores = Object.fromEntries(operationEnd.options.map((end) => [end, 0])) as Record<
    OperationEnd,
    number
  >;
  readonly hooks = Object.fromEntries(
    hookName.options.map((hook) => [hook, { done: 0, failed: 0 }]),
  ) as Record<HookName, Record<'done' | 'failed', number>>;

  /** Of events that this release does not know, nothing is counted. */
  add({ event }: Pick<AuditRecord, 'event'>): void {
    const parsed = auditEvent.safeParse(event);
    if (!parsed.success) return;
    const known = parsed.data;
    if (known.event === 'operation-ended') this.restores[known.outcome] += 1;
    else if (known.event === 'hook-ended') this.hooks[known.hook][known.outcome] += 1;
  }
}
