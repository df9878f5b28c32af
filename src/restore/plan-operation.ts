import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { AgentError, asAgentError, messageOf } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { compactTime } from '../base/compact-time.ts';
import {
  hostFacts,
  probeResponse,
  setAsideFacts,
  type HostFacts,
  type SetAsideFacts,
} from '../formats/host-facts.ts';
import type { OperationPlan, Proposal, RestorePlan, UndoPlan } from '../formats/restore-plan.ts';
import type { CallHost } from './call-host.ts';
import { decidePlan } from './plan-decision.ts';
import { decideUndo, type UndoWish } from './plan-undo.ts';
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
  const seen: PlanCircumstances = {
    ...(await lookAround(planner, signal)),
    clusterToken: `lifeboat-${randomBytes(12).toString('hex')}`,
  };
  const plan = decideOrPropose(wish, seen);
  await refuseLivingDead(planner.call, plan, signal);
  return { ...plan, measured: { ...plan.measured, proposals: proposeActions(seen, plan) } };
}

/** The same for an undo: every host is also asked what the operation that is undone set aside there. */
export async function planUndo(planner: Planner, wish: UndoWish, signal: AbortSignal): Promise<UndoPlan> {
  const seen = await lookAround(planner, signal);
  const agents = seen.facts.map(({ agent }) => agent);
  const setAside = await Promise.all(
    agents.map((agent) => askSetAside(planner.call, agent, wish.operation, signal)),
  );
  const plan = decideUndo(wish, { ...seen, setAside });
  await refuseLivingDead(planner.call, plan, signal);
  return plan;
}

async function lookAround(
  planner: Planner,
  signal: AbortSignal,
): Promise<Omit<PlanCircumstances, 'clusterToken'>> {
  const { coordinator, agents, clock } = planner;
  const nowMs = clock.now();
  const operation = `${compactTime(nowMs)}-${randomBytes(3).toString('hex')}`;
  return { coordinator, operation, nowMs, agents, ...(await collectFacts(planner, agents, signal)) };
}

/** @throws {AgentError} `GUARD_HOSTS_MISSING`: a host that was only slow to answer must not be planned without its data. */
async function askSetAside(
  call: CallHost,
  agent: string,
  operation: string,
  signal: AbortSignal,
): Promise<SetAsideFacts> {
  try {
    const options = { timeoutMs: FACTS_TIMEOUT_MS, signal };
    return setAsideFacts.parse(await call(agent, 'host.set-aside', { operation }, options));
  } catch (cause) {
    signal.throwIfAborted();
    throw new AgentError(
      'GUARD_HOSTS_MISSING',
      `${agent} does not say what it set aside: ${messageOf(cause)}`,
      { cause, details: { hosts: [agent] } },
    );
  }
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

/** Facts of every agent that answers, by name, so that one situation is told in one way; the others are named with the reason. */
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
  return { facts: facts.sort(byAgent), silent: silent.sort(byAgent) };
}

function byAgent(a: { readonly agent: string }, b: { readonly agent: string }): number {
  return a.agent < b.agent ? -1 : 1;
}

/**
 * The member URLs of hosts that the operator swears are dead, and of members that an undo must not leave running, probed from all
 * participants.
 *
 * @throws {AgentError} `GUARD_HOST_ALIVE` when any of them answers anybody.
 */
export async function refuseLivingDead(
  call: CallHost,
  plan: OperationPlan,
  signal: AbortSignal,
): Promise<void> {
  const { decided } = plan;
  const strangers = 'undoes' in decided ? decided.strangerUrls : [];
  const urls = [...new Set([...decided.without.flatMap((host) => host.urls), ...strangers])];
  if (urls.length === 0) return;
  await Promise.all(
    decided.hosts.map(async ({ agent }) => {
      const answer = await call(agent, 'host.probe', { urls }, { timeoutMs: FACTS_TIMEOUT_MS, signal });
      const { answering } = probeResponse.parse(answer);
      if (answering.length === 0) return;
      throw new AgentError(
        'GUARD_HOST_ALIVE',
        `${answering.join(', ')} answers ${agent}, though ${strangers.some((url) => answering.includes(url)) ? 'no host of the plan has it' : 'it was sworn dead'}`,
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
