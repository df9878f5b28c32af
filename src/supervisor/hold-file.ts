import { readTextIfPresent, removeDurably, renameDurably, writeTextDurably } from '../base/durable-file.ts';

const UNKNOWN_OPERATION = 'unknown';

/**
 * The file that forbids to start etcd while it exists. Its content, `{operation, since}`, is for people and for
 * `heldBy`; the service manager looks at its name only. While the hold is lifted for one start, the file is called
 * `<path>.lifted`, so that a crash in between is seen and mended by `mend`.
 */
export class HoldFile {
  readonly path: string;
  readonly #liftedPath: string;

  constructor(path: string) {
    this.path = path;
    this.#liftedPath = `${path}.lifted`;
  }

  async heldBy(): Promise<string | undefined> {
    const text = (await readTextIfPresent(this.path)) ?? (await readTextIfPresent(this.#liftedPath));
    return text === undefined ? undefined : operationIn(text);
  }

  async place(operation: string, since: string): Promise<void> {
    await writeTextDurably(this.path, `${JSON.stringify({ operation, since })}\n`);
    await removeDurably(this.#liftedPath);
  }

  async remove(): Promise<void> {
    // In this order, or a crash between the two would bring the hold back.
    await removeDurably(this.#liftedPath);
    await removeDurably(this.path);
  }

  /** Runs `work` without the hold and puts it back, also when `work` fails. Without a hold it only runs `work`. */
  async whileLifted<T>(work: () => Promise<T>): Promise<T> {
    if ((await readTextIfPresent(this.path)) === undefined) return await work();
    await renameDurably(this.path, this.#liftedPath);
    try {
      return await work();
    } finally {
      await renameDurably(this.#liftedPath, this.path);
    }
  }

  /** Puts back what an agent that crashed inside `whileLifted` left. */
  async mend(): Promise<void> {
    if ((await readTextIfPresent(this.#liftedPath)) === undefined) return;
    if ((await readTextIfPresent(this.path)) === undefined) await renameDurably(this.#liftedPath, this.path);
    else await removeDurably(this.#liftedPath);
  }
}

/** An empty file made by hand holds as well as ours, and says nothing about itself. */
function operationIn(text: string): string {
  try {
    const content: unknown = JSON.parse(text);
    if (typeof content !== 'object' || content === null || !('operation' in content))
      return UNKNOWN_OPERATION;
    return typeof content.operation === 'string' ? content.operation : UNKNOWN_OPERATION;
  } catch {
    return UNKNOWN_OPERATION;
  }
}
