import { join } from 'node:path';
import { asAgentError } from '../base/agent-error.ts';
import { namesIn } from '../base/names-in.ts';
import { pathExists } from '../base/path-exists.ts';
import { callAgent } from './control-client.ts';

const RUN = '/run';
const ENDED = ['finished', 'aborted', 'rolled-back', 'stuck'];

/**
 * A restore that goes on, as any of the agents that the packaged units run on this host tells it: `OPERATION (PHASE)`. An agent that does not answer
 * runs none; what it left half done is seen by the hold.
 */
export async function activeRestore(signal: AbortSignal, runDirectory = RUN): Promise<string | undefined> {
  for (const socketPath of await controlSockets(runDirectory)) {
    const restore = await activeRestoreOf(socketPath, signal);
    if (restore !== undefined) return restore;
  }
  return undefined;
}

async function activeRestoreOf(socketPath: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { operations } = await callAgent({ socketPath, method: 'restore.status', params: {}, signal });
    const active = operations.find(({ phase }) => !ENDED.includes(phase));
    return active === undefined ? undefined : `${active.operation} (${active.phase})`;
  } catch (error) {
    if (asAgentError(error).code === 'AGENT_UNREACHABLE') return undefined;
    throw error;
  }
}

async function controlSockets(runDirectory: string): Promise<string[]> {
  const sockets = (await namesIn(runDirectory))
    .filter((name) => /^etcd-lifeboat(-.+)?$/.test(name))
    .map((name) => join(runDirectory, name, 'control.sock'));
  const present = await Promise.all(sockets.map(pathExists));
  return sockets.filter((_, index) => present[index] === true);
}
