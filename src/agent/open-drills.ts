import type { ShutdownStack } from '../base/shutdown-stack.ts';
import { Drills } from '../drill/drills.ts';
import type { EtcdClient } from '../etcd/client.ts';
import type { OperationsOptions } from '../restore/operations-options.ts';
import type { AgentOptions } from './agent-options.ts';
import type { LocalParts } from './open-local-parts.ts';
import { hostIdentity, restoreSettings } from './room-options.ts';

/** How long the member may take to say its version. */
const VERSION_LIMIT_MS = 5000;

/** Drills of this host. What a crash left of them is ended and removed first: it takes the room of a whole database. */
export async function openDrills(
  { config, environment, log, signal }: AgentOptions,
  base: LocalParts,
  opened: ShutdownStack,
): Promise<Drills> {
  const { catalog, prover, clock, etcd, journalId, release } = base;
  const launch = hostIdentity(config, { journalId, release, searchPath: environment.path });
  const drills = await Drills.open(
    {
      catalog,
      prover,
      agent: config.agent.name,
      launch,
      ...(launch.toolPath === undefined ? {} : { toolPath: launch.toolPath }),
      ...(config.etcd.auth === undefined ? {} : { auth: config.etcd.auth }),
      runningVersion: (limit) => versionOf(etcd, limit),
      stallMs: restoreSettings(config).toolStallMs,
      clock,
      log,
    },
    signal,
  );
  opened.onClose('drills', () => drills.close());
  if (drills.swept.length > 0) log.warn({ swept: drills.swept }, 'what a crash left of a drill was removed');
  return drills;
}

/** A restore's own drill: of a snapshot whose bytes it has just compared. */
export function rehearsals(
  drills: Drills,
  { catalog }: Pick<LocalParts, 'catalog'>,
): NonNullable<OperationsOptions['rehearsalOf']> {
  return ({ snapshot, allowNewerSnapshot }) => ({
    isDone: async () => (await catalog.get(snapshot.id)).grade === 'booted',
    run: async (signal, onBytes) => {
      const request = {
        id: snapshot.id,
        isVerified: true,
        allowNewerSnapshot: allowNewerSnapshot === true,
      };
      await drills.rehearse(request, signal, ({ bytes, totalBytes }) => {
        if (bytes !== undefined && totalBytes !== undefined) onBytes(bytes, totalBytes);
      });
    },
  });
}

async function versionOf(etcd: Pick<EtcdClient, 'status'>, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await etcd.status(AbortSignal.any([signal, AbortSignal.timeout(VERSION_LIMIT_MS)]))).version;
  } catch {
    signal.throwIfAborted();
    // A member that is down says nothing; its program does.
    return undefined;
  }
}
