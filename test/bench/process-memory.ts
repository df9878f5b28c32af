import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_AGAIN_MS = 10;

/** Lets the kernel's high-water mark start again from what the process holds now (proc(5), clear_refs). */
export async function resetPeakRss(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}

/** The most that the process ever held in memory at once, since the last reset. */
export async function peakRssMib(pid: number): Promise<number> {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  if (kib === undefined) throw new Error(`/proc/${pid}/status has no VmHWM`);
  return Number(kib) / 1024;
}

/** The same of a process that ends by itself: the mark disappears with it, so it is looked at again and again until then. */
export async function peakRssOfRun(pid: number, run: PromiseLike<unknown>): Promise<number> {
  const over = new AbortController();
  const ended = Promise.resolve(run).finally(() => {
    over.abort();
  });
  let peakMib = 0;
  const looking = (async () => {
    while (!over.signal.aborted) {
      peakMib = Math.max(peakMib, await peakRssMib(pid).catch(() => 0));
      await sleep(LOOK_AGAIN_MS);
    }
  })();
  await ended;
  await looking;
  return peakMib;
}
