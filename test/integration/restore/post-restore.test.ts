import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runPostRestore } from '../../../src/restore/post-restore.ts';
import type { HookRecord } from '../../../src/restore/hook-record.ts';
import { expectedIdentity } from '../../../src/restore/expected-identity.ts';
import { samplePlan } from '../../support/control-samples.ts';
import { silentLog } from '../../support/silent-log.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const NEVER = new AbortController().signal;
const plan = samplePlan({ decided: { revisions: { action: 'bump', by: 1000, to: 2234 } } });

interface Trial {
  readonly script: string;
  readonly record?: HookRecord;
  readonly timeoutMs?: number;
  readonly configured?: boolean;
  readonly signal?: AbortSignal;
}

/** Runs a command after a restore that went through; gives what was written down of it, and what the command wrote. */
async function tryHook(trial: Trial): Promise<{ written: (string | undefined)[][]; said: string }> {
  await using directory = await temporaryDirectory();
  const {
    record = { state: 'due', tries: 0 },
    timeoutMs = 20_000,
    configured = true,
    signal = NEVER,
  } = trial;
  const program = join(directory.path, 'hook');
  const output = join(directory.path, 'said');
  await writeFile(program, `#!/bin/sh\nexec >>${output} 2>&1\n${trial.script}\n`);
  await chmod(program, 0o755);
  const written: (string | undefined)[][] = [];
  await runPostRestore(
    {
      plan,
      agent: 'h2',
      setAside: ['/data/member.before-x', '/wal/wal.before-x'],
      record,
      hook: configured ? { command: [program, 'an argument'], timeoutMs } : undefined,
      write: (outcome, reason) => {
        written.push([outcome, reason]);
        return Promise.resolve();
      },
      log: silentLog,
    },
    signal,
  );
  return { written, said: await readFile(output, 'utf8').catch(() => '') };
}

test('the command is told everything about the operation', async () => {
  const { written, said } = await tryHook({
    // That one belongs to whoever chose the etcd of the tests.
    script: 'echo "$1"; env -u LIFEBOAT_ETCD_BIN | grep -A1 ^LIFEBOAT_ | grep -v ^-- | sort',
  });
  expect(written).toEqual([
    ['started', undefined],
    ['done', undefined],
  ]);
  expect(
    said
      .trim()
      .split('\n')
      .filter((line) => /^(an|LIFEBOAT_|\/wal)/.test(line)),
  ).toEqual([
    'an argument',
    '/wal/wal.before-x',
    'LIFEBOAT_AGENT=h2',
    `LIFEBOAT_CLUSTER_ID=${expectedIdentity(plan.decided).clusterId}`,
    'LIFEBOAT_COORDINATOR=h1',
    `LIFEBOAT_OPERATION=${plan.decided.operation}`,
    'LIFEBOAT_OUTCOME=finished',
    'LIFEBOAT_REVISION=2234',
    'LIFEBOAT_REVISION_BUMP=1000',
    'LIFEBOAT_SET_ASIDE=/data/member.before-x',
    `LIFEBOAT_SNAPSHOT_ID=${plan.decided.snapshot.id}`,
  ]);
});

test.each<[string, Trial, RegExp]>([
  ['fails', { script: 'echo no such cluster >/proc/self/fd/2; exit 3' }, /hook ended with exit status 3/],
  ['takes too long', { script: 'exec sleep 60', timeoutMs: 200 }, /did not end within 200 ms/],
])(
  'a command that %s is written down with its reason, and nothing is thrown',
  async (_what, trial, reason) => {
    const { written } = await tryHook(trial);
    expect(written).toEqual([
      ['started', undefined],
      ['failed', expect.stringMatching(reason) as string],
    ]);
  },
);

test('a command that the end of the agent cut off has no outcome, so that the next start runs it again', async () => {
  const ending = new AbortController();
  const running = tryHook({ script: 'exec sleep 60', signal: ending.signal });
  ending.abort();
  expect((await running).written).toEqual([['started', undefined]]);

  const again = await tryHook({ script: 'echo again', record: { state: 'running', tries: 2 } });
  expect(again).toMatchObject({ said: 'again\n' });
});

test('a command that took its agent down three times is given up, and so is one that is configured no more', async () => {
  const tries = await tryHook({ script: 'echo again', record: { state: 'running', tries: 3 } });
  expect(tries).toEqual({ written: [['failed', 'the agent ended 3 times while it ran']], said: '' });
  const gone = await tryHook({ script: 'echo again', configured: false });
  expect(gone.written).toEqual([['failed', '`restore.postRestore` is not configured any more']]);
});
