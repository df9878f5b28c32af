import { execa } from 'execa';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { processesUsing } from '../../../src/supervisor/open-files.ts';
import { openSupervisor } from '../../../src/supervisor/open-supervisor.ts';
import type { ProcessOptions } from '../../../src/supervisor/process.ts';
import type { Supervisor } from '../../../src/supervisor/supervisor.ts';
import { silentLog } from '../../support/silent-log.ts';
import { etcdCommand, killAll, NEVER, processOptions } from '../../support/supervisor-fixtures.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const PATIENT = { timeout: 20_000, interval: 50 };
const AGENT = fileURLToPath(new URL('agent-process.ts', import.meta.url));

/** A scratch directory whose processes end with it. */
async function scene(): Promise<{ path: string; options: ProcessOptions } & AsyncDisposable> {
  const { path, ...directory } = await temporaryDirectory();
  const dispose = async (): Promise<void> => {
    await killAll([path]);
    await directory[Symbol.asyncDispose]();
  };
  return { path, options: await processOptions(path), [Symbol.asyncDispose]: dispose };
}

async function openIt(options: ProcessOptions): Promise<Supervisor> {
  return await openSupervisor(options, { clock: systemClock, log: silentLog }, NEVER);
}

/** An agent in a process of its own, once it has opened its supervisor. */
async function startAgent(options: ProcessOptions, env: Readonly<Record<string, string>> = {}) {
  const args = ['--import', 'tsx', AGENT, JSON.stringify(options)];
  const agent = execa(process.execPath, args, { reject: false, env });
  await Promise.race([once(agent.stdout, 'data'), agent]);
  return {
    crash: async (): Promise<void> => {
      agent.kill('SIGKILL');
      await agent;
    },
    close: async (): Promise<unknown> => {
      agent.stdin.end();
      return (await agent).exitCode;
    },
  };
}

async function etcdPids(options: ProcessOptions): Promise<number[]> {
  return (await processesUsing([options.dataDir])).map(({ pid }) => pid);
}

async function oneEtcd(options: ProcessOptions): Promise<number> {
  await expect.poll(() => etcdPids(options), PATIENT).toHaveLength(1);
  return (await etcdPids(options))[0] ?? 0;
}

test('etcd outlives a crash of the agent, and the next agent follows it', async () => {
  await using it = await scene();
  const agent = await startAgent(it.options);
  const pid = await oneEtcd(it.options);
  await agent.crash();

  const next = await openIt(it.options);
  expect(await next.state(NEVER)).toMatchObject({ state: 'running', pid });
  process.kill(pid, 'SIGKILL');
  await expect
    .poll(async () => (await etcdPids(it.options)).filter((other) => other !== pid), PATIENT)
    .toHaveLength(1);
  await next.stop(NEVER);
  expect(await etcdPids(it.options)).toEqual([]);
  await next.close();
});

test('an agent that crashed before it wrote down what it started leaves an etcd that is found', async () => {
  await using it = await scene();
  const agent = await startAgent(it.options);
  const pid = await oneEtcd(it.options);
  await agent.crash();
  await rm(join(it.path, 'etcd-process.json'));

  const next = await openIt(it.options);
  expect(await next.state(NEVER)).toMatchObject({ state: 'running', pid });
  expect(JSON.parse(await readFile(join(it.path, 'etcd-process.json'), 'utf8'))).toMatchObject({ pid });
  await next.close();
  expect(await etcdPids(it.options)).toEqual([pid]);
});

test('a process id that somebody else got meanwhile is neither adopted nor killed', async () => {
  await using it = await scene();
  const bystander = execa('sleep', ['100'], { reject: false });
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const record = { pid: bystander.pid, startTicks: 1, bootId };
  await writeFile(join(it.path, 'etcd-process.json'), JSON.stringify(record));

  const supervisor = await openIt({ ...it.options, autostart: false });
  expect(await supervisor.state(NEVER)).toMatchObject({ state: 'stopped' });
  await supervisor.stop(NEVER);
  await supervisor.close();
  expect(bystander.exitCode).toBeNull();
  bystander.kill();
  expect((await bystander).signal).toBe('SIGTERM');
});

test("somebody else's etcd on the data directory is refused by name", async () => {
  await using it = await scene();
  const [file = '', ...args] = await etcdCommand(it.options.dataDir);
  const stranger = execa(file, args, { reject: false, stdio: 'ignore' });
  const pid = await oneEtcd(it.options);
  expect(pid).toBe(stranger.pid);
  await expect(openIt(it.options)).rejects.toMatchObject({
    code: 'ETCD_STILL_RUNNING',
    details: { pids: [String(pid)] },
  });
  stranger.kill('SIGKILL');
  await stranger;
});

