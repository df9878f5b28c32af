import { basename } from 'node:path';
import { AgentError } from '../base/agent-error.ts';
import { commandLineOf, describeUsers, processesUsing, type FileUser } from './open-files.ts';
import { identifyProcess, isAlive, sessionOf, type ProcessIdentity } from './process-identity.ts';

interface Traces {
  /** What the last agent wrote down. */
  readonly recorded: ProcessIdentity | undefined;
  readonly command: readonly string[];
  readonly directories: readonly string[];
  readonly logFile: string;
}

/**
 * The etcd that an earlier agent started and that outlived it. An agent that ended between the start and its record
 * left a process that runs our command and has our log file or the data directory open; it is found by that.
 *
 * @throws {AgentError} `ETCD_STILL_RUNNING` when somebody else's process writes to the data directory.
 */
export async function findOwnEtcd(traces: Traces): Promise<ProcessIdentity | undefined> {
  if (traces.recorded !== undefined && (await isAlive(traces.recorded))) return traces.recorded;
  const inData = await processesUsing(traces.directories);
  const ours: FileUser[] = [];
  // Its log file is open from its first instant on, the data directory only later.
  for (const user of [...inData, ...(await processesUsing([traces.logFile]))]) {
    if (ours.some(({ pid }) => pid === user.pid)) continue;
    if (await runs(user.pid, traces.command)) ours.push(user);
  }
  const [own] = ours;
  const strangers = await notInSession(
    inData.filter(({ writing }) => writing),
    own?.pid,
  );
  if (strangers.length > 0) {
    throw new AgentError(
      'ETCD_STILL_RUNNING',
      `this agent did not start it, and it is not adopted: ${describeUsers(strangers)}`,
      { details: { pids: strangers.map(({ pid }) => String(pid)) } },
    );
  }
  return own === undefined ? undefined : await identifyProcess(own.pid);
}

/** A script shows up behind its interpreter, and with the path it was found at. */
async function runs(pid: number, command: readonly string[]): Promise<boolean> {
  const shown = (await commandLineOf(pid)).slice(-command.length);
  const [program = '', ...args] = command;
  const sameArgs = args.every((argument, index) => argument === shown[index + 1]);
  return sameArgs && shown.length === command.length && basename(shown[0] ?? '') === basename(program);
}

/** A wrapper that does not exec has etcd as a child in its own session. */
async function notInSession(users: readonly FileUser[], leader: number | undefined): Promise<FileUser[]> {
  const strangers: FileUser[] = [];
  for (const user of users) {
    if (leader === undefined || (await sessionOf(user.pid)) !== leader) strangers.push(user);
  }
  return strangers;
}
