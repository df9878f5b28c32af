import type { AuditLog } from '../audit/audit-log.ts';
import { auditEvent, type AuditEvent } from '../formats/audit-record.ts';
import type { MemberIdentity } from '../formats/generation.ts';
import type { Fence } from '../supervisor/hold-file.ts';

type MemberEvent = Extract<AuditEvent, { event: 'member' }>;
export type FenceNote = Pick<MemberEvent, 'action' | 'stage' | 'reason'>;

/**
 * Tells the audit log of fences. The keeper looks every few seconds and tells each time what it found: a line is added only where it
 * says other than the last one, also that of an agent before this one.
 */
export class FenceAudit {
  readonly #log: Pick<AuditLog, 'append' | 'find'>;
  #last: MemberEvent | undefined;
  #isRecalled = false;

  constructor(log: Pick<AuditLog, 'append' | 'find'>) {
    this.#log = log;
  }

  async tell(note: FenceNote, { by, since }: Fence, identity: MemberIdentity | undefined): Promise<void> {
    await this.#recall();
    const { clusterId, memberId } = identity ?? {};
    const event: MemberEvent = {
      event: 'member',
      ...note,
      ...(note.reason === undefined ? {} : { reason: note.reason.slice(0, 8192) }),
      operation: by.slice(0, 64),
      since,
      ...(memberId === undefined ? {} : { memberId }),
      ...(clusterId === undefined ? {} : { clusterId }),
    };
    if (!isNew(event, this.#last)) return;
    this.#last = event;
    await this.#log.append(event);
  }

  /** There is no fence, and no reason for one: what a crash kept back is told, and what comes next is not what was. */
  async tellNone(): Promise<void> {
    await this.#recall();
    const last = this.#last;
    this.#last = undefined;
    if (last?.action !== 'unfence' || last.stage === 'done') return;
    const { reason: _, ...begun } = last;
    await this.#log.append({ ...begun, stage: 'done' });
  }

  async #recall(): Promise<void> {
    if (this.#isRecalled) return;
    const told = await this.#log.find(({ event }) => event === 'member');
    const parsed = auditEvent.safeParse(told.at(-1));
    if (parsed.success && parsed.data.event === 'member') this.#last = parsed.data;
    this.#isRecalled = true;
  }
}

/** What was begun for an operation is begun once, however often it is tried; it fails once, as words may name another process each time. */
function isNew(event: MemberEvent, last: MemberEvent | undefined): boolean {
  if (last?.action !== event.action || last.operation !== event.operation) return true;
  return event.stage !== 'begun' && event.stage !== last.stage;
}
