import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import { readTextIfPresent, removeDurably, writeTextDurably } from '../base/durable-file.ts';
import { canonicalSha256 } from '../formats/canonical-json.ts';
import { operationPlan, type OperationPlan } from '../formats/restore-plan.ts';

/** Plans that were shown and wait to be confirmed: `<stateDir>/plans/<hash>.json`. */
export interface PlanStore {
  keep(plan: OperationPlan): Promise<void>;
  /** Takes it out: a token is used once. @throws {AgentError} `PLAN_UNKNOWN`, `STATE_DAMAGED`. */
  take(hash: string): Promise<OperationPlan>;
}

/** Older ones are of no use to anybody: the situation has moved on. */
const MOST_PLANS = 16;

export async function openPlanStore(stateDir: string): Promise<PlanStore> {
  const directory = join(stateDir, 'plans');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const pathOf = (hash: string): string => join(directory, `${hash}.json`);
  return {
    keep: async (plan) => {
      await writeTextDurably(pathOf(plan.hash), JSON.stringify(plan));
      await removeOldest(directory);
    },
    take: async (hash) => {
      const text = await readTextIfPresent(pathOf(hash));
      if (text === undefined)
        throw new AgentError('PLAN_UNKNOWN', `this agent made no plan ${hash}, or it was run already`);
      const plan = parsePlan(text);
      if (plan?.hash !== hash)
        throw new AgentError('STATE_DAMAGED', `${pathOf(hash)} is not the plan of that hash`);
      await removeDurably(pathOf(hash));
      return plan;
    },
  };
}

function parsePlan(text: string): OperationPlan | undefined {
  const parsed = operationPlan.safeParse(JSON.parse(text));
  return parsed.success && canonicalSha256(parsed.data.decided) === parsed.data.hash
    ? parsed.data
    : undefined;
}

async function removeOldest(directory: string): Promise<void> {
  const plans = await Promise.all(
    (await readdir(directory)).map(async (name) => {
      const text = (await readTextIfPresent(join(directory, name))) ?? '{}';
      return { name, at: parsePlan(text)?.measured.at ?? '' };
    }),
  );
  plans.sort((a, b) => (a.at < b.at ? 1 : -1));
  for (const { name } of plans.slice(MOST_PLANS)) await removeDurably(join(directory, name));
}
