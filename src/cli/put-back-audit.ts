import { asAgentError, type AgentError } from '../base/agent-error.ts';
import type { PutBackNote } from '../formats/audit-record.ts';
import type { PutBackPlan } from '../put-back/plan-put-back.ts';
import type { WriteReport } from '../put-back/write-planned.ts';
import { callAgent } from './control-client.ts';
import type { Session } from './session.ts';

interface Noted {
  readonly snapshot: { readonly name: string; readonly sha256: string };
  readonly clusterId: string;
  readonly plan: PutBackPlan;
  readonly accepting: readonly string[];
  /** Called where the agent could not be told, and thus the log holds nothing of it. */
  readonly onUnaudited: (problem: AgentError) => void;
}

/**
 * Has the agent put a put-back into the audit log, as nobody else writes there: what is to be written, and what was. It goes on without an
 * agent, too; the end is told only of what was begun.
 */
export async function audited(
  session: Session,
  noted: Noted,
  write: () => Promise<WriteReport>,
): Promise<WriteReport> {
  const base = noteOf(session, noted);
  const isNoted = await tell(session, { ...base, stage: 'begun' }, noted);
  const report = await write();
  if (isNoted) await tell(session, { ...base, ...outcomeOf(report) }, noted);
  return report;
}

/** No signal ends it: what was stopped is told all the same, and an agent that gives no sign of life is not waited for. */
async function tell(session: Session, note: PutBackNote, { onUnaudited }: Noted): Promise<boolean> {
  const { signal } = new AbortController();
  try {
    const socketPath = await session.socketPath();
    await callAgent({ socketPath, method: 'audit.note', params: note, signal });
    return true;
  } catch (error) {
    onUnaudited(asAgentError(error));
    return false;
  }
}

function noteOf(
  { surroundings }: Session,
  { snapshot, clusterId, plan, accepting }: Noted,
): Omit<PutBackNote, 'stage'> {
  return {
    snapshot: snapshot.name,
    sha256: snapshot.sha256,
    clusterId,
    keys: plan.writes.count,
    overwrites: plan.counts.overwrite,
    requestedBy: surroundings.requestedBy.slice(0, 256),
    ...(accepting.length === 0 ? {} : { accepting: [...accepting] }),
  };
}

type Outcome = Pick<PutBackNote, 'stage' | 'written' | 'skipped' | 'uncertain' | 'reason'>;

function outcomeOf(report: WriteReport): Outcome {
  const { written, unchanged, overtaken, tooLarge, uncertain, remaining, failure } = report;
  const counts = { written, skipped: unchanged + overtaken + tooLarge + remaining, uncertain };
  if (failure !== undefined)
    return { stage: 'failed', ...counts, reason: `${failure.code}: ${failure.message}`.slice(0, 8192) };
  return remaining === 0
    ? { stage: 'done', ...counts }
    : { stage: 'failed', ...counts, reason: 'it was interrupted' };
}
