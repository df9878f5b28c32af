import { asAgentError } from '../base/agent-error.ts';
import type { ErrorCode } from '../base/error-codes.ts';
import type { SkippedResult, TakenResult } from '../backup/take-snapshot.ts';
import type { ControlResult, Progress, SaveResult } from '../formats/control.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import type { ControlContext, ControlHandlers } from '../http/control-handlers.ts';
import type { AgentParts } from './agent-parts.ts';

type SnapshotMethod = Extract<keyof ControlHandlers, `snapshot.${string}`>;

/** What `lifeboat snapshot …` asks of the agent. */
export function snapshotHandlers(parts: AgentParts): Pick<ControlHandlers, SnapshotMethod> {
  const { catalog, backup, config } = parts;
  return {
    'snapshot.save': async ({ skipUnchanged }, { signal, onProgress }) => {
      const taken = await trackSnapshot(parts, onProgress, (report) =>
        backup.save({ trigger: 'manual', skipUnchanged }, signal, report),
      );
      return saveResult(parts, taken);
    },
    'snapshot.copy': async (_params, { signal, onProgress }) => {
      const taken = await trackSnapshot(parts, onProgress, (report) =>
        backup.copy({ trigger: 'manual' }, signal, report),
      );
      return saveResult(parts, taken);
    },
    'snapshot.list': async () => ({
      directory: catalog.directory,
      snapshots: (await catalog.list()).map((manifest) => ({
        ...manifest,
        path: catalog.pathOf(manifest.id),
      })),
      damaged: (await catalog.damaged()).map(({ id, problem }) => ({ id, message: problem })),
    }),
    'snapshot.verify': async ({ ids }, context) => ({ verified: await verifyEach(parts, ids, context) }),
    'snapshot.import': async ({ path }, { signal, onProgress }) => {
      const onBytes = (bytes: number): void => {
        onProgress({ phase: 'importing', bytes });
      };
      const manifest = await catalog.importFile(path, { onBytes }, signal);
      return { manifest, path: catalog.pathOf(manifest.id), removed: [] };
    },
    'snapshot.export': async ({ id, path }, { signal, onProgress }) => {
      const manifest = await catalog.get(id);
      await catalog.exportFile(manifest.id, path, signal, (bytes) => {
        onProgress({ phase: 'exporting', bytes, totalBytes: manifest.sizeBytes });
      });
      return { id: manifest.id, path, sha256: manifest.sha256, sizeBytes: manifest.sizeBytes };
    },
    'snapshot.delete': async ({ id, force, requestedBy }) => {
      const { sizeBytes, sha256 } = await catalog.get(id);
      await catalog.remove(id, { force });
      const by = requestedBy === undefined ? {} : { requestedBy };
      await parts.audit.append({ event: 'snapshot-deleted', snapshot: id, sha256, sizeBytes, force, ...by });
      parts.log.info({ id, sizeBytes, directory: config.snapshots.directory }, 'snapshot deleted on request');
      return { id, freedBytes: sizeBytes };
    },
  };
}

type Verified = ControlResult<'snapshot.verify'>['verified'];

async function verifyEach(
  { catalog }: AgentParts,
  ids: 'all' | readonly string[],
  { signal, onProgress }: ControlContext,
): Promise<Verified> {
  const verified: Verified = [];
  for (const wanted of ids === 'all' ? (await catalog.list()).map(({ id }) => id) : ids) {
    // Before the first byte, so that a wrong name is an error and not a finding.
    const { id, sizeBytes } = await catalog.get(wanted);
    const onBytes = (bytes: number): void => {
      onProgress({ phase: `verifying ${id}`, bytes, totalBytes: sizeBytes });
    };
    try {
      verified.push(verifiedOf(await catalog.verify(id, signal, onBytes)));
    } catch (error) {
      const { code, message, details } = asAgentError(error);
      if (!FAILED_PROOFS.includes(code)) throw error;
      const { findings, findingCount } = details;
      verified.push({
        id,
        ok: false,
        grade: 'failed',
        failure: { code, message },
        ...(Array.isArray(findings) ? { findings: [...(findings as string[])] } : {}),
        ...(typeof findingCount === 'number' ? { findingCount } : {}),
      });
    }
  }
  return verified;
}

function verifiedOf(manifest: SnapshotManifest): Verified[number] {
  const { id, grade, sha256, sizeBytes, revision, compactRevision, keyCount, hashKv } = manifest;
  const found = {
    sha256,
    sizeBytes,
    revision,
    compactRevision,
    keyCount,
    hashKv,
    findings: [],
    findingCount: 0,
  };
  if (grade !== 'failed') return { id, ok: true, grade, ...found };
  const earlier = manifest.proofs.find((proof) => proof.grade === 'failed');
  const message = `${id} is what it should be now, and failed before: ${earlier?.by ?? 'no reason kept'}`;
  return { id, ok: false, grade, failure: { code: 'SNAPSHOT_DAMAGED', message }, ...found };
}

/** What arrived is not a whole, sound database. */
const FAILED_PROOFS: readonly ErrorCode[] = [
  'SNAPSHOT_TRUNCATED',
  'SNAPSHOT_HASH_MISMATCH',
  'SNAPSHOT_NOT_A_DATABASE',
  'SNAPSHOT_DAMAGED',
];

/** Runs a snapshot whose progress `lifeboat status` shows too. */
export async function trackSnapshot<T>(
  { underWay, tally, log }: Pick<AgentParts, 'underWay' | 'tally' | 'log'>,
  onProgress: (progress: Progress) => void,
  take: (report: (progress: Progress) => void) => Promise<T>,
): Promise<T> {
  try {
    return await take((progress) => {
      underWay.snapshot = progress;
      onProgress(progress);
    });
  } catch (error) {
    const { code, message } = asAgentError(error);
    if (FAILED_PROOFS.includes(code)) {
      tally.failedProofs += 1;
      log.error({ code, problem: message }, 'A new snapshot failed its proof. It was not kept.');
    }
    throw error;
  } finally {
    delete underWay.snapshot;
  }
}

function saveResult({ catalog }: AgentParts, taken: TakenResult | SkippedResult): SaveResult {
  if ('skipped' in taken) return { skipped: taken.skipped, removed: [] };
  const { manifest, removed, postSnapshot } = taken;
  return {
    manifest,
    path: catalog.pathOf(manifest.id),
    removed: [...removed],
    ...(postSnapshot === undefined
      ? {}
      : {
          postSnapshot: postSnapshot.ok
            ? { ok: true }
            : { ok: false, failure: { code: postSnapshot.error.code, message: postSnapshot.error.message } },
        }),
  };
}
