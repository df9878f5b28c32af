import { setFlagsFromString } from 'node:v8';

/**
 * Makes this process mark its garbage in one go instead of in small steps.
 *
 * V8 begins a marking for each 64 MiB of buffers that came by, whatever the heap holds. In steps, between the chunks of a stream, that took
 * more than half of the agent's CPU while it saved a snapshot; in one go a heap of 20 MB takes about 10 ms (Node 20).
 */
export function markGarbageInOneGo(): void {
  setFlagsFromString('--no-incremental-marking');
}

/**
 * Keeps the young generation of this process at the size that it has now. Threads have a limit of their own.
 *
 * V8 doubles it whenever much of it survives, up to three times 16 MiB, and what a stream of some GiB left there stays resident. The flag for a
 * maximum is read only when a process begins; this one is read at each growth, whoever started the process and how (Node 20 to 26).
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
