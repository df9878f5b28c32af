import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { AgentError } from '../../../src/base/agent-error.ts';
import type { ErrorCode } from '../../../src/base/error-codes.ts';
import { agentStatus, type ControlParams } from '../../../src/formats/control.ts';
import { operationView } from '../../../src/formats/operation-view.ts';
import { restorePlan } from '../../../src/formats/restore-plan.ts';
import { typed } from '../../support/command-line.ts';
import { startControlAgent } from '../../support/control-agent.ts';
import {
  finishedView,
  OPERATION,
  PLAN_HASH,
  sampleManifest,
  samplePlan,
  sampleStatus,
  sampleView,
} from '../../support/control-samples.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const errorDocument = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string(),
    hint: z.string(),
    details: z.record(z.string(), z.unknown()),
  }),
});

test('status is printed for people by default, and as one document for programs', async () => {
  await using agent = await startControlAgent({ status: () => Promise.resolve(sampleStatus()) });
  const text = await typed(['status', '--socket', agent.socketPath]);
  const json = await typed(['status', '-o', 'json'], { controlSocket: agent.socketPath });

  expect(text).toMatchObject({
    exitCode: 0,
    stderr: '',
    stdout: expect.stringContaining('quorum    yes') as string,
  });
  expect(json).toMatchObject({ exitCode: 0, stderr: '' });
  expect(agentStatus.parse(JSON.parse(json.stdout))).toEqual(sampleStatus());
});

test.each<[ErrorCode, number]>([
  ['ETCD_UNREACHABLE', 1],
  ['GUARD_QUORUM_ALIVE', 3],
  ['RESTORE_STUCK', 5],
])('%s from the agent is said with its hint and ends with exit status %i', async (code, exitCode) => {
  await using agent = await startControlAgent({
    'restore.plan': () => Promise.reject(new AgentError(code, 'what was found', { details: { value: 7 } })),
  });
  const text = await typed(['restore', 'plan', '--socket', agent.socketPath]);
  const json = await typed(['-o', 'json', 'restore', 'plan', '--socket', agent.socketPath]);

  expect(text).toMatchObject({ exitCode, stdout: '' });
  expect(text.stderr).toMatch(new RegExp(`^error ${code}: what was found\nhint: .+\n$`));
  expect(json).toMatchObject({ exitCode, stderr: '' });
  expect(errorDocument.parse(JSON.parse(json.stdout)).error).toMatchObject({ code, details: { value: 7 } });
});

test.each([
  [['nonsense'], "unknown command 'nonsense'"],
  [['restore', 'plan', '--everything'], "unknown option '--everything'"],
  [['snapshot', 'export', 'only-an-id'], "missing required argument 'path'"],
  [['snapshot', 'list', 'more'], 'too many arguments'],
  [['status', '-o', 'yaml'], "option '-o, --output <format>' argument 'yaml' is invalid"],
  [['restore', 'plan', '--skip-hash-check'], '--skip-hash-check and --reason go together'],
  [['restore', 'run'], 'there is no terminal to confirm on'],
  [['restore', 'run', '--confirm', PLAN_HASH, '--discard-current'], 'leave out --discard-current'],
  [['restore', 'run', '--confirm', 'abc'], '64 lower-case hex digits'],
  [['snapshot', 'verify'], 'name the snapshots to verify, or say --all'],
])('%o is wrong usage', async (args, message) => {
  const { exitCode, stderr, stdout } = await typed([...args, '--socket', '/nonexistent']);

  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain('error USAGE: ');
  expect(stderr).toContain(message);
});

test.each([[['snapshot', '--output=json', 'nonsense']], [['-o', 'json', 'restore']]])(
  '%o is a JSON document too, since JSON was asked for',
  async (args) => {
    const { exitCode, stdout } = await typed(args);

    expect(exitCode).toBe(2);
    expect(errorDocument.parse(JSON.parse(stdout)).error.code).toBe('USAGE');
  },
);

test('a group of commands without a command shows its help as wrong usage', async () => {
  const { exitCode, stdout, stderr } = await typed(['snapshot']);

  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain('Usage: lifeboat snapshot');
  expect(stderr).not.toContain('error');
});

test('help and version are what was asked for', async () => {
  const help = await typed(['restore', 'run', '--help']);

  expect(help).toMatchObject({ exitCode: 0, stderr: '' });
  expect(help.stdout).toContain('--confirm <hash>');
  expect(await typed(['--version'])).toEqual({ exitCode: 0, stdout: '0.1.0\n', stderr: '' });
});

