import { join } from 'node:path';
import { systemClock, type Clock } from '../base/clock.ts';
import { pathExists } from '../base/path-exists.ts';
import { readRelease } from '../base/release.ts';
import { AuditLog } from '../audit/audit-log.ts';
import type { ShutdownStack } from '../base/shutdown-stack.ts';
import { createBackup, type Backup } from '../backup/take-snapshot.ts';
import type { Config } from '../config/config-schema.ts';
import { connectEtcd } from '../etcd/client.ts';
import { endLeftover } from '../membership/join-etcd.ts';
import { JoinStore } from '../membership/join-store.ts';
import { whyNotToStart } from '../membership/start-guard.ts';
import { LineageStore } from '../restore/lineage-store.ts';
import { openCatalog } from '../snapshot/catalog.ts';
import { ProofQueue } from '../snapshot/proof-queue.ts';
import { openProver } from '../snapshot/prover.ts';
import { openLocalDirectory } from '../storage/local-directory.ts';
import { processesUsing } from '../supervisor/open-files.ts';
import { openSupervisor } from '../supervisor/open-supervisor.ts';
import { readJournalId } from './agent-identity.ts';
import type { AgentOptions } from './agent-options.ts';
import { etcdOptions, hookCommand, supervisorOptions } from './room-options.ts';

/** More at once would take the whole of a small host from etcd. */
const PROOFS_AT_ONCE = 2;

export type LocalParts = Awaited<ReturnType<typeof openLocalParts>>;

/** What needs no peer: storage, etcd and its supervisor. */
// eslint-disable-next-line @typescript-eslint/explicit-module-boundary-types -- named by LocalParts
export async function openLocalParts(
  { config, threadProgram, log, signal }: AgentOptions,
  opened: ShutdownStack,
) {
  const clock = systemClock;
  const { stateDir } = config.agent;
  const audit = await AuditLog.open({ stateDir, clock, log });
  opened.onClose('audit log', () => audit.close());
  const storage = await openLocalDirectory(config.snapshots.directory, { clock });
  opened.onClose('storage', () => storage.close());
  if (storage.swept.length > 0) log.warn({ swept: storage.swept }, 'leftovers of a crash were removed');
  const proofs = new ProofQueue(openProver(threadProgram), { atOnce: PROOFS_AT_ONCE });
  const prover = proofs.routine;
  const catalog = openCatalog(storage, {
    agent: config.agent.name,
    clock,
    prover,
    onFailedProof: (id, problem) => {
      log.error({ id, problem }, 'A stored snapshot failed its proof. It is never offered again.');
    },
  });
  const lineage = await LineageStore.open(stateDir);
  const joinStore = await openJoinStore(config, clock, signal);
  const supervisor = await openSupervisor(
    supervisorOptions(config, startGuard(config, lineage)),
    { clock, log },
    signal,
  );
  opened.onClose('supervisor', () => supervisor.close());
  const etcd = connectEtcd(etcdOptions(config));
  opened.onClose('etcd connection', () => {
    etcd.close();
  });
  const backup = backupOf(config, { catalog, etcd, prover, clock, log });
  const journalId = await readJournalId(stateDir);
  const release = readRelease();
  return {
    audit,
    clock,
    joinStore,
    prover,
    proofs,
    catalog,
    lineage,
    supervisor,
    etcd,
    backup,
    journalId,
    release,
  };
}

/** Nobody but us knows the etcd that a crash left joining: a supervisor would take it for a stranger's, so it is ended first. */
async function openJoinStore(config: Config, clock: Clock, signal: AbortSignal): Promise<JoinStore> {
  const store = await JoinStore.open(config.agent.stateDir);
  const { unfinished } = store;
  if (unfinished !== undefined) await endLeftover(unfinished.plan.id, directoriesOf(config), clock, signal);
  return store;
}

function backupOf(
  { agent, etcd, snapshots }: Config,
  parts: Pick<Parameters<typeof createBackup>[0], 'catalog' | 'etcd' | 'prover' | 'clock' | 'log'>,
): Backup {
  return createBackup({
    ...parts,
    settings: {
      agent: agent.name,
      memberName: etcd.memberName,
      dataDir: etcd.dataDir,
      keep: snapshots.keep,
      stallMs: snapshots.stallSeconds * 1000,
      compareHashUpToBytes: snapshots.compareHashUpToMiB * 1024 * 1024,
    },
    isMemberRunning: async () => (await processesUsing([etcd.dataDir])).some(({ writing }) => writing),
    ...(snapshots.postSnapshot === undefined ? {} : { postSnapshot: hookCommand(snapshots.postSnapshot) }),
  });
}

function directoriesOf({ etcd: { dataDir, walDir } }: Config): string[] {
  return walDir === undefined ? [dataDir] : [dataDir, walDir];
}

function startGuard({ etcd, agent }: Config, lineage: LineageStore): () => Promise<string | undefined> {
  const { stateDir } = agent;
  return () =>
    whyNotToStart({
      places: etcd,
      stateDir,
      lineage: lineage.record,
      isHeld: () => pathExists(join(stateDir, 'hold')),
    });
}
