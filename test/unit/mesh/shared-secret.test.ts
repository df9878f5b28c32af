import { expect, test } from 'vitest';
import { isProof, newNonce, prove } from '../../../src/mesh/shared-secret.ts';

const SECRET = Buffer.from('sixteen bytes ok');
const TRANSCRIPT = {
  dialler: 'a',
  acceptor: 'b',
  diallerNonce: '1'.repeat(64),
  acceptorNonce: '2'.repeat(64),
};

test('a proof is accepted from who has the secret, in its own role, for this greeting only', () => {
  const proof = prove(SECRET, 'dialler', TRANSCRIPT);
  expect(isProof(proof, prove(SECRET, 'dialler', TRANSCRIPT))).toBe(true);

  const others = [
    prove(SECRET, 'acceptor', TRANSCRIPT),
    prove(Buffer.from('another 16 bytes'), 'dialler', TRANSCRIPT),
    prove(SECRET, 'dialler', { ...TRANSCRIPT, dialler: 'c' }),
    prove(SECRET, 'dialler', { ...TRANSCRIPT, acceptor: 'c' }),
    prove(SECRET, 'dialler', { ...TRANSCRIPT, diallerNonce: newNonce() }),
    prove(SECRET, 'dialler', { ...TRANSCRIPT, acceptorNonce: newNonce() }),
    // Both names and nonces exchanged: the same words in another order.
    prove(SECRET, 'dialler', {
      dialler: 'b',
      acceptor: 'a',
      diallerNonce: '2'.repeat(64),
      acceptorNonce: '1'.repeat(64),
    }),
  ];
  for (const other of others) expect(isProof(proof, other)).toBe(false);
});

test.each([undefined, '', 'short', 'x'.repeat(65)])('the word %j is no proof', (word) => {
  expect(isProof(word, prove(SECRET, 'dialler', TRANSCRIPT))).toBe(false);
});

test('names cannot run into each other', () => {
  const one = prove(SECRET, 'dialler', { ...TRANSCRIPT, dialler: 'a","b', acceptor: 'c' });
  const other = prove(SECRET, 'dialler', { ...TRANSCRIPT, dialler: 'a', acceptor: 'b","c' });
  expect(one).not.toBe(other);
});
