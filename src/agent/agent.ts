import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { lockDirectory } from '../base/directory-lock.ts';
import { readRelease } from '../base/release.ts';
import { ShutdownStack } from '../base/shutdown-stack.ts';
import { createBackup } from '../backup/take-snapshot.ts';
import type { Config } from '../config/config-schema.ts';
import type { Environment } from '../config/environment.ts';
import { connectEtcd } from '../etcd/client.ts';
import { openControlServer } from '../http/control-server.ts';
import { openMesh } from '../mesh/mesh.ts';
import type { Log } from '../observe/log.ts';
import { createNotifier } from '../observe/notify.ts';
import { askForOutcomes } from '../restore/ask-for-outcome.ts';
import { LineageStore } from '../restore/lineage-store.ts';
import { Operations, type OperationsOptions } from '../restore/operations.ts';
import { restoreMethods } from '../restore/serve-peers.ts';
import { openCatalog } from '../snapshot/catalog.ts';
import { openLocalDirectory } from '../storage/local-directory.ts';
import { openSupervisor } from '../supervisor/open-supervisor.ts';
import { processesUsing } from '../supervisor/open-files.ts';
import { readJournalId } from './agent-identity.ts';
import type { AgentParts } from './agent-parts.ts';
import { pathExists } from '../base/path-exists.ts';
import { PeerMethods } from './peer-methods.ts';
import { openPlanStore } from './plan-store.ts';
import { restoreHandlers } from './restore-handlers.ts';
import { proveByRestoreTool } from './restore-tool-proof.ts';
import { etcdOptions, hostIdentity, restoreSettings, supervisorOptions } from './room-options.ts';
import { scheduleSnapshots } from './scheduled-snapshots.ts';
import { snapshotHandlers } from './snapshot-handlers.ts';
import { agentStatus } from './status-handler.ts';
import { watchCluster } from './watch-cluster.ts';

export interface AgentOptions {
  readonly config: Config;
  readonly configFile: string;
  readonly environment: Environment;
  readonly log: Log;
  /** Ends the start too. */
  readonly signal: AbortSignal;
}

/** How long each part may take to close. Less, in sum, than TimeoutStopSec of the unit. */
const CLOSE_GRACE_MS = 20_000;

/**
 * Builds the agent bottom-up. Whatever fails on the way, everything opened so far is closed again.
 * What a crash interrupted is read back before anything listens, schedules or serves.
 */
export async function startAgent(options: AgentOptions): Promise<{ stop(): Promise<void> }> {
  const opened = new ShutdownStack(CLOSE_GRACE_MS);
  try {
    await open(options, opened);
    return { stop: () => opened.closeAll() };
  } catch (error) {
    await opened.closeAll();
    throw error;
  }
}

async function open(options: AgentOptions, opened: ShutdownStack): Promise<void> {
  const { config, log, signal } = options;
  const { stateDir } = config.agent;
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const lock = await lockDirectory(stateDir);
  opened.onClose('lock', () => lock.close());
  const base = await openLocalParts(options, opened);
  const { operations, methods, mesh } = await openRestores(options, base, opened);
  signal.throwIfAborted();
  const parts = await openServices(options, { ...base, operations, mesh, call: methods.call }, opened);
  const plans = await openPlanStore(stateDir);
  const control = await openControlServer({
    socketPath: config.agent.controlSocket,
    ...(config.agent.controlSocketGroup === undefined ? {} : { group: config.agent.controlSocketGroup }),
    handlers: {
      status: async (_params, context) => await agentStatus(parts, context.signal),
      ...snapshotHandlers(parts),
      ...restoreHandlers(parts, plans),
    },
    log,
  });
  opened.onClose('control socket', () => control.close());
  await notifyReady(options, opened);
  log.info({ release: base.release, configFile: options.configFile }, 'the agent serves');
}

/** A host whose member was seen in a cluster has a member directory, or it lost its data. */
async function missingMember({ etcd }: Config, lineage: LineageStore): Promise<string | undefined> {
  const { clusterId } = lineage.record;
  const member = join(etcd.dataDir, 'member');
  if (clusterId === undefined || (await pathExists(member))) return undefined;
  return `${member} is gone, and this host was in cluster ${clusterId}`;
}

type LocalParts = Awaited<ReturnType<typeof openLocalParts>>;

