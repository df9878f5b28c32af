import { join } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import { pathExists } from '../base/path-exists.ts';
import type { FoundState } from '../formats/restore-plan.ts';
import { hasProcess, type Supervisor } from '../supervisor/supervisor.ts';

interface Found {
  readonly supervisor: Supervisor;
  readonly dataDir: string;
  /** Whether etcd answered when it was asked for its status. */
  readonly answers: boolean;
}

/** What this host's etcd is doing. One that dies again and again has a process now and then, and never answers. */
export async function foundState(
  { supervisor, dataDir, answers }: Found,
  signal: AbortSignal,
): Promise<FoundState> {
  const state = await supervisor.state(signal);
  if (hasProcess(state)) return answers ? 'running' : 'restarting';
  if (!(await pathExists(join(dataDir, 'member')))) return 'absent';
  return state.state === 'starting' ? 'restarting' : 'stopped';
}

/** A refusal is an answer too. */
export function isAnswer(error: unknown): boolean {
  return error instanceof AgentError && !['ETCD_UNREACHABLE', 'ETCD_TIMEOUT'].includes(error.code);
}
