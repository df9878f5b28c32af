import { AgentError } from '../base/agent-error.ts';
import { canonicalSha256 } from '../formats/canonical-json.ts';
import type { Epoch } from '../formats/restore-journal.ts';
import type { AdvanceRequest, PromiseRequest } from '../formats/restore-messages.ts';
import type { OperationPlan } from '../formats/restore-plan.ts';

/** @throws {AgentError} `PEER_REFUSED` for a peer that speaks for another coordinator. */
export function requireSpeaker(peer: string, { agent }: Epoch): void {
  if (agent !== peer) throw new AgentError('PEER_REFUSED', `${peer} speaks for the coordinator ${agent}`);
}

/** @throws {AgentError} `PLAN_MISMATCH` for a plan that is not what its hash says. */
export function requireSound(
  plan: OperationPlan,
  { operation, planHash }: AdvanceRequest | PromiseRequest,
): void {
  if (plan.hash === planHash && canonicalSha256(plan.decided) === plan.hash) return;
  throw new AgentError('PLAN_MISMATCH', `the plan of ${operation} is not what its hash says`);
}
