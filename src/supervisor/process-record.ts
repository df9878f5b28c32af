import { join } from 'node:path';
import { readTextIfPresent, removeDurably, writeTextDurably } from '../base/durable-file.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** What the next agent has to know of the etcd that this one started: two files in the state directory. */
export class ProcessRecord {
  readonly #processPath: string;
  readonly #stoppedPath: string;

  constructor(stateDir: string) {
    this.#processPath = join(stateDir, 'etcd-process.json');
    this.#stoppedPath = join(stateDir, 'etcd-stopped');
  }

  /** `undefined` also for a file that makes no sense: the process is then found by what it has open. */
  async process(): Promise<ProcessIdentity | undefined> {
    const text = await readTextIfPresent(this.#processPath);
    return text === undefined ? undefined : identityIn(text);
  }

  async keepProcess({ pid, startTicks, bootId }: ProcessIdentity): Promise<void> {
    await writeTextDurably(this.#processPath, `${JSON.stringify({ pid, startTicks, bootId })}\n`);
  }

  async forgetProcess(): Promise<void> {
    await removeDurably(this.#processPath);
  }

  /** Whether somebody stopped etcd and wants it to stay so. */
  async isStoppedOnPurpose(): Promise<boolean> {
    return (await readTextIfPresent(this.#stoppedPath)) !== undefined;
  }

  async markStopped(since: string): Promise<void> {
    await writeTextDurably(this.#stoppedPath, `${JSON.stringify({ since })}\n`);
  }

  async unmarkStopped(): Promise<void> {
    await removeDurably(this.#stoppedPath);
  }
}

function identityIn(text: string): ProcessIdentity | undefined {
  try {
    const { pid, startTicks, bootId } = JSON.parse(text) as Partial<Record<keyof ProcessIdentity, unknown>>;
    const sound = Number.isInteger(pid) && Number.isInteger(startTicks) && typeof bootId === 'string';
    return sound ? { pid: Number(pid), startTicks: Number(startTicks), bootId } : undefined;
  } catch {
    return undefined;
  }
}
