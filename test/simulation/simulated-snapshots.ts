import { AgentError } from '../../src/base/agent-error.ts';
import type { SnapshotManifest } from '../../src/formats/snapshot-manifest.ts';
import type { RestorePlan } from '../../src/formats/restore-plan.ts';
import { isPlannedFile } from '../../src/restore/planned-file.ts';
import { withProof } from '../../src/snapshot/grade.ts';
import { judgeStored } from '../../src/snapshot/verify-file.ts';
import type { FileProof } from '../../src/snapshot/prover.ts';
import { CallFailed } from './accidents.ts';

/** What is in a file, told by its SHA-256: equal bytes have equal sums. */
export interface Bytes {
  readonly sha256: string;
  readonly revision: number;
  /** What the restore tool checks by itself. */
  readonly trailerFits: boolean;
}

interface Copy {
  readonly manifest: SnapshotManifest;
  readonly bytes: Bytes;
  /** Another number is another file under the same name. Bytes that rot leave it. */
  readonly file: number;
}

/** The snapshots on one host's disk, and what its manifests say of them. A change is durable at once. */
export class SimulatedSnapshots {
  readonly #copies = new Map<string, Copy>();
  #files = 0;
  /** The next download from here does not carry what is on the disk. */
  sendsOtherBytes: Bytes | undefined;

  store(manifest: SnapshotManifest, bytes: Bytes = bytesOf(manifest)): void {
    this.#files += 1;
    this.#copies.set(manifest.id, { manifest, bytes, file: this.#files });
  }

  list(): SnapshotManifest[] {
    return [...this.#copies.values()].map(({ manifest }) => manifest);
  }

  get(id: string): Copy | undefined {
    return this.#copies.get(id);
  }

  /** As the plan's source locates it: the manifest is looked at, the file is not read. */
  locate({ id, sha256 }: RestorePlan['decided']['snapshot']): Copy | undefined {
    const copy = this.#copies.get(id);
    return isPlannedFile(copy?.manifest, { sha256 }) ? copy : undefined;
  }

  /** As `Catalog.verify`. @throws {CallFailed} for a file that is not what its manifest says; it is `failed` then. */
  verify(id: string): SnapshotManifest {
    const copy = this.#copies.get(id);
    if (copy === undefined) throw new CallFailed('SNAPSHOT_UNKNOWN', `no snapshot ${id}`);
    const verdict = judgeStored(readAll(copy), copy.manifest);
    if ('refusal' in verdict) {
      this.fail(id);
      throw new CallFailed(verdict.refusal.code, verdict.refusal.message);
    }
    const grade = copy.manifest.hasTrailer ? 'hashed' : 'raw';
    return this.#amend(copy, { ...copy, manifest: withProof(copy.manifest, { grade, at: AT }) }).manifest;
  }

  /** Some reading of this copy found it wrong. */
  fail(id: string, extent: { readonly ofContent?: true } = {}): void {
    const copy = this.#copies.get(id);
    if (copy === undefined) return;
    const manifest = withProof(copy.manifest, { grade: 'failed', at: AT, by: 'simulation', ...extent });
    this.#amend(copy, { ...copy, manifest });
  }

  /** Bits of the file change under whoever reads it. @returns Whether there is such a file, whole so far. */
  rot(id: string): boolean {
    const copy = this.#copies.get(id);
    if (copy?.bytes.trailerFits !== true) return false;
    this.#amend(copy, { ...copy, bytes: { ...copy.bytes, sha256: ROTTEN, trailerFits: false } });
    return true;
  }

  /** The file of another member's snapshot of the same revision is put in its place: sound in itself. */
  replace(id: string): boolean {
    const copy = this.#copies.get(id);
    if (copy === undefined || copy.bytes.sha256 !== copy.manifest.sha256) return false;
    this.#files += 1;
    this.#amend(copy, { ...copy, bytes: { ...copy.bytes, sha256: OF_ANOTHER_MEMBER }, file: this.#files });
    return true;
  }

  /** What a peer gets that downloads it. */
  serve({ bytes }: Copy): Bytes {
    const other = this.sendsOtherBytes;
    this.sendsOtherBytes = undefined;
    return other ?? bytes;
  }

  erase(): void {
    this.#copies.clear();
  }

  #amend({ manifest: { id } }: Copy, copy: Copy): Copy {
    this.#copies.set(id, copy);
    return copy;
  }
}

const AT = '2026-11-23T15:00:00.000Z';
export const ROTTEN = 'ee'.repeat(32);
export const OF_ANOTHER_MEMBER = 'dd'.repeat(32);

/** Of a file that is what its manifest says. */
function bytesOf({ sha256, revision }: SnapshotManifest): Bytes {
  return { sha256, revision, trailerFits: true };
}

/** What the prover finds in it. */
function readAll({ bytes: { sha256, revision, trailerFits }, manifest }: Copy): FileProof {
  const { sizeBytes, hasTrailer, keyCount = 0, alarms } = manifest;
  const sums = { bodySha256: sha256, trailer: trailerFits ? sha256 : '' };
  return {
    bytes: { sizeBytes, sha256, hasTrailerSize: hasTrailer, trailerFits, ...sums },
    keyspace: trailerFits
      ? {
          ...{ findings: [], findingCount: 0, sizeBytes, pageSizeBytes: 4096, pages: 1, pagesInUse: 1 },
          ...{ keyCount, hashKv: { hash: 7, revision, compactRevision: 1 } },
          facts: { revision, lastEntryRevision: revision, compactRevision: 1, alarms, authEnabled: false },
        }
      : new AgentError('SNAPSHOT_DAMAGED', 'it has rotted'),
  };
}