test('an etcd that was stopped on purpose or is held is not started by the next agent', async () => {
  await using it = await scene();
  const first = await openIt(it.options);
  await oneEtcd(it.options);
  await first.stop(NEVER);
  await first.close();

  const second = await openIt(it.options);
  await second.close();
  expect(await second.state(NEVER)).toMatchObject({ state: 'stopped' });
  await second.hold('op-1', NEVER);
  await rm(join(it.path, 'etcd-stopped'));
  const third = await openIt(it.options);
  await third.close();
  expect(await etcdPids(it.options)).toEqual([]);

  await third.release(NEVER);
  const fourth = await openIt(it.options);
  await oneEtcd(it.options);
  await fourth.close();
});

test('an agent that is stopped in order takes etcd along when told so, and brings it back', async () => {
  await using it = await scene();
  const options: ProcessOptions = { ...it.options, onAgentStop: 'stop' };
  const agent = await startAgent(options);
  await oneEtcd(options);
  expect(await agent.close()).toBe(0);
  expect(await etcdPids(options)).toEqual([]);

  const next = await openIt(options);
  await oneEtcd(options);
  await next.close();
  expect(await etcdPids(options)).toEqual([]);
});

test('an etcd that ignores SIGTERM is killed', async () => {
  await using it = await scene();
  const deaf = 'trap "" TERM; exec 5>"$1/lock"; while :; do sleep 1; done';
  await execa('mkdir', [it.options.dataDir]);
  const command = ['sh', '-c', deaf, 'sh', it.options.dataDir];
  const supervisor = await openIt({ ...it.options, command, stopTimeoutMs: 200 });
  await expect.poll(() => etcdPids(it.options), PATIENT).not.toEqual([]);
  await supervisor.stop(NEVER);
  expect(await etcdPids(it.options)).toEqual([]);
  await supervisor.close();
});

test('what a service manager says to the agent does not reach etcd, and the settings do', async () => {
  await using it = await scene();
  const command = ['sh', '-c', 'env; exec sleep 100'];
  const options = { ...it.options, command, env: { FROM_SETTINGS: 'yes' } };
  const agent = await startAgent(options, { NOTIFY_SOCKET: '/run/agents-own', FROM_AGENT: 'yes' });
  await expect
    .poll(() => readFile(options.logFile, 'utf8').catch(() => ''), PATIENT)
    .toContain('FROM_SETTINGS=yes');
  const environment = await readFile(options.logFile, 'utf8');
  expect(environment).toContain('FROM_AGENT=yes');
  expect(environment).not.toContain('NOTIFY_SOCKET');
  await agent.close();
});

test('an etcd that ends before its start is written down is one that waits for its next start', async () => {
  for (let round = 0; round < 5; round += 1) {
    await using it = await scene();
    const said: string[] = [];
    const say = (_fields: unknown, message?: string): void => {
      said.push(message ?? '');
    };
    const log = { ...silentLog, info: say, warn: say };
    const options = {
      ...it.options,
      command: ['false'],
      restartBackoff: { firstMs: 60_000, longestMs: 60_000 },
    };
    const supervisor = await openSupervisor(options, { clock: systemClock, log }, NEVER);
    await expect.poll(() => [...said].sort(), PATIENT).toEqual(['etcd ended', 'etcd started']);
    expect(await supervisor.state(NEVER)).toMatchObject({ state: 'starting' });
    await supervisor.close();
  }
});

test('an etcd whose start cannot be written down is started again by one who waits, not by more with each start', async () => {
  await using it = await scene();
  // Where its bytes would be written first.
  await execa('mkdir', [join(it.path, 'etcd-process.json.partial')]);
  let waiting = 0;
  let most = 0;
  let ends = 0;
  const clock = {
    ...systemClock,
    sleep: async (ms: number, signal: AbortSignal): Promise<void> => {
      waiting += 1;
      most = Math.max(most, waiting);
      await systemClock.sleep(ms, signal).finally(() => {
        waiting -= 1;
      });
    },
  };
  const log = {
    ...silentLog,
    warn: () => {
      ends += 1;
    },
  };
  const options = { ...it.options, command: ['false'], restartBackoff: { firstMs: 5, longestMs: 10 } };
  const supervisor = await openSupervisor(options, { clock, log }, NEVER);
  await expect.poll(() => ends, PATIENT).toBeGreaterThan(10);
  expect(await supervisor.state(NEVER)).toMatchObject({ state: 'starting' });
  await supervisor.close();
  expect(most).toBe(1);
});

test('a program that does not exist is refused by the check, and a start says so', async () => {
  await using it = await scene();
  const supervisor = await openIt({ ...it.options, command: ['/no/such/etcd'], autostart: false });
  await expect(supervisor.check(NEVER)).rejects.toMatchObject({ code: 'SUPERVISOR_FAILED' });
  await expect(supervisor.start(NEVER)).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
  await supervisor.close();
});
