import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KeyState } from '../../../src/mvcc/live-key.ts';
import { KeyRun } from '../../../src/mvcc/key-run.ts';
import { mergeRuns } from '../../../src/mvcc/merge-runs.ts';
import { SpilledRuns } from '../../../src/mvcc/spilled-runs.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { readdir } from 'node:fs/promises';

function state(key: string, modRevision: number, isDeleted: boolean): KeyState {
  return {
    key,
    isDeleted,
    modRevision,
    sub: 3,
    createRevision: 2 ** 53 - 1,
    version: isDeleted ? 0 : 7,
    lease: -5n,
    valueSizeBytes: 2 ** 31,
    valueHash: '\u00ff\u0000h',
  };
}

const change = fc.record({
  // Bytes above 127 too: they sort behind ASCII.
  key: fc.string({ unit: fc.constantFrom('a', 'b', '\u0000', '\u00ff', '/'), minLength: 1, maxLength: 4 }),
  isDeleted: fc.boolean(),
});

test('however a history is cut into runs, the last change of each key counts', async () => {
  await using directory = await temporaryDirectory();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(change), { maxLength: 20 }), async (parts) => {
      using spilled = new SpilledRuns(directory.path);
      const expected = new Map<string, KeyState>();
      let modRevision = 0;
      for (const part of parts) {
        const run = new KeyRun();
        for (const { key, isDeleted } of part) {
          modRevision += 1;
          const next = state(key, modRevision, isDeleted);
          run.set(next);
          if (isDeleted) expected.delete(key);
          else expected.set(key, next);
        }
        spilled.add(run.sorted());
      }

      const merged = [...mergeRuns(spilled.runs())];

      const inOrder = [...expected.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
      expect(merged).toEqual(inOrder);
      expect(await readdir(directory.path)).toEqual([]);
    }),
  );
});

test('keys larger than what is read at once come back whole', async () => {
  await using directory = await temporaryDirectory();
  using spilled = new SpilledRuns(directory.path);
  const states = ['a', 'b', 'c'].map((letter) => state(letter.repeat(1_400_000), 1, false));
  for (let run = 0; run < 100; run += 1) spilled.add(run === 50 ? states : []);

  expect([...mergeRuns(spilled.runs())]).toEqual(states);
});

test('scratch space that is not there is said by its name', async () => {
  await using directory = await temporaryDirectory();
  using spilled = new SpilledRuns(`${directory.path}/absent`);

  expect(() => {
    spilled.add([state('a', 1, false)]);
  }).toThrow(
    expect.objectContaining({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('/absent') as string,
    }),
  );
});

test('what a run takes is given back by the keys it forgets', () => {
  const run = new KeyRun();
  expect(run.sizeBytes).toBe(0);
  run.set(state('a', 1, false));
  const one = run.sizeBytes;
  expect(one).toBeGreaterThan(100);
  run.set(state('a', 2, false));
  expect(run.sizeBytes).toBe(one);
  run.set(state('b', 3, false));
  run.forget('a');
  run.forget('never there');
  expect(run.sizeBytes).toBe(one);
  expect([...run.sorted()].map(({ key }) => key)).toEqual(['b']);
});
