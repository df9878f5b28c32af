import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyValue } from '../../../src/etcd/generated/mvccpb/kv.ts';
import { parseKeyValue } from '../../../src/mvcc/key-value.ts';

const revision = fc.maxSafeNat().map(BigInt);

const keyValue = fc.record({
  key: fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  createRevision: revision,
  modRevision: revision,
  version: revision,
  value: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  lease: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
});

function encode(message: Parameters<typeof KeyValue.encode>[0]): Buffer {
  return Buffer.from(KeyValue.encode(message).finish());
}

test('an entry is read as the generated decoder reads it, wherever it lies', () => {
  fc.assert(
    fc.property(keyValue, fc.nat({ max: 20 }), (message, before) => {
      const encoded = encode(message);
      const bytes = Buffer.concat([Buffer.alloc(before, 0xff), encoded, Buffer.alloc(7, 0xff)]);

      const head = parseKeyValue(bytes, before, before + encoded.length);

      expect(head).toMatchObject({ lease: message.lease });
      expect([head?.createRevision, head?.modRevision, head?.version]).toEqual(
        [message.createRevision, message.modRevision, message.version].map(Number),
      );
      expect(bytes.subarray(head?.keyStart, head?.keyEnd)).toEqual(message.key);
      expect(bytes.subarray(head?.valueStart, head?.valueEnd)).toEqual(message.value);
    }),
  );
});

test('a tombstone has a key alone', () => {
  expect(parseKeyValue(Buffer.from('0a0161', 'hex'))).toEqual({
    keyStart: 2,
    keyEnd: 3,
    valueStart: 0,
    valueEnd: 0,
    createRevision: 0,
    modRevision: 0,
    version: 0,
    lease: 0n,
  });
});

test.each([
  ['380a', 'a number'],
  ['3a0161', 'bytes'],
  ['390102030405060708', '64 bits'],
  ['3d01020304', '32 bits'],
  ['80fe0301', 'a number under a long tag'],
])('a field that a newer etcd adds is skipped: %s, %s', (hex) => {
  expect(parseKeyValue(Buffer.from(`${hex}0a0161${hex}`, 'hex'))).toMatchObject({ version: 0, lease: 0n });
  expect(parseKeyValue(Buffer.from(`${hex}0a0161${hex}`.slice(0, -2), 'hex'))).toBeUndefined();
});

test.each([
  ['', 'nothing'],
  ['2001', 'no key'],
  ['0a00', 'an empty key'],
  ['0a0261', 'a key that goes beyond the end'],
  ['0aff', 'a length without an end'],
  ['0affffffffffffffffff7f61', 'a length beyond any file'],
  ['0a016120ffffffffffffffffffff01', 'a number of eleven bytes'],
  ['0a016120ffffffffffffffff7f', 'a version beyond exact counting'],
  ['0a016118ffffffffffffffffff01', 'a negative revision'],
  ['080161', 'a key that is a number'],
  ['0a01612a', 'a value without a length'],
  ['0a01612801', 'a value that is a number'],
  ['0a01612201ff', 'a version that is bytes'],
  ['0a0161210000000000000000', 'a version of fixed width'],
  ['0a016107', 'a field of number 0 and an unknown type'],
  ['0a01613b', 'a group'],
  ['0a016100', 'a field of number 0'],
  ['0a0161ffffffffff0100', 'a tag beyond 32 bits'],
])('%s is no entry: %s', (hex) => {
  expect(parseKeyValue(Buffer.from(hex, 'hex'))).toBeUndefined();
});

test('no bytes at all crash it, and what it finds lies inside them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (array) => {
      const bytes = Buffer.from(array);
      const head = parseKeyValue(bytes);
      for (const at of head === undefined
        ? []
        : [head.keyStart, head.keyEnd, head.valueStart, head.valueEnd]) {
        expect(at).toBeGreaterThanOrEqual(0);
        expect(at).toBeLessThanOrEqual(bytes.length);
      }
    }),
    { numRuns: 2000 },
  );
});
