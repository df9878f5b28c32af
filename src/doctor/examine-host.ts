import { asAgentError, messageOf } from '../base/agent-error.ts';
import { withinTime } from '../base/within-time.ts';
import type { HostReport } from '../formats/doctor-report.ts';
import { CHECK_IDS, fail, skipped, type Check } from './check.ts';
import { gatherEtcd } from './gather-etcd.ts';
import { ownUser } from './own-user.ts';
import type { Step } from './step.ts';
import { agentSteps } from './steps-agent.ts';
import { etcdSteps } from './steps-etcd.ts';
import { peerSteps } from './steps-peers.ts';
import type { DoctorSubject } from './subject.ts';

/** Longer than anything that is asked may take; what hangs until then is a finding. */
const STEP_TIMEOUT_MS = 25_000;

/**
 * Looks at everything that a snapshot or a restore needs on this host, and changes nothing. What cannot be looked at is a
 * finding, never an error.
 */
export async function examineHost(subject: DoctorSubject, signal: AbortSignal): Promise<HostReport> {
  const { config, clock, release, agent } = subject;
  const seen = await gatherEtcd(subject, signal);
  const steps = [...agentSteps(subject), ...etcdSteps(subject, seen), ...peerSteps(subject)];
  const found = await Promise.all(steps.map((step) => findingsOf(step, subject, signal)));
  signal.throwIfAborted();
  return {
    agent: config.agent.name,
    release,
    by: agent === undefined ? 'command' : 'agent',
    user: ownUser(),
    checkedAt: new Date(clock.now()).toISOString(),
    checks: inOrder(found.flat()),
  };
}

async function findingsOf(
  step: Step,
  { clock }: DoctorSubject,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  try {
    return await withinTime(step.look(signal), {
      clock,
      timeoutMs: STEP_TIMEOUT_MS,
      what: 'looking at it',
    });
  } catch (thrown) {
    const error = asAgentError(thrown);
    const hint =
      error.code === 'INTERNAL' ? 'What is in the way of looking is in the way of a restore.' : error.hint;
    return step.ids.map((id) => fail(id, `it cannot be looked at: ${messageOf(error)}`, hint));
  }
}

function inOrder(checks: readonly Check[]): Check[] {
  return CHECK_IDS.flatMap((id) => {
    const found = checks.filter((check) => check.id === id);
    return found.length === 0 ? [skipped(id, 'it was not looked at')] : found;
  });
}
