import { AgentError, messageOf } from '../base/agent-error.ts';
import { OneAtATime } from '../base/one-at-a-time.ts';
import type { ControlParams, ControlResult } from '../formats/control.ts';
import type { ControlHandlers } from '../http/control-handlers.ts';
import { decideClean, type CleanChoice, type SetAside } from '../restore/decide-clean.ts';
import { findSetAside, removeSetAside } from '../restore/set-aside.ts';
import type { AgentParts } from './agent-parts.ts';

type Wish = ControlParams<'restore.clean'>;
type Item = ControlResult<'restore.clean'>['items'][number];

const DAY_MS = 86_400_000;

/** `lifeboat restore clean`: what may go is shown, and goes when exactly that was confirmed. */
export function cleanHandler(parts: AgentParts): Pick<ControlHandlers, 'restore.clean'> {
  const cleanings = new OneAtATime();
  return {
    'restore.clean': async (wish, { signal, onProgress }) => {
      onProgress({ phase: 'looking at what is set aside' });
      return await cleanings.run(() => clean(parts, wish, signal));
    },
  };
}

async function clean(
  parts: AgentParts,
  wish: Wish,
  signal: AbortSignal,
): Promise<ControlResult<'restore.clean'>> {
  const { config, clock } = parts;
  const { operation, confirmed, olderThanMs = config.restore.keepSetAsideDays * DAY_MS } = wish;
  if (confirmed !== undefined) requireFree(parts);
  const { dataDir, walDir } = config.etcd;
  const found = await findSetAside([dataDir, ...(walDir === undefined ? [] : [walDir])], signal);
  if (operation !== undefined && !found.some((item) => item.operation === operation)) {
    throw new AgentError('SET_ASIDE_UNKNOWN', `nothing of ${operation} is set aside on ${config.agent.name}`);
  }
  const named = operation === undefined ? {} : { operation };
  const choices = decideClean(found, { ...named, olderThanMs, nowMs: clock.now() });
  if (confirmed === undefined) return { olderThanMs, items: itemsOf(choices, 'removable') };
  const doomed = choices.flatMap(({ item, keptBecause }) => (keptBecause === undefined ? [item] : []));
  requireConfirmed(doomed, confirmed);
  await remove(parts, doomed, wish.requestedBy);
  return { olderThanMs, items: itemsOf(choices, 'removed') };
}

/** What is under way may need what it set aside. */
function requireFree({ operations, joins, config }: AgentParts): void {
  const stuck = operations.views().find(({ phase }) => phase === 'stuck')?.operation;
  const binding = operations.boundBy ?? stuck ?? joins.unfinished?.plan.id;
  if (binding === undefined) return;
  throw new AgentError(
    'OPERATION_IN_PROGRESS',
    `${config.agent.name} takes part in ${binding}, which has not ended`,
  );
}

function requireConfirmed(doomed: readonly SetAside[], confirmed: readonly string[]): void {
  const paths = doomed.map(({ path }) => path);
  const unasked = paths.filter((path) => !confirmed.includes(path));
  const gone = confirmed.filter((path) => !paths.includes(path));
  if (unasked.length + gone.length === 0) return;
  const words = [
    ...unasked.map((path) => `${path} would go too`),
    ...gone.map((path) => `${path} may not go or is gone`),
  ];
  throw new AgentError(
    'SET_ASIDE_CHANGED',
    `what was confirmed is not what would be done: ${words.join(', ')}`,
  );
}

/** The audit log has the intent first. @throws {AgentError} `AUDIT_UNWRITABLE`, and nothing was removed. */
async function remove(parts: AgentParts, doomed: readonly SetAside[], requestedBy: string): Promise<void> {
  if (doomed.length === 0) return;
  const { audit, log } = parts;
  const items = doomed.map(({ path, operation, sizeBytes }) => ({ path, operation, sizeBytes }));
  const event = { event: 'set-aside-removal', items, requestedBy } as const;
  await audit.appendFirst({ ...event, stage: 'begun' });
  try {
    for (const { path, sizeBytes } of doomed) {
      // One may have begun meanwhile.
      requireFree(parts);
      await removeSetAside(path);
      log.info({ path, sizeBytes, requestedBy }, 'data that was set aside was removed on request');
    }
  } catch (error) {
    await audit.append({ ...event, stage: 'failed', reason: messageOf(error).slice(0, 8192) });
    throw error;
  }
  await audit.append({ ...event, stage: 'done' });
}

function itemsOf(choices: readonly CleanChoice[], fate: 'removable' | 'removed'): Item[] {
  return choices.map(({ item: { sinceMs, ...item }, keptBecause }) => ({
    ...item,
    since: new Date(sinceMs).toISOString(),
    ...(keptBecause === undefined ? { fate } : { fate: 'kept', why: keptBecause }),
  }));
}