test('an agent that cannot be reached says why, with exit status 6', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'control.sock');
  const silent = createServer((socket) => {
    socket.destroy();
  }).listen(path);
  await once(silent, 'listening');
  await writeFile(`${path}.file`, '');
  const absent = await typed(['status', '--socket', `${path}.absent`]);
  const dead = await typed(['status', '--socket', `${path}.file`]);
  const rude = await typed(['status', '--socket', path]);
  silent.close();

  expect([absent.exitCode, dead.exitCode, rude.exitCode]).toEqual([6, 6, 6]);
  expect(absent.stderr).toContain(`there is no control socket at ${path}.absent`);
  expect(dead.stderr).toContain(`no agent listens on ${path}.file`);
  expect(rude.stderr).toContain(`the agent on ${path} closed the connection before it had answered`);
});

test.skipIf(process.getuid?.() !== 0)(
  'a user who may not open the socket is told so, with exit status 6 (needs root)',
  async () => {
    await using agent = await startControlAgent({ status: () => Promise.resolve(sampleStatus()) });
    await chmod(join(agent.socketPath, '..'), 0o755);
    await chmod(agent.socketPath, 0o600);
    process.seteuid?.(65_534);
    const { exitCode, stderr } = await typed(['status', '--socket', agent.socketPath]).finally(() => {
      process.seteuid?.(0);
    });

    expect(exitCode).toBe(6);
    expect(stderr).toContain(`this user may not open the control socket ${agent.socketPath} (EACCES)`);
  },
);

test('an answer of another release is not guessed at', async () => {
  await using agent = await startControlAgent({ status: () => Promise.resolve({} as never) });
  const { exitCode, stderr } = await typed(['status', '--socket', agent.socketPath]);

  expect(exitCode).toBe(1);
  expect(stderr).toContain(
    'error PROTOCOL_MISMATCH: the result of status is not what this release expects: agent',
  );
});

test('a plan is printed as a document that its schema accepts, with all that was asked', async () => {
  const asked: ControlParams<'restore.plan'>[] = [];
  await using agent = await startControlAgent({
    'restore.plan': (params) => {
      asked.push(params);
      return Promise.resolve(samplePlan());
    },
  });
  const { stdout, exitCode } = await typed([
    ...['restore', 'plan', '--socket', agent.socketPath, '-o', 'json', '--file', 'backup.db'],
    ...['--skip-hash-check', '--reason', 'a copy', '--without', 'h2', 'h3', '--disarm-alarms'],
  ]);

  expect(exitCode).toBe(0);
  expect(restorePlan.parse(JSON.parse(stdout))).toEqual(samplePlan());
  expect(asked).toEqual([
    {
      source: { from: 'file', path: '/somewhere/backup.db' },
      ...{ skipHashCheck: true, reason: 'a copy', without: ['h2', 'h3'] },
      ...{ discardCurrent: false, allowForeign: false, disarmAlarms: true },
    },
  ]);
});

test('a printed plan ends in the command that carries it out on this very agent', async () => {
  await using agent = await startControlAgent({ 'restore.plan': () => Promise.resolve(samplePlan()) });
  const { stdout } = await typed(['restore', 'plan', '--socket', agent.socketPath]);

  expect(stdout.trimEnd().split('\n').at(-1)).toBe(
    `  lifeboat --socket ${agent.socketPath} restore run --confirm ${PLAN_HASH}`,
  );
});

test('a restore is followed as lines on stderr, or as one document for each change', async () => {
  const asked: ControlParams<'restore.run'>[] = [];
  await using agent = await startControlAgent({
    'restore.run': (params, { onProgress }) => {
      asked.push(params);
      onProgress({ phase: 'preparing', operation: sampleView() });
      onProgress({ phase: 'stopping', operation: sampleView({ phase: 'stopping' }) });
      return Promise.resolve(finishedView());
    },
  });
  const run = ['restore', 'run', '--confirm', PLAN_HASH, '--socket', agent.socketPath];
  const text = await typed(run);
  const json = await typed([...run, '-o', 'json']);

  expect(asked[0]).toEqual({ planHash: PLAN_HASH, requestedBy: 'operator@h1' });
  expect(text.stderr.replaceAll(/^\d\d:\d\d:\d\dZ /gm, '')).toBe(
    'operation preparing\nh1 preparing\nh2 preparing\nh3 preparing\noperation stopping\noperation finished\nh1 finished\nh2 finished\nh3 finished\n',
  );
  expect(text.stdout).toContain(`${OPERATION}  finished`);
  expect(json.stderr).toBe('');
  const views = json.stdout
    .trimEnd()
    .split('\n')
    .map((line) => operationView.parse(JSON.parse(line)));
  expect(views.map((view) => view.phase)).toEqual(['preparing', 'stopping', 'finished']);
});

