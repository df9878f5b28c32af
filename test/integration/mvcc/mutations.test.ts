import { randomInt } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import { findBucket, rootBucket } from '../../../src/bbolt/bucket.ts';
import { entries } from '../../../src/bbolt/cursor.ts';
import { openPageFile } from '../../../src/bbolt/page-file.ts';
import { proveKeyspace, type KeyspaceProof } from '../../../src/mvcc/prove-keyspace.ts';
import { snapshotStatus } from '../../support/restore-snapshot.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const FIXTURE = join(import.meta.dirname, '..', '..', 'fixtures', 'etcd-3.6.16', 'copied.db.gz');
const CHANGES = 20_000;
const TOOL_CHANGES = 200;
const PAGE_BYTES = 4096;
const REFUSALS = ['SNAPSHOT_DAMAGED', 'SNAPSHOT_NOT_A_DATABASE'];

/** Names of buckets, and every key and value of them, in order. */
function contentOf(path: string): string {
  using file = openPageFile(path);
  const root = rootBucket(file);
  return [...entries(root)]
    .flatMap(({ key: name }) => {
      const bucket = findBucket(root, name.toString('latin1'));
      const inside = bucket === undefined ? [] : [...entries(bucket)];
      return [name, ...inside.flatMap(({ key, value }) => [key, value])];
    })
    .map((bytes) => bytes.toString('hex'))
    .join(' ');
}

async function proofOf(path: string): Promise<KeyspaceProof | string> {
  try {
    return await proveKeyspace(path, { withStatus: true });
  } catch (error) {
    return error instanceof AgentError ? error.code : String(error);
  }
}

type Outcome = 'refused' | 'found' | 'by HashKV' | 'by hash' | 'no content' | 'missed';

/**
 * What tells that a byte was changed. No structure can tell that a key or value has another byte, or that a page is referred to that
 * was part of an older state: there the hashes do, and beside them the trailer, and the SHA-256 of the manifest.
 */
async function outcomeOf(path: string, sound: KeyspaceProof, content: string): Promise<Outcome> {
  const proof = await proofOf(path);
  if (typeof proof === 'string') return REFUSALS.includes(proof) ? 'refused' : 'missed';
  if (proof.findingCount > 0) return 'found';
  // HashKV is of the keyspace alone, and leaves out what a later change took the place of.
  const told = hashThatDiffers(proof, sound) ?? 'no content';
  return (contentOf(path) !== content) === (told !== 'no content') ? told : 'missed';
}

function hashThatDiffers(proof: KeyspaceProof, sound: KeyspaceProof): Outcome | undefined {
  if (proof.hashKv?.hash !== sound.hashKv?.hash) return 'by HashKV';
  return proof.status?.hash === sound.status?.hash ? undefined : 'by hash';
}

test(`of ${CHANGES} changed bytes none crashes the proof, and every one that changes what the file holds is told`, async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'db');
  const original = gunzipSync(readFileSync(FIXTURE));
  writeFileSync(path, original);
  const content = contentOf(path);
  const sound = await proveKeyspace(path, { withStatus: true });
  const seed = randomInt(2 ** 31);
  const change = fc.tuple(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 }));
  const seen = new Map<Outcome, string[]>();
  const file = openSync(path, 'r+');
  try {
    for (const [at, mask] of fc.sample(change, { numRuns: CHANGES, seed })) {
      writeSync(file, Uint8Array.of((original[at] ?? 0) ^ mask), 0, 1, at);
      const outcome = await outcomeOf(path, sound, content);
      seen.set(outcome, (seen.get(outcome) ?? []).concat(`byte ${at} ^ ${mask}`));
      writeSync(file, original, at, 1, at);
    }
  } finally {
    closeSync(file);
  }
  expect({ seed, missed: seen.get('missed') }).toEqual({ seed, missed: undefined });
  for (const outcome of ['found', 'by HashKV', 'by hash', 'no content'] as const) {
    expect(seen.get(outcome)?.length ?? 0).toBeGreaterThan(100);
  }
  expect(await proveKeyspace(path, { withStatus: true })).toEqual(sound);
}, 180_000);

test('what etcd’s own tool refuses, the proof refuses', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'db');
  const original = gunzipSync(readFileSync(FIXTURE));
  const pages = Array.from(
    { length: Math.floor(original.length / PAGE_BYTES) },
    (_, page) => page * PAGE_BYTES,
  );
  // Where headers and elements are: elsewhere the tool finds nothing.
  const where = fc.tuple(fc.constantFrom(...pages), fc.nat(120)).map(([page, offset]) => page + offset);
  let refusals = 0;
  for (const [at, mask] of fc.sample(fc.tuple(where, fc.integer({ min: 1, max: 255 })), TOOL_CHANGES)) {
    const bytes = Buffer.from(original);
    bytes.writeUInt8(bytes.readUInt8(at) ^ mask, at);
    writeFileSync(path, bytes);
    if (await isAcceptedByTool(path)) continue;
    refusals += 1;
    const proof = await proofOf(path);
    expect({ at, mask, isRefused: typeof proof === 'string' || proof.findingCount > 0 }).toEqual({
      at,
      mask,
      isRefused: true,
    });
  }
  expect(refusals).toBeGreaterThan(TOOL_CHANGES / 20);
}, 180_000);

/** A tool that does not come to an end accepts nothing: older ones follow a loop of pages for ever. */
async function isAcceptedByTool(path: string): Promise<boolean> {
  try {
    await snapshotStatus(path, { timeoutMs: 3000 });
    return true;
  } catch {
    return false;
  }
}
