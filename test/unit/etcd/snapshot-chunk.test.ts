import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import { SnapshotResponse } from '../../../src/etcd/generated/etcdserverpb/maintenance.ts';
import { decodeSnapshotChunk } from '../../../src/etcd/snapshot-chunk.ts';

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

const header = fc.record({
  clusterId: uint64,
  memberId: uint64,
  revision: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  raftTerm: uint64,
});

const response = fc.record({
  header: fc.option(header, { nil: undefined }),
  remainingBytes: fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) }),
  blob: fc.uint8Array({ maxLength: 5000 }).map((bytes) => Buffer.from(bytes)),
  version: fc.string(),
});

/** Fields of a later etcd: any number that is not ours, any wire type. */
const unknownField = fc
  .record({
    field: fc.integer({ min: 5, max: 2 ** 29 - 1 }),
    kind: fc.constantFrom(WireType.Varint, WireType.Bit64, WireType.LengthDelimited, WireType.Bit32),
    value: uint64,
    bytes: fc.uint8Array({ maxLength: 200 }),
  })
  .map(({ field, kind, value, bytes }) => {
    const writer = new BinaryWriter().tag(field, kind);
    if (kind === WireType.Varint) writer.uint64(value);
    else if (kind === WireType.Bit64) writer.fixed64(value);
    else if (kind === WireType.Bit32) writer.fixed32(Number(value % 2n ** 32n));
    else writer.bytes(bytes);
    return Buffer.from(writer.finish());
  });

function encode(message: SnapshotResponse): Buffer {
  return Buffer.from(SnapshotResponse.encode(message).finish());
}

test('what the generated encoder writes is read back, whatever unknown fields surround it', () => {
  fc.assert(
    fc.property(response, fc.array(unknownField), fc.array(unknownField), (message, before, after) => {
      const chunk = decodeSnapshotChunk(Buffer.concat([...before, encode(message), ...after]));
      expect(chunk.blob.equals(message.blob)).toBe(true);
      expect(chunk.remainingBytes).toBe(Number(message.remainingBytes));
    }),
  );
});

test('the blob is a view into the message', () => {
  const message = encode({ header: undefined, remainingBytes: 7n, blob: Buffer.from('pages'), version: '' });
  const { blob } = decodeSnapshotChunk(message);
  expect(blob.buffer).toBe(message.buffer);
});

test('an empty message is an empty chunk', () => {
  const chunk = decodeSnapshotChunk(Buffer.alloc(0));
  expect({ size: chunk.blob.length, remainingBytes: chunk.remainingBytes }).toEqual({
    size: 0,
    remainingBytes: 0,
  });
});

test('a message cut inside its blob is refused', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.nat({ max: 299 }), (size, cut) => {
      const whole = encode({ header: undefined, remainingBytes: 0n, blob: Buffer.alloc(size), version: '' });
      const kept = Math.max(1, whole.length - 1 - (cut % size));
      expect(() => decodeSnapshotChunk(whole.subarray(0, kept))).toThrow(AgentError);
    }),
  );
});

test('any bytes at all either decode within their bounds or are refused with a coded error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const message = Buffer.from(bytes);
      const outcome = decodeOrError(message);
      expect(outcome instanceof AgentError ? outcome.code : 'decoded').toMatch(/^(ETCD_REFUSED|decoded)$/);
      const size = outcome instanceof AgentError ? 0 : outcome.blob.length;
      expect(size).toBeLessThanOrEqual(message.length);
    }),
    { numRuns: 1000 },
  );
});

test.for([
  ['a number of eleven bytes', [0x10, ...new Array<number>(10).fill(0xff), 0x01]],
  ['remaining bytes beyond exact counting', [0x10, ...new Array<number>(9).fill(0xff), 0x01]],
  ['a blob that is a number', [0x18, 0x01]],
  ['field number 0', [0x00, 0x00]],
  ['a group, which proto3 does not have', [0x2b]],
  ['a length far beyond the message', [0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f]],
] as const)('%s is refused', ([, bytes]) => {
  expect(() => decodeSnapshotChunk(Buffer.from(bytes))).toThrow(
    expect.objectContaining({
      code: 'ETCD_REFUSED',
      message: expect.stringContaining(`begins ${Buffer.from(bytes).toString('hex')}`) as string,
    }),
  );
});

function decodeOrError(message: Buffer): ReturnType<typeof decodeSnapshotChunk> | AgentError {
  try {
    return decodeSnapshotChunk(message);
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
}
