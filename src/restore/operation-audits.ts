import type { AuditLog } from '../audit/audit-log.ts';
import { auditEvent } from '../formats/audit-record.ts';
import type { JournalEntry } from '../formats/restore-journal.ts';
import type { OperatorRequest } from '../formats/restore-messages.ts';
import { auditKeyOf, OperationAudit, type DatedEvent } from './operation-audit.ts';

/** More than a host keeps journals of. */
const FOLLOWED = 64;

/** Tells the audit log what the journals of this host say. Journals come first: what they do not hold did not happen. */
export class OperationAudits {
  readonly #log: Pick<AuditLog, 'append' | 'find'>;
  readonly #audits = new Map<string, OperationAudit>();

  constructor(log: Pick<AuditLog, 'append' | 'find'>) {
    this.#log = log;
  }

  /** Once at the start, with all that each journal holds: what a crash kept out of the log goes in now. */
  async catchUp(journals: readonly (readonly JournalEntry[])[]): Promise<void> {
    const told = journals.flatMap((entries) => this.#eventsOf(entries));
    if (told.length === 0) return;
    const logged = await this.#loggedKeys();
    for (const { at, event } of told) {
      const key = auditKeyOf(event);
      const times = logged.get(key) ?? 0;
      if (times === 0) await this.#log.append(event, at);
      else logged.set(key, times - 1);
    }
  }

  /** What was just appended to a journal. The log's own queue keeps the order; nothing waits for it. */
  tell(operation: string, entries: readonly JournalEntry[]): void {
    for (const { at, event } of this.#eventsOf(entries, operation)) {
      // It never rejects: what cannot be written is said by the log itself.
      this.#log.append(event, at).catch(() => undefined);
    }
  }

  /** `tell` of one operation. */
  listener(operation: string): (entries: readonly JournalEntry[]) => void {
    return (entries) => {
      this.tell(operation, entries);
    };
  }

  /** What a person asked of the coordinator here; the journal holds only what came of it. */
  tellRequest({ operation, kind, without, requestedBy }: OperatorRequest): void {
    const asked = { operation, kind, without: [...without], requestedBy };
    this.#log.append({ event: 'operation-requested', ...asked }).catch(() => undefined);
  }

  #eventsOf(entries: readonly JournalEntry[], operation?: string): DatedEvent[] {
    const first = entries[0];
    if (first?.type === 'opened') {
      const audit = new OperationAudit(first);
      const [oldest] = this.#audits.keys();
      // An older one has ended: a host takes part in one at a time.
      if (oldest !== undefined && this.#audits.size >= FOLLOWED) this.#audits.delete(oldest);
      this.#audits.set(first.plan.decided.operation, audit);
      return audit.add(entries);
    }
    return operation === undefined ? [] : (this.#audits.get(operation)?.add(entries) ?? []);
  }

  /** How often each is in the log. */
  async #loggedKeys(): Promise<Map<string, number>> {
    const known = await this.#log.find(({ operation }) => this.#audits.has(String(operation)));
    const times = new Map<string, number>();
    for (const event of known) {
      const parsed = auditEvent.safeParse(event);
      if (!parsed.success) continue;
      const key = auditKeyOf(parsed.data);
      times.set(key, (times.get(key) ?? 0) + 1);
    }
    return times;
  }
}
