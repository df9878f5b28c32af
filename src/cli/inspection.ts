import type { Finding } from '../bbolt/finding.ts';
import type { SnapshotManifest } from '../formats/snapshot-manifest.ts';
import type { KeyspaceFacts } from '../mvcc/keyspace-facts.ts';
import type { Membership } from '../mvcc/membership.ts';
import type { LargestPrefixes, PrefixSize } from '../mvcc/prefix-sizes.ts';
import type { KeyspaceProof } from '../mvcc/prove-keyspace.ts';
import type { TrailerVerdict } from '../snapshot/trailer-hash.ts';
import type { FoundSnapshot } from './find-snapshot.ts';

export interface TopWish {
  readonly count: number;
  readonly depth: number;
}

/** As `LargestPrefixes`, in JSON. */
export interface TopPrefixes extends Omit<LargestPrefixes, 'byBytes' | 'byRevisions'> {
  readonly depth: number;
  readonly byBytes: readonly TopPrefix[];
  readonly byRevisions: readonly TopPrefix[];
}

export interface TopPrefix extends Omit<PrefixSize, 'prefix'> {
  /** Empty for keys without a slash. */
  readonly prefix: string;
  readonly prefixBase64: string;
}

/** Something that is wrong with a snapshot: with its structure, with its bytes as a whole, or with what its manifest says of it. */
export type SnapshotFinding =
  Finding | { readonly kind: 'trailer' | 'size' | 'manifest'; readonly message: string };

/** What `snapshot inspect` prints as JSON. What damage hides is absent. */
export interface Inspection extends Partial<KeyspaceFacts>, Partial<Membership> {
  readonly name: string;
  readonly path: string;
  readonly manifest?: SnapshotManifest;
  readonly manifestProblem?: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly trailer: 'fits' | 'differs' | 'absent';
  readonly pageSizeBytes: number;
  readonly pages: number;
  readonly pagesInUse: number;
  readonly pagesFree: number;
  readonly inUseBytes: number;
  readonly freeBytes: number;
  readonly keyCount?: number;
  /** Changes that are kept, tombstones among them. */
  readonly revisionCount?: number;
  readonly tombstoneCount?: number;
  readonly hashKv?: KeyspaceProof['hashKv'];
  /** As `snapshot status` of etcd's tools prints it. */
  readonly statusHash?: number;
  /** As `etcdctl` and `etcdutl` 3.4 and 3.5 count: entries of every kind; and as 3.6 and later: live keys. */
  readonly statusTotalKeys?: { readonly etcd34: number; readonly etcd36: number };
  readonly top?: TopPrefixes;
  readonly findings: readonly SnapshotFinding[];
  /** `findings` holds the first thousand. */
  readonly findingCount: number;
}

const PAGE_DIVISOR = 512;

export function inspection(
  { name, path, manifest, manifestProblem }: FoundSnapshot,
  { bytes, keyspace }: { readonly bytes: TrailerVerdict; readonly keyspace: KeyspaceProof },
  membership: Membership | undefined,
): Inspection {
  const { pageSizeBytes, pages, pagesInUse, hashKv, status, keyCount, changeCount, tombstoneCount } =
    keyspace;
  const ofBytes = [...bytesFindings(bytes), ...manifestFindings(bytes, manifest)];
  return {
    name,
    path,
    ...(manifest === undefined ? {} : { manifest }),
    ...(manifestProblem === undefined ? {} : { manifestProblem }),
    sizeBytes: bytes.sizeBytes,
    sha256: bytes.sha256,
    trailer: trailerOf(bytes),
    pageSizeBytes,
    pages,
    pagesInUse,
    pagesFree: pages - pagesInUse,
    inUseBytes: pagesInUse * pageSizeBytes,
    freeBytes: (pages - pagesInUse) * pageSizeBytes,
    ...keyspace.facts,
    ...(keyCount === undefined ? {} : { keyCount }),
    ...(changeCount === undefined ? {} : { revisionCount: changeCount }),
    ...(tombstoneCount === undefined ? {} : { tombstoneCount }),
    ...membership,
    ...(hashKv === undefined ? {} : { hashKv }),
    ...statusFields(status, keyCount),
    findings: [...ofBytes, ...keyspace.findings],
    findingCount: ofBytes.length + keyspace.findingCount,
  };
}

function statusFields(
  status: KeyspaceProof['status'],
  keyCount: number | undefined,
): Pick<Inspection, 'statusHash' | 'statusTotalKeys'> {
  if (status === undefined || keyCount === undefined) return {};
  return {
    statusHash: status.hash,
    statusTotalKeys: { etcd34: status.entryCount, etcd36: keyCount },
  };
}

function trailerOf({ hasTrailerSize, trailerFits }: TrailerVerdict): Inspection['trailer'] {
  if (!hasTrailerSize) return 'absent';
  return trailerFits ? 'fits' : 'differs';
}

function bytesFindings(found: TrailerVerdict): SnapshotFinding[] {
  const { sizeBytes, hasTrailerSize, trailerFits, trailer, bodySha256 } = found;
  if (hasTrailerSize) {
    if (trailerFits) return [];
    return [
      { kind: 'trailer', message: `the trailer is ${trailer}, the bytes before it hash to ${bodySha256}` },
    ];
  }
  if (sizeBytes % PAGE_DIVISOR === 0) return [];
  const message = `it has ${sizeBytes} bytes: neither whole pages, nor whole pages and a trailer of 32 bytes`;
  return [{ kind: 'size', message }];
}

function manifestFindings(
  { sha256 }: TrailerVerdict,
  manifest: SnapshotManifest | undefined,
): SnapshotFinding[] {
  if (manifest === undefined) return [];
  const findings: SnapshotFinding[] = [];
  if (manifest.sha256 !== sha256) {
    const message = `its SHA-256 is ${sha256}, the manifest says ${manifest.sha256}`;
    findings.push({ kind: 'manifest', message });
  }
  if (manifest.grade === 'failed')
    findings.push({ kind: 'manifest', message: 'a proof of it failed before' });
  return findings;
}
