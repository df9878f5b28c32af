import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectedIdentity } from '../../../src/restore/expected-identity.ts';
import { runHookAfterEnd } from '../../../src/restore/hook-after-end.ts';
import { hookFacts } from '../../../src/restore/hook-facts.ts';
import type { HookRecord } from '../../../src/restore/hook-record.ts';
import { samplePlan } from '../../support/control-samples.ts';
import { silentLog } from '../../support/silent-log.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const NEVER = new AbortController().signal;
const plan = samplePlan({ decided: { revisions: { action: 'bump', by: 1000, to: 2234 } } });
const host = { agent: 'h2', found: 'running' } as const;
const FINISHED: HookRecord = { hook: 'postRestore', after: 'finished', state: 'due', tries: 0 };

interface Trial {
  readonly script: string;
  readonly record?: HookRecord;
  readonly facts?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly configured?: boolean;
  readonly signal?: AbortSignal;
}

/** Runs a command after an operation; gives what was written down of it, and what the command wrote. */
async function tryHook(trial: Trial): Promise<{ written: (string | undefined)[][]; said: string }> {
  await using directory = await temporaryDirectory();
  const { record = FINISHED, facts = {}, timeoutMs = 20_000, configured = true, signal = NEVER } = trial;
  const program = join(directory.path, 'hook');
  const output = join(directory.path, 'said');
  await writeFile(program, `#!/bin/sh\nexec >>${output} 2>&1\n${trial.script}\n`);
  await chmod(program, 0o755);
  const written: (string | undefined)[][] = [];
  await runHookAfterEnd(
    {
      record,
      command: configured ? { command: [program, 'an argument'], timeoutMs } : undefined,
      facts,
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

// LIFEBOAT_ETCD_BIN belongs to whoever chose the etcd of the tests.
const SAY_FACTS = 'echo "$1"; env -u LIFEBOAT_ETCD_BIN | grep -A1 ^LIFEBOAT_ | grep -v ^-- | sort';

function factLines(said: string): string[] {
  return said
    .trim()
    .split('\n')
    .filter((line) => /^(an|LIFEBOAT_|\/wal)/.test(line));
}

test('the command after a restore is told everything about the operation', async () => {
  const setAside = ['/data/member.before-x', '/wal/wal.before-x'];
  const facts = hookFacts({
    hook: 'postRestore',
    plan,
    host,
    phase: 'finished',
    after: 'finished',
    setAside,
  });
  const { written, said } = await tryHook({ script: SAY_FACTS, facts });
  expect(written).toEqual([
    ['started', undefined],
    ['done', undefined],
  ]);
  expect(factLines(said)).toEqual([
    'an argument',
    '/wal/wal.before-x',
    'LIFEBOAT_AGENT=h2',
    `LIFEBOAT_CLUSTER_ID=${expectedIdentity(plan.decided).clusterId}`,
    'LIFEBOAT_COORDINATOR=h1',
    'LIFEBOAT_FAILURE_CODE=',
    'LIFEBOAT_FAILURE_MESSAGE=',
    'LIFEBOAT_FOUND=running',
    'LIFEBOAT_HOOK=postRestore',
    `LIFEBOAT_OLD_CLUSTER_ID=${plan.decided.supersedes?.clusterId ?? ''}`,
    `LIFEBOAT_OPERATION=${plan.decided.operation}`,
    'LIFEBOAT_OUTCOME=finished',
    'LIFEBOAT_PHASE=finished',
    `LIFEBOAT_PLAN_HASH=${plan.hash}`,
    'LIFEBOAT_REVISION=2234',
    'LIFEBOAT_REVISION_BUMP=1000',
    'LIFEBOAT_SET_ASIDE=/data/member.before-x',
    `LIFEBOAT_SNAPSHOT_ID=${plan.decided.snapshot.id}`,
    'LIFEBOAT_UNDOES=',
  ]);
});

test('the command after a failure is told why, also where the reason holds what no variable can', async () => {
  const cause = { code: 'RESTORE_TOOL_FAILED', message: `h1: the tool said \0${'x'.repeat(200_000)}` };
  const facts = hookFacts({
    hook: 'onFailure',
    plan,
    host,
    phase: 'rolling-back',
    after: 'stuck',
    cause,
  });
  const { written, said } = await tryHook({
    script: SAY_FACTS,
    record: { hook: 'onFailure', after: 'stuck', state: 'due', tries: 0 },
    facts,
  });
  expect(written.at(-1)).toEqual(['done', undefined]);
  expect(factLines(said)).toEqual(
    expect.arrayContaining([
      'LIFEBOAT_HOOK=onFailure',
      'LIFEBOAT_PHASE=rolling-back',
      'LIFEBOAT_OUTCOME=stuck',
      'LIFEBOAT_FAILURE_CODE=RESTORE_TOOL_FAILED',
      expect.stringMatching(/^LIFEBOAT_FAILURE_MESSAGE=h1: the tool said x+$/) as string,
    ]),
  );
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

  const again = await tryHook({ script: 'echo again', record: { ...FINISHED, state: 'running', tries: 2 } });
  expect(again).toMatchObject({ said: 'again\n' });
});

test('a command that took its agent down three times is given up, and so is one that is configured no more', async () => {
  const tries = await tryHook({ script: 'echo again', record: { ...FINISHED, state: 'running', tries: 3 } });
  expect(tries).toEqual({ written: [['failed', 'the agent ended 3 times while it ran']], said: '' });
  const gone = await tryHook({ script: 'echo again', configured: false });
  expect(gone.written).toEqual([['failed', '`restore.postRestore` is not configured any more']]);
});
