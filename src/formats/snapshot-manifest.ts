import { z } from 'zod';

/**
 * What is known of one snapshot, kept as `manifest.json` beside the file. On disk it is strict: an unknown
 * key, or a version that this build does not write, is damage to a reader and never guessed around.
 */
export const MANIFEST_VERSION = 1;

/**
 * `20261123T143000Z-<agent>-r<revision>-<6 hex>`: sorts by time, unique over hosts, safe as a file name. The
 * fixed head and tail keep names such as `incoming` or `….removing` from ever being an ID.
 */
const SNAPSHOT_ID = /^\d{8}T\d{6}Z-[0-9A-Za-z.-]{1,64}-r\d{1,16}-[0-9a-f]{6}$/;

/** How much was proved: see docs/architecture.md. `failed` means that a proof was tried and the file lost. */
export const GRADES = ['raw', 'hashed', 'booted', 'failed'] as const;
export type Grade = (typeof GRADES)[number];

const count = z.int().nonnegative();
const hexId = z.string().regex(/^[0-9a-f]{16}$/, 'must be 16 lower-case hex digits');
const timestamp = z.iso.datetime();

const proof = z.strictObject({
  grade: z.enum(GRADES),
  at: timestamp,
  /** How it was proved, in words. */
  by: z.string().exactOptional(),
  /** The bytes were right, and what they hold was found wrong: it holds for every copy of them. */
  ofContent: z.literal(true).exactOptional(),
});
export type SnapshotProof = z.infer<typeof proof>;

export const snapshotManifest = z.strictObject({
  version: z.literal(MANIFEST_VERSION),
  id: z.string().regex(SNAPSHOT_ID, 'is not a snapshot ID'),
  kind: z.enum(['streamed', 'copied', 'imported']),
  /** True when the file ends in etcd's SHA-256 of all the bytes before it; a restore can then check it. */
  hasTrailer: z.boolean(),
  grade: z.enum(GRADES),
  /** The newest proof of each grade and manner. */
  proofs: z.array(proof),
  /** Of the whole file, trailer included. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits'),
  sizeBytes: count,
  revision: count,
  compactRevision: z.int().exactOptional(),
  consistentIndex: count.exactOptional(),
  /** Of a copy: how many entries of the member's raft log came after `consistentIndex`, when it was copied. */
  walEntriesNewer: count.exactOptional(),
  /** Live keys at `revision`. */
  keyCount: count.exactOptional(),
  /** Of all entries up to `revision`, as a member that serves this state answers it. */
  hashKv: z
    .strictObject({ hash: count.max(0xffff_ffff), revision: count, compactRevision: z.int() })
    .exactOptional(),
  alarms: z.array(z.strictObject({ memberId: hexId, alarm: z.string() })),
  leaseCount: count.exactOptional(),
  authEnabled: z.boolean().exactOptional(),
  clusterId: hexId.exactOptional(),
  memberId: hexId.exactOptional(),
  memberName: z.string().exactOptional(),
  etcdVersion: z.string().exactOptional(),
  /** What the file itself says of the etcd that wrote it: from 3.6 on, and what the members had agreed on. */
  storageVersion: z.string().exactOptional(),
  clusterVersion: z.string().exactOptional(),
  takenAt: timestamp,
  durationMs: z.number().nonnegative().exactOptional(),
  /** The agent that took it; a copy fetched from a peer keeps the taker's name. */
  agent: z.string(),
  method: z.enum(['stream', 'pinned-copy', 'plain-copy', 'offline-copy', 'import']),
  /** True when the file shares its blocks with the database that it was copied from. */
  reflinked: z.boolean().exactOptional(),
  trigger: z.enum(['schedule', 'manual', 'restore', 'import']),
  note: z.string().exactOptional(),
});

export type SnapshotManifest = z.infer<typeof snapshotManifest>;
export type SnapshotTrigger = SnapshotManifest['trigger'];

/** True for a name that may stand in a path: whatever comes from a peer or a person is asked first. */
export function isSnapshotId(word: string): boolean {
  return SNAPSHOT_ID.test(word);
}

export type ParsedManifest =
  | { readonly ok: true; readonly manifest: SnapshotManifest }
  | { readonly ok: false; readonly problem: string };

/** Reads a manifest's text; damage is a result, because a lister must go on to the next one. */
export function parseManifest(text: string): ParsedManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, problem: `the manifest is not JSON (${text.length} characters)` };
  }
  const parsed = snapshotManifest.safeParse(value);
  if (parsed.success) return { ok: true, manifest: parsed.data };
  const problems = parsed.error.issues.map(
    (issue) => `${issue.path.join('.') || 'manifest'}: ${issue.message}`,
  );
  return { ok: false, problem: problems.slice(0, 5).join('; ') };
}

/** The text that goes to disk: readable with `cat` in a disaster. Throws on a manifest that could not be read back. */
export function formatManifest(manifest: SnapshotManifest): string {
  return `${JSON.stringify(snapshotManifest.parse(manifest), undefined, 2)}\n`;
}
