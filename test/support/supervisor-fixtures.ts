import { execa } from 'execa';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import { processesUsing } from '../../src/supervisor/open-files.ts';
import { openSupervisor, type SupervisorOptions } from '../../src/supervisor/open-supervisor.ts';
import type { ProcessOptions } from '../../src/supervisor/process.ts';
import { StartPermit } from '../../src/supervisor/start-permit.ts';
import type { Supervisor } from '../../src/supervisor/supervisor.ts';
import { etcdBinary } from './etcd-binaries.ts';
import { freePorts } from './free-port.ts';
import { silentLog } from './silent-log.ts';
import { startSystemdUser, type SystemdUser } from './systemd-user.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** An etcd that is not started yet, and a supervisor for it. All processes end with its scope. */
export interface SupervisorFixture extends AsyncDisposable {
  readonly dataDir: string;
  readonly holdFile: string;
  /** A new object each time, as after a crash of the agent. */
  open(): Promise<Supervisor>;
  /** What an administrator or a boot would do. Resolves when the attempt is over, whatever came of it. */
  startByOthers(): Promise<void>;
  /** What an agent leaves that is killed in the moment in which it starts etcd, before there is a process. */
  leaveStartHalfDone(): Promise<void>;
  /** The processes that use the data directory. */
  etcdPids(): Promise<number[]>;
}

interface FixtureOptions {
  /** More flags for etcd. */
  readonly flags?: readonly string[];
  readonly settleMs?: number;
}

export type OpenFixture = (options?: FixtureOptions) => Promise<SupervisorFixture>;

export const NEVER = new AbortController().signal;

