import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import type { ThreadOptions } from '../../../src/base/run-in-thread.ts';
import { ProofQueue } from '../../../src/snapshot/proof-queue.ts';
import type { Prover } from '../../../src/snapshot/prover.ts';

const REFUSAL = new AgentError('SNAPSHOT_DAMAGED', 'for the test');

/** Proofs that last until the test ends them: with a refusal, which is the shortest verdict there is. */
function heldProver(): {
  prover: Prover;
  started: string[];
  running: Map<string, ThreadOptions>;
  end: (path: string) => void;
} {
  const started: string[] = [];
  const running = new Map<string, ThreadOptions>();
  const ends = new Map<string, () => void>();
  const hold = async (path: string, options: ThreadOptions): Promise<never> => {
    started.push(path);
    running.set(path, options);
    await new Promise<void>((resolve) => {
      ends.set(path, resolve);
    });
    running.delete(path);
    throw REFUSAL;
  };
  return {
    prover: {
      ...{ proveKeyspace: hold, proveFile: hold },
      readFacts: () => Promise.reject(REFUSAL),
      readMembership: () => Promise.reject(REFUSAL),
    },
    started,
    running,
    end: (path) => ends.get(path)?.(),
  };
}

function outcomeOf(proof: Promise<unknown>): Promise<unknown> {
  return proof.catch((error: unknown) => error);
}

const { signal } = new AbortController();

test('the third proof waits until one of two has ended, and a restore goes before those that came earlier', async () => {
  const { prover, started, running, end } = heldProver();
  const queue = new ProofQueue(prover, { atOnce: 2 });
  const proofs = [
    outcomeOf(queue.routine.proveFile('a', { signal })),
    outcomeOf(queue.routine.proveKeyspace('b', { signal })),
    outcomeOf(queue.routine.proveFile('c', { signal })),
    outcomeOf(queue.urgent.proveKeyspace('restore', { signal })),
    outcomeOf(queue.urgent.proveKeyspace('restore too', { signal })),
  ];
  expect(started).toEqual(['a', 'b']);
  end('b');
  await expect.poll(() => started).toEqual(['a', 'b', 'restore']);
  end('a');
  await expect.poll(() => started).toEqual(['a', 'b', 'restore', 'restore too']);
  expect(running.size).toBe(2);
  end('restore');
  await expect.poll(() => started.at(-1)).toBe('c');
  end('restore too');
  end('c');
  expect(await Promise.all(proofs)).toEqual(proofs.map(() => REFUSAL));
  const later = ['d', 'e'].map((path) => outcomeOf(queue.routine.proveFile(path, { signal })));
  expect(started.slice(-2)).toEqual(['d', 'e']);
  for (const path of ['d', 'e']) end(path);
  await Promise.all(later);
});

test('who waits for a turn hears that those who run move on, and is no longer in the way once it is aborted', async () => {
  const { prover, started, running, end } = heldProver();
  const queue = new ProofQueue(prover, { atOnce: 1 });
  const heard: [string, number][] = [];
  const proofOf = (path: string, options: Partial<ThreadOptions> = {}): Promise<unknown> =>
    outcomeOf(
      queue.routine.proveFile(path, {
        signal,
        onBytes: (bytes) => {
          heard.push([path, bytes]);
        },
        ...options,
      }),
    );
  const first = proofOf('first');
  const gone = new AbortController();
  const [second, third] = [proofOf('second', { signal: gone.signal }), proofOf('third')];
  running.get('first')?.onBytes?.(8);
  expect(heard).toEqual([
    ['first', 8],
    ['second', 0],
    ['third', 0],
  ]);
  const reason = new Error('nobody waits for it');
  gone.abort(reason);
  expect(await second).toBe(reason);
  end('first');
  await expect.poll(() => started).toEqual(['first', 'third']);
  end('third');
  expect(await Promise.all([first, third])).toEqual([REFUSAL, REFUSAL]);
});
