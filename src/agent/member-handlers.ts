import { messageOf } from '../base/agent-error.ts';
import type { JoinRecord } from '../formats/membership.ts';
import type { ControlHandlers } from '../http/control-handlers.ts';
import type { AgentParts } from './agent-parts.ts';

type MemberMethod = Extract<keyof ControlHandlers, `member.${string}`>;

/** What `lifeboat member …` asks of the agent. */
export function memberHandlers({ joins, audit }: AgentParts): Pick<ControlHandlers, MemberMethod> {
  return {
    'member.plan': async ({ replace }, { signal, onProgress }) => {
      onProgress({ phase: 'asking every host' });
      const wish =
        replace === undefined ? { kind: 'rejoin' as const } : { kind: 'replace' as const, name: replace };
      const { plan, begun } = await joins.plan(wish, signal);
      if (begun === undefined) return { plan };
      const { done, failure } = begun;
      return { plan, done, ...(failure === undefined ? {} : { failure }) };
    },
    'member.join': async (request, { onProgress }) => {
      const { requestedBy } = request;
      await audit.append({ event: 'member', action: 'join', stage: 'begun', requestedBy });
      const joining = joins.run(request, ({ step, words }) => {
        onProgress({ phase: words === undefined ? step : `${step}: ${words}` });
      });
      const { plan, memberId } = await toldToAudit(joining, audit, requestedBy);
      return {
        id: plan.id,
        clusterId: plan.decided.clusterId,
        ...(memberId === undefined ? {} : { memberId }),
        setAside: plan.setAside,
      };
    },
  };
}

/** Passes the outcome on, once the audit log has it. */
async function toldToAudit(
  joining: Promise<JoinRecord>,
  audit: AgentParts['audit'],
  requestedBy: string,
): Promise<JoinRecord> {
  const event = { event: 'member', action: 'join', requestedBy } as const;
  try {
    const record = await joining;
    const { plan, memberId } = record;
    const member = memberId === undefined ? {} : { memberId };
    await audit.append({ ...event, stage: 'done', clusterId: plan.decided.clusterId, ...member });
    return record;
  } catch (error) {
    await audit.append({ ...event, stage: 'failed', reason: messageOf(error).slice(0, 8192) });
    throw error;
  }
}
