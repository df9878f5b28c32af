import { stat } from 'node:fs/promises';
import { AgentError, asAgentError } from '../base/agent-error.ts';
import type { ErrorCode } from '../base/error-codes.ts';
import type { OnBytes } from '../base/hash-file.ts';
import { requireFreeSpace } from '../base/free-space.ts';
import type { RestorePlan } from '../formats/restore-plan.ts';
import { snapshotManifest, type SnapshotManifest } from '../formats/snapshot-manifest.ts';
import type { Catalog } from '../snapshot/catalog.ts';
import type { CallHost } from './call-host.ts';
import { isPlannedFile } from './planned-file.ts';
import type { SnapshotSource } from './steps/host-context.ts';
import type { OnStepBytes } from './steps/step.ts';

/** Brings a peer's file to `toPath`, resumed where an earlier try ended, SHA-256 compared. */
export type DownloadFile = (download: {
  readonly peer: string;
  readonly fileId: string;
  readonly toPath: string;
  readonly expected: { readonly sizeBytes: number; readonly sha256: string };
  readonly signal: AbortSignal;
  readonly onBytes?: OnBytes;
}) => Promise<void>;

interface SourceOptions {
  readonly plan: RestorePlan;
  readonly self: string;
  readonly catalog: Catalog;
  readonly call: CallHost;
  readonly download: DownloadFile;
}

const MANIFEST_TIMEOUT_MS = 30_000;
/** Reading takes as long as it takes; a peer that died is noticed by its link. */
const VERIFY_TIMEOUT_MS = 24 * 3_600_000;

/** What a file that arrived is refused with, when it is not sound. */
const DAMAGED_FILE = new Set<ErrorCode>([
  'SNAPSHOT_HASH_MISMATCH',
  'SNAPSHOT_DAMAGED',
  'SNAPSHOT_NOT_A_DATABASE',
]);
const DAMAGED_THERE = new Set<ErrorCode>([...DAMAGED_FILE, 'STORAGE_CORRUPTED']);

/** The plan's snapshot as one host gets at it: from its own catalog, or from one of the holders into it. */
export function planSnapshotSource(options: SourceOptions): SnapshotSource {
  const { plan, catalog } = options;
  const { snapshot } = plan.decided;
  let arrivedVerified = false;
  let verified: string | undefined;
  const prove = async (signal: AbortSignal, onBytes: OnStepBytes): Promise<void> => {
    const manifest = await catalog.verify(snapshot.id, signal, (bytes) => {
      onBytes(bytes, snapshot.sizeBytes);
    });
    if (isPlannedFile(manifest, snapshot)) return;
    throw new AgentError(
      'SNAPSHOT_HASH_MISMATCH',
      `${snapshot.id} is ${manifest.sha256} here, of the grade ${manifest.grade}; the plan says ${snapshot.sha256}`,
    );
  };
  return {
    locate: async () => {
      const manifest = (await catalog.list()).find(({ id }) => id === snapshot.id);
      return isPlannedFile(manifest, snapshot) ? catalog.pathOf(snapshot.id) : undefined;
    },
    fetch: async (signal, onBytes) => {
      await fetchFromHolders(options, signal, (bytes) => {
        onBytes(bytes, snapshot.sizeBytes);
      });
      verified = await fileAt(catalog.pathOf(snapshot.id));
      arrivedVerified = true;
    },
    use: () => catalog.use(snapshot.id),
    verify: async (signal, onBytes) => {
      if (arrivedVerified) return;
      const found = await fileAt(catalog.pathOf(snapshot.id));
      await prove(signal, onBytes);
      verified = found;
    },
    verifyAfterUse: async (signal, onBytes) => {
      if ((await fileAt(catalog.pathOf(snapshot.id))) !== verified) {
        throw new AgentError(
          'SNAPSHOT_HASH_MISMATCH',
          `another file took the place of ${snapshot.id} while it was restored from: it is not the one that was proved`,
        );
      }
      if (!snapshot.hasTrailer) await prove(signal, onBytes);
    },
  };
}

/** Tells one file from another that takes its place, and from itself once it was written to. */
async function fileAt(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
  return `${dev}/${ino} ${size} ${mtimeNs}`;
}

async function fetchFromHolders(
  options: SourceOptions,
  signal: AbortSignal,
  onBytes: OnBytes,
): Promise<void> {
  const { plan, self, catalog, download } = options;
  const { snapshot, holders } = plan.decided;
  await requireFreeSpace(catalog.directory, snapshot.sizeBytes);
  const expected = { sizeBytes: snapshot.sizeBytes, sha256: snapshot.sha256 };
  const toPath = catalog.incomingPath(snapshot.id);
  let last: AgentError | undefined;
  for (const peer of holders.filter((holder) => holder !== self)) {
    try {
      const manifest = await manifestAt(options, peer, signal);
      await download({ peer, fileId: snapshot.id, toPath, expected, signal, onBytes });
      await catalog.adoptFile(manifest, toPath, signal);
      return;
    } catch (error) {
      signal.throwIfAborted();
      last = asAgentError(error, 'TRANSFER_FAILED');
      if (DAMAGED_THERE.has(last.code)) last = await verifiedBy(options, peer, last, signal);
    }
  }
  throw last ?? new AgentError('SNAPSHOT_UNKNOWN', `${snapshot.id} is held by ${holders.join(', ')} only`);
}

/**
 * A holder that sent other bytes than it announced, or a file that does not stand here, reads its own again, so that a damaged one is offered to nobody
 * any more, also when this operation ends before the holder came to it.
 *
 * @returns What the holder found wrong, or `failure` when its file is sound.
 */
async function verifiedBy(
  { plan, call }: SourceOptions,
  peer: string,
  failure: AgentError,
  signal: AbortSignal,
): Promise<AgentError> {
  try {
    const { id } = plan.decided.snapshot;
    await call(peer, 'snapshot.verify', { id }, { timeoutMs: VERIFY_TIMEOUT_MS, signal });
    return failure;
  } catch (error) {
    signal.throwIfAborted();
    const found = asAgentError(error);
    return DAMAGED_FILE.has(found.code) ? found : failure;
  }
}

async function manifestAt(
  { plan, call }: SourceOptions,
  peer: string,
  signal: AbortSignal,
): Promise<SnapshotManifest> {
  const { id, sha256 } = plan.decided.snapshot;
  const manifest = snapshotManifest.parse(
    await call(peer, 'snapshot.manifest', { id }, { timeoutMs: MANIFEST_TIMEOUT_MS, signal }),
  );
  if (manifest.sha256 === sha256) return manifest;
  throw new AgentError('SNAPSHOT_UNKNOWN', `${peer} holds another file under the name ${id}`);
}