test('a restore whose agent goes away is not called failed: where to look is said', async () => {
  let closing: Promise<void> | undefined;
  await using agent = await startControlAgent({
    'restore.watch': async (_params, { onProgress, signal }) => {
      onProgress({ phase: 'stopping', operation: sampleView({ phase: 'stopping' }) });
      setImmediate(() => {
        closing = agent.server.close();
      });
      await once(signal, 'abort');
      throw new AgentError('CANCELLED', 'no more');
    },
  });
  const { exitCode, stderr } = await typed(['restore', 'watch', OPERATION, '--socket', agent.socketPath]);
  await closing;

  expect(exitCode).toBe(6);
  expect(stderr).toContain(`The restore ${OPERATION} goes on without this command; it was stopping.`);
  expect(stderr).toContain('error AGENT_UNREACHABLE: the agent stopped meanwhile');
});

test('an abort that was asked for is a success, one that came too late is not', async () => {
  const phases = ['aborted', 'rolled-back', 'finished'] as const;
  let turn = 0;
  await using agent = await startControlAgent({
    'restore.request': () => Promise.resolve(sampleView({ phase: phases[turn++] ?? 'stuck' })),
  });
  const abort = async (): Promise<number> =>
    (await typed(['restore', 'abort', OPERATION, '--socket', agent.socketPath])).exitCode;

  expect([await abort(), await abort(), await abort()]).toEqual([0, 4, 1]);
});

test('a snapshot is safe when only the command after it failed, and the exit status says that something did', async () => {
  const failure = { code: 'POST_SNAPSHOT_FAILED', message: 'rsync ended with exit status 12' };
  await using agent = await startControlAgent({
    'snapshot.save': (_params, { onProgress }) => {
      onProgress({ phase: 'streaming', bytes: 1024, totalBytes: 2048 });
      return Promise.resolve({
        manifest: sampleManifest(),
        removed: [],
        postSnapshot: { ok: false, failure },
      });
    },
  });
  const { exitCode, stdout, stderr } = await typed(['snapshot', 'save', '--socket', agent.socketPath]);

  expect(exitCode).toBe(1);
  expect(stdout).toContain(`saved ${sampleManifest().id}`);
  expect(stderr).toMatch(/^\d\d:\d\d:\d\dZ streaming {2}1\.0 KiB \/ 2\.0 KiB {2}50%$/m);
  expect(stderr).toContain('error POST_SNAPSHOT_FAILED: rsync ended with exit status 12');
});

test('a snapshot that is no longer sound ends verification with exit status 3', async () => {
  const failure = { code: 'SNAPSHOT_HASH_MISMATCH', message: 'SHA-256 is aa…, the manifest says bb…' };
  await using agent = await startControlAgent({
    'snapshot.verify': () =>
      Promise.resolve({
        verified: [
          { id: 'good', ok: true, grade: 'hashed' },
          { id: 'bad', ok: false, grade: 'failed', failure },
        ],
      }),
  });
  const { exitCode, stdout } = await typed(['snapshot', 'verify', '--all', '--socket', agent.socketPath]);

  expect(exitCode).toBe(3);
  expect(stdout).toBe(`sound  good  hashed\nFAILED  bad  failed  ${failure.message}\n`);
});

test('a wrong configuration is said line by line, with exit status 2', async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, 'config.yaml');
  await writeFile(file, 'agent:\n  nmae: h1\n');
  const { exitCode, stderr } = await typed(['config', 'check', '--config', file]);

  expect(exitCode).toBe(2);
  expect(stderr).toContain('error CONFIG_INVALID: ');
  expect(stderr).toContain(`${file}:2:3 agent.nmae: unknown key`);
});

test('the socket is that of the configuration file, where one is named', async () => {
  await using agent = await startControlAgent({ status: () => Promise.resolve(sampleStatus()) });
  const file = join(agent.socketPath, '..', 'config.yaml');
  await writeFile(
    file,
    [
      `agent: { name: h1, controlSocket: ${agent.socketPath} }`,
      'etcd:',
      '  { memberName: m1, endpoint: "http://127.0.0.1:2379", peerUrls: ["http://127.0.0.1:2380"], dataDir: /d }',
      'supervisor: { kind: systemd }',
      '',
    ].join('\n'),
  );
  const status = await typed(['status', '--config', file], { controlSocket: '/nonexistent' });
  const check = await typed(['config', 'check'], { configFile: file });

  expect(status).toMatchObject({ exitCode: 0, stderr: '' });
  expect(check).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`${file} is valid`) as string });
});
