import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { packError } from './carried-error.ts';
import type { OnBytes } from './hash-file.ts';
import type { ThreadJob, ThreadMessage } from './run-in-thread.ts';

/** Reads its parameters as they were handed to `runInThread`. May block: nothing else happens in its thread. */
export type RunJob = (params: never, onBytes: OnBytes) => unknown;

/** A tenth of the weight of a process that has the default: a proof waits for etcd, not etcd for a proof. */
const NICENESS = 10;
/** A progress message each so often. */
const REPORT_EACH_BYTES = 8 << 20;

/** The whole life of a thread that `runInThread` started: does its one job, and answers. */
export function serveThreadJob(jobs: Readonly<Record<string, RunJob>>): void {
  giveWay();
  doJob(jobs, workerData as ThreadJob).then(
    (result) => {
      answer({ type: 'result', result });
    },
    (error: unknown) => {
      answer({ type: 'error', error: packError(error) });
    },
  );
}

async function doJob(jobs: Readonly<Record<string, RunJob>>, { job, params }: ThreadJob): Promise<unknown> {
  const run = jobs[job];
  if (run === undefined) throw new Error(`this program has no job ${job}`);
  return await run(params as never, reporter());
}

/** On Linux the number 0 is the calling thread alone: the rest of the process, and what it starts, keeps its priority. */
function giveWay(): void {
  try {
    setPriority(0, NICENESS);
  } catch {
    // A sandbox that forbids it has reasons of its own, and the job gets done all the same.
  }
}

function reporter(): OnBytes {
  let reportedBytes = 0;
  return (bytes) => {
    if (bytes - reportedBytes < REPORT_EACH_BYTES) return;
    reportedBytes = bytes;
    answer({ type: 'bytes', bytes });
  };
}

function answer(message: ThreadMessage): void {
  parentPort?.postMessage(message);
}
