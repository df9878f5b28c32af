import { once } from 'node:events';
import { chmod, chown, lstat, mkdir, rm } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { AgentError, messageOf, systemCodeOf } from '../base/agent-error.ts';
import { groupIdOf } from './group-id.ts';

interface SocketFileOptions {
  readonly socketPath: string;
  /** The group that may open it; without it, the group that the file gets by itself. */
  readonly group?: string;
}

/**
 * Makes `server` listen on a Unix socket that its owner and its group may open, and nobody else at any moment.
 * The directory is made (0755) where it is absent; the file that a dead agent left is replaced.
 *
 * @throws {AgentError} `AGENT_ALREADY_RUNNING` when somebody listens there; `CONFIG_INVALID` when the path holds
 *   something else than a socket, or the group is unknown or not this user's to give.
 */
export async function listenOnSocketFile(server: Server, options: SocketFileOptions): Promise<void> {
  const { socketPath, group } = options;
  const groupId = group === undefined ? undefined : await groupIdOf(group);
  await mkdir(dirname(socketPath), { recursive: true, mode: 0o755 });
  await clearStaleSocket(socketPath);
  await listenAsOwner(server, socketPath);
  try {
    if (groupId !== undefined) await chown(socketPath, -1, groupId);
    await chmod(socketPath, 0o660);
  } catch (cause) {
    server.close();
    await once(server, 'close');
    throw new AgentError(
      'CONFIG_INVALID',
      `agent.controlSocketGroup: ${socketPath} cannot be given to ${group ?? 'its group'}: ${messageOf(cause)}`,
      { cause },
    );
  }
}

async function clearStaleSocket(socketPath: string): Promise<void> {
  const found = await lstatIfPresent(socketPath);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new AgentError('CONFIG_INVALID', `agent.controlSocket: ${socketPath} is there and is not a socket`);
  }
  if (await isAnswered(socketPath)) throw alreadyRunning(socketPath);
  await rm(socketPath, { force: true });
}

async function lstatIfPresent(path: string): Promise<Awaited<ReturnType<typeof lstat>> | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Only a refused connection proves that nobody listens: a full backlog, say, is a busy agent. */
async function isAnswered(socketPath: string): Promise<boolean> {
  const socket = connect(socketPath);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    return systemCodeOf(error) !== 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}

/** The file is born with mode 0600, since `listen` binds before it returns and takes the mode from the umask. */
async function listenAsOwner(server: Server, socketPath: string): Promise<void> {
  const listening = once(server, 'listening');
  const umask = process.umask(0o177);
  try {
    server.listen(socketPath);
  } finally {
    process.umask(umask);
  }
  try {
    await listening;
  } catch (error) {
    if (systemCodeOf(error) === 'EADDRINUSE') throw alreadyRunning(socketPath);
    throw error;
  }
}

function alreadyRunning(socketPath: string): AgentError {
  return new AgentError('AGENT_ALREADY_RUNNING', `an agent listens on ${socketPath} already`, {
    details: { socketPath },
  });
}
