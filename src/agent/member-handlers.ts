import type { ControlHandlers } from '../http/control-handlers.ts';
import type { AgentParts } from './agent-parts.ts';

type MemberMethod = Extract<keyof ControlHandlers, `member.${string}`>;

/** What `lifeboat member …` asks of the agent. */
export function memberHandlers({ joins }: Pick<AgentParts, 'joins'>): Pick<ControlHandlers, MemberMethod> {
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
      const { plan, memberId } = await joins.run(request, ({ step, words }) => {
        onProgress({ phase: words === undefined ? step : `${step}: ${words}` });
      });
      return {
        id: plan.id,
        clusterId: plan.decided.clusterId,
        ...(memberId === undefined ? {} : { memberId }),
        setAside: plan.setAside,
      };
    },
  };
}
