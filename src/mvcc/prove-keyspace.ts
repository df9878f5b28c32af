import { AgentError } from '../base/agent-error.ts';
import { createCrc32c } from '../base/crc32c.ts';
import type { OnBytes } from '../base/hash-file.ts';
import { checkDatabase } from '../bbolt/check-database.ts';
import type { Finding, Findings } from '../bbolt/finding.ts';
import { openPageFile, type PageFile } from '../bbolt/page-file.ts';
import type { TreePage } from '../bbolt/tree-page.ts';
import { readCompactionState, type CompactionState } from './compaction-state.ts';
import { KeyspaceDigest, type HashKv } from './keyspace-digest.ts';
import { etcdBucket } from './etcd-bucket.ts';
import { readKeyspaceFacts, type KeyspaceFacts } from './keyspace-facts.ts';
import { hashEverything, type StatusHash } from './status-hash.ts';
import { findSuperseded, type Superseded } from './superseded.ts';

/** Everything that one walk over a database tells. Plain values: it travels between threads. */
export interface KeyspaceProof {
  /** The first thousand things that are wrong; none of a sound file. */
  readonly findings: readonly Finding[];
  readonly findingCount: number;
  readonly sizeBytes: number;
  readonly pageSizeBytes: number;
  readonly pages: number;
  readonly pagesInUse: number;
  /** What follows is absent where damage does not let it be known. */
  readonly facts?: KeyspaceFacts;
  /** Live keys at the revision. */
  readonly keyCount?: number;
  /** Changes that are kept, tombstones among them. */
  readonly changeCount?: number;
  readonly tombstoneCount?: number;
  readonly hashKv?: HashKv;
  readonly status?: StatusHash;
}

export interface ProveOptions {
  /** Of HashKV and the number of keys; that of the file where absent. Not before the compacted one. */
  readonly revision?: number;
  /** Computes what `snapshot status` prints too. */
  readonly withStatus?: boolean;
  readonly onBytes?: OnBytes;
}

/**
 * Reads every page of a database once, in large pieces where they lie behind each other, and tells whether its structure is sound, what
 * it holds, and HashKV. Memory stays flat. Blocks: for a thread of its own, or a command.
 *
 * @throws {AgentError} `FILE_UNREADABLE`; `SNAPSHOT_NOT_A_DATABASE`; `SNAPSHOT_DAMAGED` where there is no valid meta page, or the file is
 *   shorter than it says. Any other damage is a finding.
 */
export async function proveKeyspace(path: string, options: ProveOptions = {}): Promise<KeyspaceProof> {
  using file = openPageFile(path);
  const before = readBefore(file, options);
  const proof = await walk(file, before, { ...options, leaveOutSuperseded: true });
  if (proof.keyCount !== 0 || proof.leftOut === 0) return withoutCounter(proof);
  return withoutCounter(await walk(file, before, { ...options, leaveOutSuperseded: false }));
}

/** What a walk needs to know before it begins. */
interface Before {
  readonly facts: KeyspaceFacts;
  readonly compaction: CompactionState;
  readonly superseded: Superseded;
}

type Counted = KeyspaceProof & { readonly leftOut: number };

function withoutCounter({ leftOut: _, ...proof }: Counted): KeyspaceProof {
  return proof;
}

async function walk(
  file: PageFile,
  before: Before | AgentError,
  options: ProveOptions & { readonly leaveOutSuperseded: boolean },
): Promise<Counted> {
  const status = options.withStatus === true ? hashEverything(await createCrc32c()) : undefined;
  const crc = await createCrc32c();
  const progress = { bytes: 0 };
  let digest: KeyspaceDigest | undefined;
  const check = checkDatabase(file, (findings) => {
    if (!(before instanceof AgentError)) digest = digestOf(before, options, findings, crc);
    return {
      onBucket: (bucket) => status?.addBucket(bucket),
      onLeaf: (bucket, leaf) => {
        noteForeign(bucket, leaf, findings);
        status?.addLeaf(bucket, leaf);
        if (bucket.length === 1 && bucket[0] === 'key') digest?.addLeaf(leaf);
        report(progress, leaf, options.onBytes);
      },
    };
  });
  const { findings, pages, pagesInUse } = check;
  // What cannot be read is either damage that the walk finds too, or damage of what etcd keeps in sound pages.
  if (before instanceof AgentError && findings.count === 0)
    findings.add('entry', file.meta.rootPage, before.message);
  const seen = {
    findings: findings.first,
    findingCount: findings.count,
    sizeBytes: file.sizeBytes,
    pageSizeBytes: file.meta.pageSizeBytes,
    pages,
    pagesInUse,
    leftOut: digest?.leftOut ?? 0,
    ...(before instanceof AgentError ? {} : { facts: before.facts }),
  };
  if (findings.count > 0 || digest === undefined) return seen;
  return {
    ...seen,
    keyCount: digest.liveKeys,
    changeCount: digest.changes,
    tombstoneCount: digest.tombstones,
    hashKv: digest.finish(),
    ...(status === undefined ? {} : { status: status.finish() }),
  };
}

function digestOf(
  { facts, compaction, superseded }: Before,
  options: ProveOptions & { readonly leaveOutSuperseded: boolean },
  findings: Findings,
  crc: Awaited<ReturnType<typeof createCrc32c>>,
): KeyspaceDigest {
  return new KeyspaceDigest({
    crc,
    findings,
    superseded,
    compaction,
    revision: options.revision ?? facts.revision,
    leaveOutSuperseded: options.leaveOutSuperseded,
  });
}

/** etcd keeps nothing beside its buckets, and no bucket within one of them. */
function noteForeign(bucket: readonly string[], leaf: TreePage, findings: Findings): void {
  const shouldBeBucket = bucket.length === 0;
  for (let index = 0; index < leaf.count; index += 1) {
    if (leaf.isBucket(index) === shouldBeBucket) continue;
    const found = shouldBeBucket
      ? 'is no bucket'
      : `is a bucket within the bucket ${JSON.stringify(bucket.join('/'))}`;
    findings.add('entry', leaf.id, `element ${index} ${found}`);
  }
}

function report(progress: { bytes: number }, leaf: TreePage, onBytes: OnBytes | undefined): void {
  progress.bytes += leaf.sizeBytes;
  onBytes?.(progress.bytes);
}

/** Or the damage that keeps it from being read. */
function readBefore(file: PageFile, { revision }: ProveOptions): Before | AgentError {
  try {
    const facts = readKeyspaceFacts(file);
    const compaction = readCompactionState(etcdBucket(file, 'meta'));
    const keys = etcdBucket(file, 'key');
    return { facts, compaction, superseded: findSuperseded(keys, compaction, revision ?? facts.revision) };
  } catch (error) {
    if (error instanceof AgentError && error.code === 'SNAPSHOT_DAMAGED') return error;
    throw error;
  }
}
