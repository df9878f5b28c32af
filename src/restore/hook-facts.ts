import type { Failure } from '../formats/identifiers.ts';
import type { HookName, OperationEnd, ParticipantPhase } from '../formats/restore-journal.ts';
import type { OperationDecision, OperationPlan, PlanHost } from '../formats/restore-plan.ts';
import { expectedIdentity } from './expected-identity.ts';
import { expectedRevision } from './expected-revision.ts';

interface HookMoment {
  readonly hook: HookName;
  readonly plan: OperationPlan;
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
    LIFEBOAT_OLD_CLUSTER_ID: decided.supersedes?.clusterId ?? '',
    LIFEBOAT_CLUSTER_ID: expectedIdentity(decided).clusterId,
    ...sourceFacts(decided),
    LIFEBOAT_REVISION: String(expectedRevision(decided)),
    LIFEBOAT_SET_ASIDE: setAside.join('\n'),
  };
}

/** Either of the first two is empty: a restore has a snapshot, an undo goes back to what another operation set aside. */
function sourceFacts(decided: OperationDecision): Record<string, string> {
  if ('undoes' in decided) {
    const { operation } = decided.undoes;
    return { LIFEBOAT_SNAPSHOT_ID: '', LIFEBOAT_UNDOES: operation, LIFEBOAT_REVISION_BUMP: '0' };
  }
  const { snapshot, revisions } = decided;
  const bump = revisions?.action === 'bump' ? revisions.by : 0;
  return { LIFEBOAT_SNAPSHOT_ID: snapshot.id, LIFEBOAT_UNDOES: '', LIFEBOAT_REVISION_BUMP: String(bump) };
}

/** No variable can hold a NUL, and no command could then be started at all. */
function causeFacts({ code, message }: Failure = { code: '', message: '' }): Record<string, string> {
  return {
    LIFEBOAT_FAILURE_CODE: code,
    LIFEBOAT_FAILURE_MESSAGE: message.replaceAll('\0', '').slice(0, MESSAGE_CHARS),
  };
}
