import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../../base/agent-error.ts';
import { readTextIfPresent, writeTextDurably } from '../../base/durable-file.ts';
import { requireSound } from '../../snapshot/judge-structure.ts';
import { readWal } from '../../wal/read-wal.ts';
import type { UndoingHost } from './host-context.ts';
import { makeDataDir } from './prepare.ts';
import type { OnStepBytes, Step } from './step.ts';

/** Before an undo touches the present etcd: what was set aside is read and proved where it lies. Nothing is renamed. */
export function proveSteps(context: UndoingHost): Step[] {
  const { plan, layout } = context;
  return [
    makeDataDir(context),
    {
      name: 'prove-set-aside',
      isDone: async () => (await readTextIfPresent(layout.stagedMarker)) === plan.hash,
      run: async (signal, onBytes) => {
        await prove(context, signal, onBytes);
        await writeTextDurably(layout.stagedMarker, plan.hash);
      },
    },
  ];
}

async function prove(
  { plan, host, layout, prover }: UndoingHost,
  signal: AbortSignal,
  onBytes: OnStepBytes,
): Promise<void> {
  if (host.action !== 'swap') return;
  const { clusterId } = plan.decided.returnsTo;
  const log = await readWal(layout.wal?.staged ?? join(layout.stagedMember, 'wal'), signal);
  if (log.clusterId !== clusterId || log.memberId !== host.memberId) {
    throw new AgentError(
      'GUARD_CHANGED',
      `${layout.stagedMember} is of member ${log.memberId} of cluster ${log.clusterId}; the plan says ${host.memberId} of ${clusterId}`,
    );
  }
  const database = join(layout.stagedMember, 'snap', 'db');
  const { size } = await stat(database);
  const proof = await prover.proveKeyspace(database, {
    signal,
    onBytes: (bytes) => {
      onBytes(bytes, size);
    },
  });
  const { facts } = requireSound(database, proof);
  if (facts.revision !== host.revision) {
    throw new AgentError(
      'GUARD_CHANGED',
      `${database} is at revision ${facts.revision}; the plan says ${host.revision}`,
    );
  }
  const appliedIndex = facts.consistentIndex ?? 0;
  if (appliedIndex <= log.lastIndex) return;
  // etcd would take the log's next entries for those that the database has already.
  throw new AgentError(
    'UNDO_INCOMPLETE',
    `${database} holds the raft log up to ${appliedIndex}, and the log beside it ends at ${log.lastIndex}`,
  );
}
