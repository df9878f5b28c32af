import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TrailerHash } from '../../../src/snapshot/trailer-hash.ts';

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

test('however a file is cut into pieces, the verdict is that of the whole', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }),
      fc.boolean(),
      (pieces, sound) => {
        const body = Buffer.concat(pieces);
        const trailer = sound ? sha256(body) : sha256(Buffer.concat([body, Buffer.from('x')]));
        const hash = new TrailerHash();
        for (const piece of [...pieces, trailer.subarray(0, 5), trailer.subarray(5)]) {
          // The caller's buffer is reused at once: nothing of it may be held.
          const reused = Buffer.from(piece);
          hash.update(reused);
          reused.fill(0xee);
        }
        expect(hash.finish()).toEqual({
          sizeBytes: body.length + 32,
          sha256: sha256(Buffer.concat([body, trailer])).toString('hex'),
          hasTrailerSize: body.length % 512 === 0,
          trailerFits: sound,
          bodySha256: sha256(body).toString('hex'),
          trailer: trailer.toString('hex'),
        });
      },
    ),
  );
});

test('a file shorter than a trailer has none', () => {
  const hash = new TrailerHash();
  hash.update(Buffer.from('short'));

  expect(hash.finish()).toMatchObject({ sizeBytes: 5, hasTrailerSize: false, trailerFits: false });
});
