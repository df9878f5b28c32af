import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exactNumber, idToHex, signedIdOf, unsignedIdOf } from '../../../src/etcd/wire-numbers.ts';

test('an ID has 16 lower-case digits and comes back as it was, signed or not', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (id) => {
      expect(idToHex(id)).toMatch(/^[0-9a-f]{16}$/);
      expect(unsignedIdOf(idToHex(id))).toBe(id);
      const signed = BigInt.asIntN(64, id);
      expect(signedIdOf(idToHex(signed))).toBe(signed);
    }),
  );
});

test.for(['', '0x1', '12345678901234567', 'g', '-1'])('"%s" is not an ID', (text) => {
  expect(() => unsignedIdOf(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});

test('a number beyond exact counting is refused and named', () => {
  expect(exactNumber(2n ** 53n - 1n, 'the revision')).toBe(Number.MAX_SAFE_INTEGER);
  expect(() => exactNumber(2n ** 53n, 'the revision')).toThrow('the revision is 9007199254740992');
});
