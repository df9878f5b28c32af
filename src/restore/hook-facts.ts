import type { Failure } from '../formats/identifiers.ts';
import type { HookName, OperationEnd, ParticipantPhase } from '../formats/restore-journal.ts';
import type { PlanHost, RestorePlan } from '../formats/restore-plan.ts';
import { expectedIdentity } from './expected-identity.ts';
import { expectedRevision } from './expected-revision.ts';

interface HookMoment {
  readonly hook: HookName;
  readonly plan: RestorePlan;
  readonly host: Pick<PlanHost, 'agent' | 'found'>;
  /** Where this host stands. */
  readonly phase: ParticipantPhase;
  readonly after?: OperationEnd;
  readonly cause?: Failure;
  /** The data that this host keeps beside what etcd runs on. */
  readonly setAside?: readonly string[];
}

/** The kernel takes 128 KiB in one variable; a failure that quotes a tool can be long. */
const MESSAGE_CHARS = 4000;

/** What a command learns of the operation, as environment variables. All are always there; what is not known is empty. */
export function hookFacts(moment: HookMoment): Record<string, string> {
  const { hook, plan, host, phase, after = '', cause, setAside = [] } = moment;
  const { decided } = plan;
  const { revisions, snapshot, supersedes } = decided;
  return {
    LIFEBOAT_HOOK: hook,
    LIFEBOAT_OPERATION: decided.operation,
    LIFEBOAT_PHASE: phase,
    LIFEBOAT_OUTCOME: after,
    ...causeFacts(cause),
    LIFEBOAT_PLAN_HASH: plan.hash,
    LIFEBOAT_AGENT: host.agent,
    LIFEBOAT_COORDINATOR: decided.coordinator,
    LIFEBOAT_FOUND: host.found,
    LIFEBOAT_OLD_CLUSTER_ID: supersedes?.clusterId ?? '',
    LIFEBOAT_CLUSTER_ID: expectedIdentity(decided).clusterId,
    LIFEBOAT_SNAPSHOT_ID: snapshot.id,
    LIFEBOAT_REVISION: String(expectedRevision(decided)),
    LIFEBOAT_REVISION_BUMP: revisions?.action === 'bump' ? String(revisions.by) : '0',
    LIFEBOAT_SET_ASIDE: setAside.join('\n'),
  };
}

/** No variable can hold a NUL, and no command could then be started at all. */
function causeFacts({ code, message }: Failure = { code: '', message: '' }): Record<string, string> {
  return {
    LIFEBOAT_FAILURE_CODE: code,
    LIFEBOAT_FAILURE_MESSAGE: message.replaceAll('\0', '').slice(0, MESSAGE_CHARS),
  };
}
