import { Worker } from 'node:worker_threads';
import { AgentError, messageOf } from './agent-error.ts';
import { unpackError, type CarriedError } from './carried-error.ts';
import type { OnBytes } from './hash-file.ts';

/** What a thread of this program runs: see `serveThreadJob`. */
export interface ThreadProgram {
  /** The file of an ES module, or the text of a CommonJS one, which an upgrade of the package cannot change any more. */
  readonly code: URL | string;
  /** Options of `node` for the thread. Absent: those of the process. */
  readonly execArgv?: readonly string[];
}

export interface ThreadJob {
  /** A name that the program knows. */
  readonly job: string;
  /** Plain values. */
  readonly params: unknown;
}

export type ThreadMessage =
  | { readonly type: 'bytes'; readonly bytes: number }
  | { readonly type: 'result'; readonly result: unknown }
  | { readonly type: 'error'; readonly error: CarriedError };

export interface ThreadOptions {
  readonly signal: AbortSignal;
  readonly onBytes?: OnBytes;
}

/** Of the JavaScript heap. Buffers lie outside of it: whoever reads a file limits those. */
const HEAP_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 2 } as const;

/**
 * Runs one job in a thread of its own, so that the event loop of this one turns on. That thread has ended when this settles.
 *
 * @returns What the job returned, as structured clone carries it.
 * @throws What the job threw: an `AgentError` with its code, details and causes. `THREAD_DIED` when it ended without an
 *   answer. An abort rejects with the signal's reason.
 */
export async function runInThread(
  { code, execArgv }: ThreadProgram,
  { job, params }: ThreadJob,
  options: ThreadOptions,
): Promise<unknown> {
  options.signal.throwIfAborted();
  const worker = new Worker(code, {
    name: job,
    eval: typeof code === 'string',
    workerData: { job, params },
    resourceLimits: HEAP_LIMITS,
    ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
  });
  try {
    return await answerOf(worker, job, options);
  } finally {
    await worker.terminate();
  }
}

async function answerOf(worker: Worker, job: string, { signal, onBytes }: ThreadOptions): Promise<unknown> {
  let abort: (() => void) | undefined;
  try {
    return await new Promise<unknown>((resolve, reject) => {
      abort = () => {
        // Whatever was given as the reason is passed on as it is.
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      worker.on('message', (message: ThreadMessage) => {
        if (message.type === 'bytes') onBytes?.(message.bytes);
        else if (message.type === 'result') resolve(message.result);
        else reject(unpackError(message.error));
      });
      worker.once('error', (cause: unknown) => {
        reject(new AgentError('THREAD_DIED', `${job}: ${messageOf(cause)}`, { cause }));
      });
      worker.once('exit', (exitCode) => {
        reject(new AgentError('THREAD_DIED', `${job} ended without an answer, with status ${exitCode}`));
      });
    });
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort);
  }
}
