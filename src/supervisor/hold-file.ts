import { dirname } from 'node:path';
import { systemCodeOf } from '../base/agent-error.ts';
import { readTextIfPresent, removeDurably, syncDirectory, writeTextDurably } from '../base/durable-file.ts';

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
 * file respects both; each is taken away by itself, and the file goes with the last of them. It stays where it is while the agent
 * itself starts etcd: a power cut in that moment must not leave a host that nothing holds.
 */
export class HoldFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
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

  /** What a crash kept from being synced is from now on. */
  async sync(): Promise<void> {
    try {
      await syncDirectory(dirname(this.path));
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT') throw error;
    }
  }

  async #content(): Promise<HoldContent | undefined> {
    const text = await readTextIfPresent(this.path);
    return text === undefined ? undefined : contentIn(text);
  }

  /** Empty content is no file. */
  async #write(content: HoldContent): Promise<void> {
    if (content.operation === undefined && content.fence === undefined) await removeDurably(this.path);
    else await writeTextDurably(this.path, `${JSON.stringify(content)}\n`);
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
