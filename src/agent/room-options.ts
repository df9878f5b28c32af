import { dirname, join } from 'node:path';
import type { HookCommand } from '../base/run-hook.ts';
import type { Config } from '../config/config-schema.ts';
import type { EtcdConnectionOptions } from '../etcd/connection-options.ts';
import type { MeshOptions } from '../mesh/mesh-options.ts';
import type { HostIdentity } from '../restore/inspect-host.ts';
import type { OperationsOptions } from '../restore/operations-options.ts';
import type { SupervisorOptions } from '../supervisor/open-supervisor.ts';

const START_SETTLE_MS = 300;

// The configuration in the words of the rooms: seconds become milliseconds, sections become options.

export function etcdOptions({ etcd }: Config): EtcdConnectionOptions {
  return {
    endpoint: etcd.endpoint,
    requestTimeoutMs: etcd.requestTimeoutSeconds * 1000,
    ...(etcd.tls === undefined ? {} : { tls: etcd.tls }),
    ...(etcd.auth === undefined ? {} : { auth: etcd.auth }),
  };
}

/** @param refuseStart - See `ProcessOptions`: for an etcd that the agent runs itself. */
export function supervisorOptions(
  { supervisor, etcd, agent }: Config,
  refuseStart: () => Promise<string | undefined>,
): SupervisorOptions {
  const common = {
    holdFile: join(agent.stateDir, 'hold'),
    dataDir: etcd.dataDir,
    // Whether it stays up is what the acceptance gate asks; here only whether it came up at all.
    settleMs: START_SETTLE_MS,
    ...(etcd.walDir === undefined ? {} : { walDir: etcd.walDir }),
  };
  const stopTimeoutMs = supervisor.stopTimeoutSeconds * 1000;
  const startTimeoutMs = supervisor.startTimeoutSeconds * 1000;
  switch (supervisor.kind) {
    case 'systemd': {
      const { unit, systemctl } = supervisor;
      return {
        kind: 'systemd',
        unit,
        runtimeDir: dirname(agent.controlSocket),
        stopTimeoutMs,
        startTimeoutMs,
        ...common,
        ...(systemctl === undefined ? {} : { systemctl }),
      };
    }
    case 'process':
      return {
        kind: 'process',
        command: supervisor.command,
        stateDir: agent.stateDir,
        logFile: supervisor.logFile,
        stopTimeoutMs,
        restartBackoff: {
          firstMs: supervisor.restartBackoff.firstSeconds * 1000,
          longestMs: supervisor.restartBackoff.longestSeconds * 1000,
        },
        onAgentStop: supervisor.onAgentStop,
        refuseStart,
        ...common,
      };
    case 'command': {
      const { start, stop, status, hold, release, timeoutSeconds } = supervisor;
      return {
        kind: 'command',
        start,
        stop,
        status,
        timeoutMs: timeoutSeconds * 1000,
        stateDir: agent.stateDir,
        ...common,
        ...(hold === undefined ? {} : { hold }),
        ...(release === undefined ? {} : { release }),
      };
    }
  }
}

interface Outside {
  readonly journalId: string;
  readonly release: string;
  readonly searchPath: string;
}

export function hostIdentity({ agent, etcd, supervisor, restore }: Config, outside: Outside): HostIdentity {
  return {
    agent: agent.name,
    ...outside,
    memberName: etcd.memberName,
    peerUrls: etcd.peerUrls,
    dataDir: etcd.dataDir,
    ...(etcd.walDir === undefined ? {} : { walDir: etcd.walDir }),
    ...(etcd.binary === undefined ? {} : { etcdPath: etcd.binary }),
    ...(supervisor.kind === 'systemd'
      ? { unit: { name: supervisor.unit, systemctl: supervisor.systemctl ?? 'systemctl' } }
      : {}),
    ...(supervisor.kind === 'process' ? { program: supervisor.command[0] ?? '' } : {}),
    ...(restore.tool === undefined ? {} : { toolPath: restore.tool }),
  };
}

/** A command of the configuration, in the units that rooms use. */
export function hookCommand(hook: {
  readonly command: readonly string[];
  readonly timeoutSeconds: number;
}): HookCommand {
  return { command: hook.command, timeoutMs: hook.timeoutSeconds * 1000 };
}

function hookCommands({
  preStop,
  postRestore,
  onFailure,
}: Config['restore']): NonNullable<OperationsOptions['settings']['hooks']> {
  return {
    ...(preStop === undefined ? {} : { preStop: hookCommand(preStop) }),
    ...(postRestore === undefined ? {} : { postRestore: hookCommand(postRestore) }),
    ...(onFailure === undefined ? {} : { onFailure: hookCommand(onFailure) }),
  };
}

export function restoreSettings({ restore, etcd }: Config): OperationsOptions['settings'] {
  return {
    toolStallMs: restore.prepareStallSeconds * 1000,
    gateTimeoutMs: restore.gateTimeoutSeconds * 1000,
    peerGraceMs: restore.peerGraceSeconds * 1000,
    hooks: hookCommands(restore),
    ...(etcd.owner === undefined ? {} : { newDataDirOwner: etcd.owner }),
  };
}

export function meshOptions(
  { agent, mesh }: Config,
  identity: { readonly journalId: string; readonly release: string },
): Omit<MeshOptions, 'clock' | 'log' | 'onRequest' | 'locateFile'> {
  return {
    self: agent.name,
    ...identity,
    listen: mesh.listen,
    peers: mesh.peers,
    ...(mesh.tls === undefined ? {} : { tls: mesh.tls }),
    ...(mesh.secretFile === undefined ? {} : { secretFile: mesh.secretFile }),
    heartbeatMs: mesh.heartbeatSeconds * 1000,
    requestTimeoutMs: mesh.requestTimeoutSeconds * 1000,
  };
}
