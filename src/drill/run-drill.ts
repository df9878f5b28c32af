import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import { WAL_BYTES } from '../restore/plan-guards.ts';
import { requireSound } from '../snapshot/judge-structure.ts';
import { bootSnapshot, type BootedSnapshot } from './boot-snapshot.ts';
import type { DrillContext, OnDrillProgress } from './drill-context.ts';
import { findPrograms, type DrillPrograms } from './find-programs.ts';
import { judgeServed, type Expected } from './judge-served.ts';
import { openScratch, scratchRoot } from './scratch.ts';

export interface DrillRequest {
  /** An ID, or `latest` for the newest proved one. */
  readonly id: string;
  /** Its bytes were read and compared a moment ago. Otherwise that is the first thing that is done. */
  readonly isVerified?: boolean;
  readonly allowNewerSnapshot?: boolean;
}

export interface DrillReport {
  /** With its new grade. */
  readonly manifest: SnapshotManifest;
  readonly etcdVersion: string;
  readonly tool: string;
  readonly booted: BootedSnapshot;
  readonly durationMs: number;
}

/**
 * Proves that a stored snapshot restores: its bytes are read again, the tool makes a data dir of it in a scratch directory,
 * and the host's own etcd serves that, reached by nobody else. Its revision, number of keys and HashKV must be the snapshot's.
 * Then it is `booted`. Nothing stays of it but the proof in the manifest.
 *
 * @throws {AgentError} A snapshot found wrong is `failed` durably before this throws: as `Catalog.verify`, or
 *   `SNAPSHOT_UNBOOTABLE`, `SNAPSHOT_DAMAGED`. `DRILL_UNAVAILABLE` and everything else say nothing of it and change nothing.
 */
export async function runDrill(
  context: DrillContext,
  request: DrillRequest,
  signal: AbortSignal,
  onProgress: OnDrillProgress,
): Promise<DrillReport> {
  const { catalog, clock, log } = context;
  const startedMs = clock.now();
  const { id } = await catalog.get(request.id);
  using _held = catalog.use(id);
  const manifest = await readAgain(context, { ...request, id }, signal, onProgress);
  const allowNewer = request.allowNewerSnapshot === true;
  const programs = await findPrograms(context, manifest, allowNewer, signal);
  const expected = await expectedOf(context, manifest, signal);
  log.info({ id, etcd: programs.etcd, tool: programs.tool.path }, 'drill started');
  const booted = await bootAndJudge(context, { manifest, programs, expected, onProgress }, signal);
  const proved = await catalog.recordProof(id, {
    grade: 'booted',
    by: `etcd ${programs.etcd.version} served it: ${COMPARED[booted.readFrom]}`,
  });
  const durationMs = Math.max(0, clock.now() - startedMs);
  log.info({ id, durationMs }, 'drill passed');
  const tool = `${programs.tool.kind} ${programs.tool.version}`;
  return { manifest: proved, etcdVersion: programs.etcd.version, tool, booted, durationMs };
}

const COMPARED = {
  etcd: 'revision, number of keys and HashKV agreed',
  file: 'revision agreed, and number of keys and HashKV of what it left in its file',
} as const;

/** Before anything is restored: a file that is not what it was would only be found wrong later, and in worse words. */
async function readAgain(
  { catalog }: DrillContext,
  { id, isVerified = false }: DrillRequest,
  signal: AbortSignal,
  onProgress: OnDrillProgress,
): Promise<SnapshotManifest> {
  const manifest = await catalog.get(id);
  if (isVerified) return manifest;
  return await catalog.verify(id, signal, (bytes) => {
    onProgress({ phase: `verifying ${id}`, bytes, totalBytes: manifest.sizeBytes });
  });
}

/** What the manifest says; what it does not, a walk through the file tells. */
async function expectedOf(
  { prover, catalog }: DrillContext,
  manifest: SnapshotManifest,
  signal: AbortSignal,
): Promise<Expected> {
  const { id, revision, leaseCount, keyCount, hashKv } = manifest;
  const leases = leaseCount === undefined ? {} : { leaseCount };
  if (keyCount !== undefined && hashKv !== undefined) return { revision, keyCount, hashKv, ...leases };
  const proof = requireSound(id, await prover.proveKeyspace(catalog.pathOf(id), { signal }));
  return { revision, keyCount: proof.keyCount, hashKv: proof.hashKv, ...leases };
}

interface Trial {
  readonly manifest: SnapshotManifest;
  readonly programs: DrillPrograms;
  readonly expected: Expected;
  readonly onProgress: OnDrillProgress;
}

async function bootAndJudge(
  context: DrillContext,
  { expected, ...boot }: Trial,
  signal: AbortSignal,
): Promise<BootedSnapshot> {
  const { id, sizeBytes } = boot.manifest;
  await using scratch = await openScratch(scratchRoot(context.catalog.directory), sizeBytes + WAL_BYTES);
  let outcome = await bootSnapshot({ context, scratch: scratch.path, ...boot }, signal);
  if (!('refusal' in outcome)) {
    const refusal = judgeServed(expected, outcome.served);
    if (refusal === undefined) return outcome;
    outcome = { refusal };
  }
  throw await context.catalog.markFailed(id, outcome.refusal, { ofContent: true });
}