/** The command line of a one-member etcd on free ports of loopback. */
export async function etcdCommand(dataDir: string): Promise<string[]> {
  const [client = 0, peer = 0] = await freePorts(2);
  const [clientUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
  return [
    ...[etcdBinary('etcd'), '--name', 'm1', '--data-dir', dataDir],
    ...['--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl],
    ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
    ...['--initial-cluster', `m1=${peerUrl}`, '--unsafe-no-fsync'],
    ...['--heartbeat-interval', '20', '--election-timeout', '200'],
  ];
}

export async function killAll(paths: readonly string[]): Promise<void> {
  for (;;) {
    const users = await processesUsing(paths);
    if (users.length === 0) return;
    for (const { pid } of users) await execa('kill', ['-KILL', String(pid)], { reject: false });
    await sleep(20);
  }
}

interface Parts {
  readonly directory: string;
  readonly options: SupervisorOptions;
  readonly startByOthers: () => Promise<void>;
  readonly leaveStartHalfDone?: () => Promise<void>;
  readonly removeAll: () => PromiseLike<void>;
}

function fixtureOf({
  directory,
  options,
  startByOthers,
  removeAll,
  leaveStartHalfDone,
}: Parts): SupervisorFixture {
  const opened: Supervisor[] = [];
  return {
    dataDir: options.dataDir,
    holdFile: options.holdFile,
    open: async () => {
      const supervisor = await openSupervisor(options, { clock: systemClock, log: silentLog }, NEVER);
      opened.push(supervisor);
      return supervisor;
    },
    startByOthers,
    leaveStartHalfDone: leaveStartHalfDone ?? (() => Promise.resolve()),
    etcdPids: async () => (await processesUsing([options.dataDir])).map(({ pid }) => pid),
    [Symbol.asyncDispose]: async () => {
      try {
        await Promise.all(opened.map((supervisor) => supervisor.close()));
        await killAll([directory]);
      } finally {
        await removeAll();
      }
    },
  };
}

export async function openSystemdFixture(options: FixtureOptions = {}): Promise<SupervisorFixture> {
  const manager = await startSystemdUser();
  const { directory } = manager;
  const dataDir = join(directory, 'etcd');
  const command = [...(await etcdCommand(dataDir)), ...(options.flags ?? [])];
  await installEtcd(manager, command);
  await installHold(manager);
  return fixtureOf({
    directory: dataDir,
    options: systemdOptions(manager, options.settleMs),
    startByOthers: async () => {
      await execa(manager.systemctl, ['start', 'etcd.service'], { reject: false });
    },
    leaveStartHalfDone: async () => {
      await writeFile(new StartPermit(manager.runtimeDir).path, '');
    },
    removeAll: () => manager[Symbol.asyncDispose](),
  });
}

/** Our drop-in, with the paths of `systemdOptions`. */
export async function installHold(manager: SystemdUser, stateDir = manager.directory): Promise<void> {
  const dropIn = await readFile(new URL('../../systemd/etcd-hold.conf', import.meta.url), 'utf8');
  const adapted = dropIn
    .replaceAll('/var/lib/etcd-lifeboat/', `${stateDir}/`)
    .replaceAll('/run/etcd-lifeboat/', `${manager.runtimeDir}/`);
  await manager.install('etcd.service.d/hold.conf', adapted);
}

/** The unit as distributions ship it: Type=notify and a restart after failures. */
export async function installEtcd(manager: SystemdUser, command: readonly string[]): Promise<void> {
  const service = `[Service]\nType=notify\nExecStart=${command.join(' ')}\nRestart=on-failure\nRestartSec=100ms\n`;
  await manager.install('etcd.service', service);
}

export function systemdOptions(manager: SystemdUser, settleMs = 200): SupervisorOptions {
  return {
    kind: 'systemd',
    unit: 'etcd.service',
    systemctl: manager.systemctl,
    journalctl: manager.journalctl,
    holdFile: join(manager.directory, 'hold'),
    runtimeDir: manager.runtimeDir,
    dataDir: join(manager.directory, 'etcd'),
    stopTimeoutMs: 10_000,
    startTimeoutMs: 10_000,
    settleMs,
  };
}

export async function openProcessFixture(options: FixtureOptions = {}): Promise<SupervisorFixture> {
  const scratch = await temporaryDirectory();
  return fixtureOf({
    directory: scratch.path,
    options: {
      ...(await processOptions(scratch.path, options.flags)),
      autostart: false,
      settleMs: options.settleMs ?? 200,
    },
    // Nobody else can: the agent itself starts it again when it dies.
    startByOthers: () => Promise.resolve(),
    removeAll: () => scratch[Symbol.asyncDispose](),
  });
}

export async function processOptions(
  directory: string,
  flags: readonly string[] = [],
): Promise<ProcessOptions> {
  const dataDir = join(directory, 'etcd');
  return {
    kind: 'process',
    command: [...(await etcdCommand(dataDir)), ...flags],
    dataDir,
    stateDir: directory,
    holdFile: join(directory, 'hold'),
    logFile: join(directory, 'etcd.log'),
    stopTimeoutMs: 10_000,
    restartBackoff: { firstMs: 50, longestMs: 500 },
    onAgentStop: 'leave',
  };
}

export async function openCommandFixture(options: FixtureOptions = {}): Promise<SupervisorFixture> {
  const scratch = await temporaryDirectory();
  const directory = scratch.path;
  const [dataDir, holdFile] = [join(directory, 'etcd'), join(directory, 'hold')];
  const command = [...(await etcdCommand(dataDir)), ...(options.flags ?? [])].join(' ');
  const script = async (name: string, text: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, `#!/bin/sh\ncd ${directory}\n${text}\n`, { mode: 0o755 });
    return path;
  };
  // As such scripts are: the daemon keeps the output open, and the stop only asks.
  const start = await script(
    'start',
    `[ ! -e ${holdFile} ] || [ -n "$LIFEBOAT_MAY_START" ] || exit 0\n${command} &\necho $! > pid`,
  );
  const stop = await script('stop', `[ ! -e pid ] || kill "$(cat pid)" 2>/dev/null || exit 0`);
  const status = await script(
    'status',
    `[ -e pid ] && ls /proc/"$(cat pid)"/fd 2>/dev/null | grep -q . || exit 3`,
  );
  return fixtureOf({
    directory,
    options: {
      kind: 'command',
      start: [start],
      stop: [stop],
      status: [status],
      timeoutMs: 4000,
      stateDir: directory,
      dataDir,
      holdFile,
      settleMs: options.settleMs ?? 200,
    },
    startByOthers: async () => {
      await execa(start, { stdio: 'ignore', reject: false });
    },
    removeAll: () => scratch[Symbol.asyncDispose](),
  });
}
