import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { AgentError, asAgentError, messageOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { compactTime } from '../base/compact-time.ts';
import { hostFacts, probeResponse, type HostFacts } from '../formats/host-facts.ts';
import type { Proposal, RestorePlan } from '../formats/restore-plan.ts';
import type { CallHost } from './call-host.ts';
import { decidePlan } from './plan-decision.ts';
import type { PlanCircumstances, PlanWish } from './plan-wish.ts';
import { proposeActions } from './propose-actions.ts';

interface Planner {
  readonly coordinator: string;
  /** Every agent of the configuration, this one included. */
  readonly agents: readonly string[];
  readonly call: CallHost;
  readonly clock: Clock;
}

export interface CollectedFacts {
  readonly facts: readonly HostFacts[];
  readonly silent: readonly { readonly agent: string; readonly message: string }[];
}

const FACTS_TIMEOUT_MS = 30_000;
const PROBE_TIMEOUT_MS = 1500;

/** Asks every host, decides, and makes sure that hosts sworn dead are silent. Changes nothing. */
export async function planOperation(
  planner: Planner,
  wish: PlanWish,
  signal: AbortSignal,
): Promise<RestorePlan> {
  const nowMs = planner.clock.now();
  const collected = await collectFacts(planner, planner.agents, signal);
  const seen: PlanCircumstances = {
    coordinator: planner.coordinator,
    operation: `${compactTime(nowMs)}-${randomBytes(3).toString('hex')}`,
    clusterToken: `lifeboat-${randomBytes(12).toString('hex')}`,
    nowMs,
    agents: planner.agents,
    ...collected,
  };
  const plan = decideOrPropose(wish, seen);
  await refuseLivingDead(planner.call, plan, signal);
  return { ...plan, measured: { ...plan.measured, proposals: proposeActions(seen, plan) } };
}

/** What is refused comes with what can be done instead, the least destructive first. */
function decideOrPropose(wish: PlanWish, seen: PlanCircumstances): RestorePlan {
  try {
    return decidePlan(wish, seen);
  } catch (cause) {
    const { code, message, details } = asAgentError(cause);
    const proposals = proposeActions(seen, undefined).map(proposalWords);
    throw new AgentError(code, message, { cause, details: { ...details, proposals } });
  }
}

/** `start etcd on h2: … Loses nothing. lifeboat …` */
function proposalWords({ what, loss, command }: Proposal): string {
  return `${what}. Loses ${loss}.${command === undefined ? '' : ` ${command}`}`;
}

/** Facts of every agent that answers; the others are named with the reason. */
export async function collectFacts(
  { call }: Pick<Planner, 'call'>,
  agents: readonly string[],
  signal: AbortSignal,
): Promise<CollectedFacts> {
  const facts: HostFacts[] = [];
  const silent: { agent: string; message: string }[] = [];
  await Promise.all(
    agents.map(async (agent) => {
      try {
        facts.push(
          hostFacts.parse(await call(agent, 'host.facts', {}, { timeoutMs: FACTS_TIMEOUT_MS, signal })),
        );
      } catch (error) {
        signal.throwIfAborted();
        silent.push({ agent, message: messageOf(error) });
      }
    }),
  );
  return { facts, silent };
}

/**
 * The member URLs of hosts that the operator swears are dead, probed from all participants.
 *
 * @throws {AgentError} `GUARD_HOST_ALIVE` when any of them answers anybody.
 */
export async function refuseLivingDead(
  call: CallHost,
  plan: RestorePlan,
  signal: AbortSignal,
): Promise<void> {
  const urls = [...new Set(plan.decided.without.flatMap((host) => host.urls))];
  if (urls.length === 0) return;
  await Promise.all(
    plan.decided.hosts.map(async ({ agent }) => {
      const answer = await call(agent, 'host.probe', { urls }, { timeoutMs: FACTS_TIMEOUT_MS, signal });
      const { answering } = probeResponse.parse(answer);
      if (answering.length === 0) return;
      throw new AgentError(
        'GUARD_HOST_ALIVE',
        `${answering.join(', ')} answers ${agent}, though it was sworn dead`,
      );
    }),
  );
}

/** Those of `urls` that accept a TCP connection. */
export async function probeUrls(urls: readonly string[], signal: AbortSignal): Promise<string[]> {
  const answers = await Promise.all(urls.map(async (url) => ((await accepts(url, signal)) ? [url] : [])));
  return answers.flat();
}

async function accepts(url: string, signal: AbortSignal): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const socket = connect({ host, port: Number(port || (protocol === 'https:' ? 443 : 80)), signal });
  socket.setTimeout(PROBE_TIMEOUT_MS);
  return await new Promise((resolve) => {
    const end = (answered: boolean) => (): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', end(true)).once('timeout', end(false)).once('error', end(false));
  });
}
