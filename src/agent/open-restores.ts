import { crashPoints } from '../base/crash-point.ts';
import type { ShutdownStack } from '../base/shutdown-stack.ts';
import type { Drills } from '../drill/drills.ts';
import { openMesh, type Mesh } from '../mesh/mesh.ts';
import type { LocatedFile } from '../mesh/mesh-options.ts';
import { askForOutcomes } from '../restore/ask-for-outcome.ts';
import type { OperationsOptions } from '../restore/operations-options.ts';
import { Operations } from '../restore/operations.ts';
import { restoreMethods } from '../restore/serve-peers.ts';
import { sweepStaging } from '../restore/sweep-staging.ts';
import type { Catalog } from '../snapshot/catalog.ts';
import type { AgentOptions } from './agent-options.ts';
import type { LocalParts } from './open-local-parts.ts';
import { rehearsals } from './open-drills.ts';
import { PeerMethods } from './peer-methods.ts';
import { hostIdentity, meshOptions, restoreSettings } from './room-options.ts';

interface Restores {
  readonly operations: Operations;
  readonly methods: PeerMethods;
  readonly mesh: Mesh;
}

/** Reads the journals back, then listens to peers, then goes on with what this host was driving. */
export async function openRestores(
  options: AgentOptions,
  base: LocalParts & { readonly drills: Drills },
  opened: ShutdownStack,
): Promise<Restores> {
  const { config, environment, log } = options;
  const { audit, clock, proofs, catalog, lineage, supervisor, etcd, backup, journalId, release } = base;
  const self = config.agent.name;
  const methods = new PeerMethods(self);
  const restoreOptions: OperationsOptions = {
    stateDir: config.agent.stateDir,
    host: hostIdentity(config, { journalId, release, searchPath: environment.path }),
    supervisor,
    etcd,
    catalog,
    prover: proofs.urgent,
    lineage,
    audit,
    settings: restoreSettings(config),
    rehearsalOf: rehearsals(base.drills, base),
    call: methods.call,
    download: async (download) => {
      await methods.requireMesh().download(download);
    },
    pass: crashPoints(environment.crash),
    clock,
    log,
  };
  const operations = await Operations.open(restoreOptions);
  opened.onClose('operations', () => operations.close());
  await sweepStagingOf(options, operations);
  methods.serve({
    ...restoreMethods(operations, restoreOptions),
    'member.copy': async (_peer, _params, signal) =>
      (await backup.copy({ trigger: 'restore' }, signal)).manifest,
  });
  const mesh = await openMesh({
    ...meshOptions(config, { journalId, release }),
    clock,
    log,
    onRequest: (peer, method, params, signal) => methods.answer(peer, method, params, signal),
    locateFile: (fileId) => locateSnapshot(catalog, fileId),
  });
  opened.onClose('mesh', () => mesh.close());
  methods.reachThrough(mesh);
  await operations.resume();
  const asking = new AbortController();
  const takeoverAfterMs = config.restore.takeoverAfterSeconds * 1000;
  const asked = askForOutcomes(
    { operations, call: methods.call, clock, log, agent: self, takeoverAfterMs },
    asking.signal,
  );
  opened.onClose('outcomes', async () => {
    asking.abort();
    await asked;
  });
  return { operations, methods, mesh };
}

async function sweepStagingOf({ config, log }: AgentOptions, operations: Operations): Promise<void> {
  const { dataDir, walDir } = config.etcd;
  const directories = [dataDir, ...(walDir === undefined ? [] : [walDir])];
  const swept = await sweepStaging(directories, operations.active?.id);
  if (swept.length > 0) log.warn({ swept }, 'staging of an operation that is over was removed');
}

/**
 * What peers may download: every stored snapshot whose proof has not failed. One that has is no longer offered, and its peers learn why:
 * that it is merely absent would send an operator to the wrong host.
 */
async function locateSnapshot(
  catalog: Catalog,
  fileId: string,
): Promise<LocatedFile | 'damaged' | undefined> {
  const manifest = (await catalog.list()).find(({ id }) => id === fileId);
  if (manifest === undefined) return undefined;
  if (manifest.grade === 'failed') return 'damaged';
  return { path: catalog.pathOf(manifest.id), sizeBytes: manifest.sizeBytes, sha256: manifest.sha256 };
}