/** What needs no peer: storage, etcd and its supervisor. */
async function openLocalParts({ config, environment, log, signal }: AgentOptions, opened: ShutdownStack) {
  const clock = systemClock;
  const { stateDir } = config.agent;
  const storage = await openLocalDirectory(config.snapshots.directory, { clock });
  opened.onClose('storage', () => storage.close());
  if (storage.swept.length > 0) log.warn({ swept: storage.swept }, 'leftovers of a crash were removed');
  const proveDatabase = proveByRestoreTool({
    directory: join(stateDir, 'proof'),
    toolPath: config.restore.tool,
    etcdPath: config.etcd.binary,
    searchPath: environment.path,
    stallMs: config.restore.prepareStallSeconds * 1000,
  });
  const catalog = openCatalog(storage, { agent: config.agent.name, clock, proveDatabase });
  const lineage = await LineageStore.open(stateDir);
  const supervisor = await openSupervisor(
    supervisorOptions(config, () => missingMember(config, lineage)),
    { clock, log },
    signal,
  );
  opened.onClose('supervisor', () => supervisor.close());
  const etcd = connectEtcd(etcdOptions(config));
  opened.onClose('etcd connection', () => {
    etcd.close();
  });
  const backup = createBackup({
    catalog,
    etcd,
    settings: {
      agent: config.agent.name,
      memberName: config.etcd.memberName,
      dataDir: config.etcd.dataDir,
      keep: config.snapshots.keep,
      stallMs: config.snapshots.stallSeconds * 1000,
    },
    proveDatabase,
    isMemberRunning: async () => (await processesUsing([config.etcd.dataDir])).some(({ writing }) => writing),
    clock,
    log,
    ...(config.snapshots.postSnapshot === undefined
      ? {}
      : {
          postSnapshot: {
            command: config.snapshots.postSnapshot.command,
            timeoutMs: config.snapshots.postSnapshot.timeoutSeconds * 1000,
          },
        }),
  });
  const journalId = await readJournalId(stateDir);
  const release = readRelease();
  return { clock, catalog, lineage, supervisor, etcd, backup, journalId, release };
}

/** Reads the journals back, then listens to peers, then goes on with what this host was driving. */
async function openRestores(options: AgentOptions, base: LocalParts, opened: ShutdownStack) {
  const { config, environment, log } = options;
  const { clock, catalog, lineage, supervisor, etcd, backup, journalId, release } = base;
  const self = config.agent.name;
  const methods = new PeerMethods(self);
  const restoreOptions: OperationsOptions = {
    stateDir: config.agent.stateDir,
    host: hostIdentity(config, { journalId, release, searchPath: environment.path }),
    supervisor,
    etcd,
    catalog,
    lineage,
    settings: restoreSettings(config),
    call: methods.call,
    download: async (download) => {
      await methods.requireMesh().download(download);
    },
    clock,
    log,
  };
  const operations = await Operations.open(restoreOptions);
  opened.onClose('operations', () => operations.close());
  methods.serve({
    ...restoreMethods(operations, restoreOptions),
    'member.copy': async (_peer, _params, signal) =>
      (await backup.copy({ trigger: 'restore' }, signal)).manifest,
  });
  const mesh = await openMesh({
    self,
    release,
    journalId,
    listen: config.mesh.listen,
    peers: config.mesh.peers,
    ...(config.mesh.tls === undefined ? {} : { tls: config.mesh.tls }),
    ...(config.mesh.secretFile === undefined ? {} : { secretFile: config.mesh.secretFile }),
    heartbeatMs: config.mesh.heartbeatSeconds * 1000,
    requestTimeoutMs: config.mesh.requestTimeoutSeconds * 1000,
    clock,
    log,
    onRequest: (peer, method, params, signal) => methods.answer(peer, method, params, signal),
    locateFile: async (fileId) => {
      const manifest = (await catalog.list()).find(({ id, grade }) => id === fileId && grade !== 'failed');
      if (manifest === undefined) return undefined;
      return { path: catalog.pathOf(manifest.id), sizeBytes: manifest.sizeBytes, sha256: manifest.sha256 };
    },
  });
  opened.onClose('mesh', () => mesh.close());
  methods.reachThrough(mesh);
  await operations.resume();
  const asking = new AbortController();
  const asked = askForOutcomes({ operations, self, call: methods.call, clock }, asking.signal);
  opened.onClose('outcomes', async () => {
    asking.abort();
    await asked;
  });
  return { operations, methods, mesh };
}

/** What runs by itself: the schedule, and the look at which cluster the member is in. */
async function openServices(
  { config, configFile, log }: AgentOptions,
  base: LocalParts & Pick<AgentParts, 'operations' | 'mesh' | 'call'>,
  opened: ShutdownStack,
): Promise<AgentParts> {
  const underWay: AgentParts['underWay'] = {};
  const started = { config, configFile, startedAt: new Date(base.clock.now()).toISOString(), underWay, log };
  const watching = new AbortController();
  const watched = watchCluster(base, watching.signal);
  opened.onClose('cluster watch', async () => {
    watching.abort();
    await watched;
  });
  const schedule = await scheduleSnapshots({ ...base, ...started });
  opened.onClose('schedule', async () => {
    await schedule?.close();
  });
  return { ...base, ...started, schedule };
}

async function notifyReady({ environment, log }: AgentOptions, opened: ShutdownStack): Promise<void> {
  const { notifySocket, watchdogUsec } = environment;
  const notifier = createNotifier({
    ...(notifySocket === undefined ? {} : { notifySocket }),
    ...(watchdogUsec === undefined ? {} : { watchdogUsec }),
    // The loop turned, or this would not run.
    isAlive: () => Promise.resolve(true),
    clock: systemClock,
    log,
  });
  opened.onClose('notifier', async () => {
    await notifier.stopping();
    await notifier.close();
  });
  await notifier.ready();
}
