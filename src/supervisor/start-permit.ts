import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AgentError, systemCodeOf } from '../base/agent-error.ts';

/** `tmpfs` and `ramfs`, as statfs(2) has them. */
const IN_MEMORY = [0x01021994, 0x858458f6];

/**
 * A file that lets etcd start although the hold is there: the drop-in of etcd's unit looks for it beside the hold. It is kept in memory,
 * so that none is in force after a reboot or a power cut, whatever was under way, and the hold need not leave the disk for a start.
 * (The ID of the boot in its name would do as well, but a container hides from a service what its systemd takes for that: tried.)
 */
export class StartPermit {
  readonly path: string;

  /** @param runtimeDir - One agent's alone. */
  constructor(runtimeDir: string) {
    this.path = join(runtimeDir, 'start-permit');
  }

  /** @throws {AgentError} `HOLD_UNSUPPORTED` where it would outlive a boot. */
  async requireShortLived(): Promise<void> {
    const directory = dirname(this.path);
    if (IN_MEMORY.includes(await fileSystemOf(directory))) return;
    const words = `${directory} is on a disk, where what permits a start of etcd would outlive a power cut`;
    throw new AgentError('HOLD_UNSUPPORTED', `${words}: put agent.controlSocket into a directory below /run`);
  }

  /** Runs `work` under the permit and takes it back, also when `work` fails. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    try {
      // An agent that is not started by systemd resumes a restore before anybody made it.
      await mkdir(dirname(this.path), { recursive: true, mode: 0o755 });
      await writeFile(this.path, '');
      return await work();
    } finally {
      await this.withdraw();
    }
  }

  /** Also what an agent that crashed inside `during` left. */
  async withdraw(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

/** Of the directory, or of where it would be made. */
async function fileSystemOf(directory: string): Promise<number> {
  try {
    return (await statfs(directory)).type;
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT' || directory === dirname(directory)) throw error;
    return await fileSystemOf(dirname(directory));
  }
}
