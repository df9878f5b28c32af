import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import { openProver } from '../../../src/snapshot/prover.ts';
import { sha256Of, unpackFixture } from '../../support/damage.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { bundledThread, testProver, threadFromSource } from '../../support/thread-programs.ts';

const NEVER = new AbortController().signal;
const SIXTEEN_GIB = 16 * 2 ** 30;
const TURNS = 1000;

async function openOf(kind: 'task' | 'fd'): Promise<number> {
  return (await readdir(`/proc/self/${kind}`)).length;
}

test('both readings of a file tell what it is, and change nothing in it', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'streamed.db');
  await unpackFixture('streamed', path);
  const before = await sha256Of(path);

  const { bytes, keyspace } = await testProver.proveFile(path, { signal: NEVER });

  expect(bytes).toMatchObject({ sha256: before, hasTrailerSize: true, trailerFits: true });
  expect(keyspace).toMatchObject({
    findingCount: 0,
    findings: [],
    facts: { revision: 126, compactRevision: 60 },
    keyCount: 113,
    hashKv: { revision: 126, compactRevision: 60 },
  });
  expect(await testProver.readFacts(path, NEVER)).toMatchObject({ revision: 126 });
  expect(await sha256Of(path)).toBe(before);
});

test('the program of the threads runs from its sources as from the bundle', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'copied.db');
  await unpackFixture('copied', path);
  const fromSource = openProver(threadFromSource(new URL('../../../src/thread.ts', import.meta.url)));

  const proof = await fromSource.proveKeyspace(path, { signal: NEVER });

  expect(proof).toEqual(await openProver(bundledThread).proveKeyspace(path, { signal: NEVER }));
});

test('a file that is no database is a verdict, and one that is not there is none', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'zeros.db');
  await unpackFixture('copied', path);
  await truncate(path, 0);
  await truncate(path, 1 << 20);

  const { bytes, keyspace } = await testProver.proveFile(path, { signal: NEVER });

  expect(bytes.sizeBytes).toBe(1 << 20);
  expect(keyspace).toBeInstanceOf(AgentError);
  expect(keyspace).toMatchObject({ code: 'SNAPSHOT_NOT_A_DATABASE' });
  const absent = join(directory.path, 'absent.db');
  await expect(testProver.proveFile(absent, { signal: NEVER })).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
    message: expect.stringContaining(absent) as string,
  });
});

test('an abort in the middle of a large file ends the proof, its threads and its files', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'large.db');
  await unpackFixture('copied', path);
  await testProver.proveFile(path, { signal: NEVER });
  const before = { task: await openOf('task'), fd: await openOf('fd') };
  // What lies behind the last page is hashed too.
  await truncate(path, SIXTEEN_GIB);
  const abort = new AbortController();
  const reason = new Error('the agent stops');
  let turns = 0;
  const proving = testProver.proveFile(path, {
    signal: abort.signal,
    onBytes: () => {
      if (turns >= TURNS) abort.abort(reason);
    },
  });
  const ended = proving.then(
    () => 'proved',
    (error: unknown) => error,
  );

  // The loop of this thread turns meanwhile.
  for (; turns < TURNS; turns += 1) await setImmediate();

  expect(await ended).toBe(reason);
  expect({ task: await openOf('task'), fd: await openOf('fd') }).toEqual(before);
});
