import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import { openPageFile, type PageFile } from '../../../src/bbolt/page-file.ts';
import { findLastChange } from '../../../src/mvcc/find-last-change.ts';
import { largestPrefixes } from '../../../src/mvcc/largest-prefixes.ts';
import { liveKeys } from '../../../src/mvcc/live-keys.ts';
import { readMembership } from '../../../src/mvcc/membership.ts';
import { unpackFixture } from '../../support/damage.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const NEVER = new AbortController().signal;

async function outcomeOf(look: () => Promise<unknown>): Promise<string> {
  try {
    await look();
    return 'read';
  } catch (error) {
    return error instanceof AgentError ? error.code : String(error);
  }
}

async function lookAtAll(file: PageFile, scratchDirectory: string): Promise<string[]> {
  const looks: (() => Promise<unknown>)[] = [
    async () => {
      let count = 0;
      for await (const key of liveKeys(
        file,
        { scratchDirectory, hashValues: true, budgetBytes: 2000 },
        NEVER,
      )) {
        count += key.key.length;
      }
      return count;
    },
    () => findLastChange(file, { key: Buffer.from('key-000001') }, NEVER),
    () => largestPrefixes(file, { count: 3, depth: 2 }, NEVER),
    () => Promise.resolve().then(() => readMembership(file)),
  ];
  return await Promise.all(looks.map(outcomeOf));
}

test('whichever bytes are flipped, keys are read or refused with a code', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'flipped.db');
  await unpackFixture('streamed', path, '3.6.16');
  const original = await readFile(path);
  const flips = fc.array(fc.tuple(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 })), {
    minLength: 1,
    maxLength: 60,
  });
  const outcomes = new Set<string>();

  await fc.assert(
    fc.asyncProperty(flips, async (where) => {
      const bytes = Buffer.from(original);
      for (const [at, mask] of where) bytes.writeUInt8(bytes.readUInt8(at) ^ mask, at);
      await writeFile(path, bytes);
      const found = await outcomeOf(async () => {
        using file = openPageFile(path);
        for (const outcome of await lookAtAll(file, directory.path)) outcomes.add(outcome);
      });
      outcomes.add(found);
      expect(['read', 'SNAPSHOT_DAMAGED', 'SNAPSHOT_NOT_A_DATABASE']).toEqual(
        expect.arrayContaining([...outcomes]),
      );
    }),
    { numRuns: 400, endOnFailure: true },
  );
  expect([...outcomes]).toEqual(expect.arrayContaining(['read', 'SNAPSHOT_DAMAGED']));
});
