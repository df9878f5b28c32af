import { dirname } from 'node:path';
import { systemCodeOf } from '../base/agent-error.ts';
import {
  readTextIfPresent,
  removeDurably,
  renameDurably,
  syncDirectory,
  writeTextDurably,
} from '../base/durable-file.ts';

const UNKNOWN_OPERATION = 'unknown';

/** Why a member is kept stopped outside of operations. */
export interface Fence {
  /** The operation whose cluster superseded the member's, or the rejoin that is under way. */
  readonly by: string;
  /** ISO 8601, UTC. */
  readonly since: string;
  /** The agent stopped a running etcd for it, and starts it again when the fence is lifted for good. */
  readonly stopped?: boolean;
}

interface HoldContent {
  readonly operation?: string;
  readonly since?: string;
  readonly fence?: Fence;
}

/**
 * The file that forbids to start etcd while it exists. Its content is for people, for `heldBy` and for `fencedBy`; the
 * service manager looks at its name only. An operation's hold and a fence share it, so that whatever looks for the one
 * file respects both; each is taken away by itself, and the file goes with the last of them. While it is lifted for one start, the file is called
 * `<path>.lifted`, so that a crash in between is seen and mended by `mend`.
 */
export class HoldFile {
  readonly path: string;
  readonly #liftedPath: string;

  constructor(path: string) {
    this.path = path;
    this.#liftedPath = `${path}.lifted`;
  }

  /** The operation that holds; `unknown` for a file that is not ours. A fence alone is no operation's hold. */
  async heldBy(): Promise<string | undefined> {
    return (await this.#content())?.operation;
  }

  async fencedBy(): Promise<Fence | undefined> {
    return (await this.#content())?.fence;
  }

  /** For whose sake nothing may start etcd, if it may not. */
  async owner(): Promise<string | undefined> {
    const content = await this.#content();
    return content?.operation ?? content?.fence?.by;
  }

  async place(operation: string, since: string): Promise<void> {
    const fence = await this.fencedBy();
    await this.#write({ operation, since, ...(fence === undefined ? {} : { fence }) });
  }

  async remove(): Promise<void> {
    const fence = await this.fencedBy();
    await this.#write(fence === undefined ? {} : { fence });
  }

  async fence(fence: Fence): Promise<void> {
    await this.#write({ ...(await this.#content()), fence });
  }

  async liftFence(): Promise<void> {
    const content = (await this.#content()) ?? {};
    if (content.fence === undefined) return;
    const { operation, since } = content;
    await this.#write({
      ...(operation === undefined ? {} : { operation }),
      ...(since === undefined ? {} : { since }),
    });
  }

  /** Runs `work` without the file and puts it back, also when `work` fails. Without a file it only runs `work`. */
  async whileLifted<T>(work: () => Promise<T>): Promise<T> {
    if ((await readTextIfPresent(this.path)) === undefined) return await work();
    try {
      // Inside, because it may fail after the name has changed: the sync of its directory comes last.
      await renameDurably(this.path, this.#liftedPath);
      return await work();
    } finally {
      await this.mend();
    }
  }

  /** Puts back what an agent that crashed inside `whileLifted` left. What a crash kept from being synced is from now on. */
  async mend(): Promise<void> {
    if ((await readTextIfPresent(this.#liftedPath)) === undefined) await this.#sync();
    else if ((await readTextIfPresent(this.path)) === undefined)
      await renameDurably(this.#liftedPath, this.path);
    else await removeDurably(this.#liftedPath);
  }

  async #sync(): Promise<void> {
    try {
      await syncDirectory(dirname(this.path));
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT') throw error;
    }
  }

  async #content(): Promise<HoldContent | undefined> {
    const text = (await readTextIfPresent(this.path)) ?? (await readTextIfPresent(this.#liftedPath));
    return text === undefined ? undefined : contentIn(text);
  }

  /** Empty content is no file. The lifted one goes first then, or a crash between the two would bring the hold back. */
  async #write(content: HoldContent): Promise<void> {
    if (content.operation === undefined && content.fence === undefined) {
      await removeDurably(this.#liftedPath);
      await removeDurably(this.path);
      return;
    }
    await writeTextDurably(this.path, `${JSON.stringify(content)}\n`);
    await removeDurably(this.#liftedPath);
  }
}

/** An empty file made by hand holds as well as ours, and says nothing about itself. */
function contentIn(text: string): HoldContent {
  const content = jsonObjectIn(text);
  const { operation, since, fence: fenced } = content;
  const fence = fenceIn(fenced);
  if (typeof operation !== 'string')
    return fence === undefined ? { operation: UNKNOWN_OPERATION } : { fence };
  return {
    operation,
    ...(typeof since === 'string' ? { since } : {}),
    ...(fence === undefined ? {} : { fence }),
  };
}

function fenceIn(value: unknown): Fence | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { by, since, stopped } = value as Readonly<Record<string, unknown>>;
  if (typeof by !== 'string' || typeof since !== 'string') return undefined;
  return { by, since, ...(stopped === true ? { stopped } : {}) };
}

function jsonObjectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
