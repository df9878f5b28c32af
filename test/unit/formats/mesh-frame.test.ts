import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commonProtocol, decodeFrame, encodeFrame, type MeshFrame } from '../../../src/formats/mesh-frame.ts';

const NONCE = '0123456789abcdef'.repeat(4);

/** As release 0.1 wrote them: a later release must still read every line. */
const GOLDEN: readonly [string, MeshFrame][] = [
  [
    `{"kind":"hello","protocol":{"oldest":1,"newest":1},"agent":"m1","journalId":"j","release":"0.1.0","nonce":"${NONCE}"}`,
    {
      kind: 'hello',
      protocol: { oldest: 1, newest: 1 },
      agent: 'm1',
      journalId: 'j',
      release: '0.1.0',
      nonce: NONCE,
    },
  ],
  [`{"kind":"proof","proof":"${NONCE}"}`, { kind: 'proof', proof: NONCE }],
  ['{"kind":"welcome"}', { kind: 'welcome' }],
  [
    '{"kind":"request","id":1,"method":"status","params":{"deep":[1]},"timeoutMs":5}',
    { kind: 'request', id: 1, method: 'status', params: { deep: [1] }, timeoutMs: 5 },
  ],
  ['{"kind":"response","id":1,"result":null}', { kind: 'response', id: 1, result: null }],
  [
    '{"kind":"failure","id":1,"code":"NO_SPACE","message":"m","details":{"a":["b"],"c":1},"retryable":true}',
    { kind: 'failure', id: 1, code: 'NO_SPACE', message: 'm', details: { a: ['b'], c: 1 }, retryable: true },
  ],
  ['{"kind":"cancel","id":1}', { kind: 'cancel', id: 1 }],
];

test.each(GOLDEN)('the frame %s is read and written as it always was', (text, frame) => {
  expect(decodeFrame(text)).toEqual({ frame });
  expect(encodeFrame(frame)).toBe(text);
});

test('fields of a later release are skipped', () => {
  expect(decodeFrame('{"kind":"cancel","id":1,"why":"x"}')).toEqual({ frame: { kind: 'cancel', id: 1 } });
});

test('details that cannot be read do not cost the message', () => {
  const text = '{"kind":"failure","code":"X","message":"m","details":{"a":{"b":1}},"retryable":false}';
  expect(decodeFrame(text)).toMatchObject({ frame: { message: 'm', details: {} } });
});

test.each([
  ['{"kind":', { fault: 'not-json' }],
  ['null', { fault: 'unknown-kind', kind: '' }],
  ['[]', { fault: 'unknown-kind', kind: '' }],
  ['{"id":3}', { fault: 'unknown-kind', kind: '' }],
  ['{"kind":"gossip","id":3}', { fault: 'unknown-kind', kind: 'gossip', id: 3 }],
  ['{"kind":"gossip","id":"3"}', { fault: 'unknown-kind', kind: 'gossip' }],
  ['{"kind":"cancel","id":0}', { fault: 'invalid', kind: 'cancel' }],
  ['{"kind":"cancel","id":1.5}', { fault: 'invalid', kind: 'cancel' }],
  ['{"kind":"request","id":3,"method":"m","timeoutMs":1e300}', { fault: 'invalid', kind: 'request', id: 3 }],
  ['{"kind":"proof","proof":"AB"}', { fault: 'invalid', kind: 'proof' }],
])('%s is a fault that says whom to answer', (text, fault) => {
  expect(decodeFrame(text)).toMatchObject(fault);
});

test('a fault names the field', () => {
  const decoded = decodeFrame('{"kind":"request","id":3,"method":"","timeoutMs":5}');
  expect(decoded).toMatchObject({
    fault: 'invalid',
    problem: expect.stringContaining('request.method') as string,
  });
});

test('whatever text arrives, reading it never throws', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(decodeFrame(text)).toBeTypeOf('object');
    }),
  );
  expect(decodeFrame('['.repeat(200_000))).toMatchObject({ fault: 'not-json' });
  expect(decodeFrame(`{"kind":"response","id":1,"result":${'['.repeat(1e5)}${']'.repeat(1e5)}}`)).toBeTypeOf(
    'object',
  );
});

test('a name that JavaScript knows cannot be smuggled in', () => {
  const decoded = decodeFrame('{"kind":"welcome","__proto__":{"polluted":true}}');
  expect(decoded).toEqual({ frame: { kind: 'welcome' } });
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test.each([
  [{ oldest: 1, newest: 1 }, { oldest: 1, newest: 1 }, 1],
  [{ oldest: 1, newest: 2 }, { oldest: 2, newest: 3 }, 2],
  [{ oldest: 1, newest: 4 }, { oldest: 2, newest: 3 }, 3],
  [{ oldest: 1, newest: 1 }, { oldest: 2, newest: 3 }, undefined],
])('%o and %o have generation %s in common', (ours, theirs, common) => {
  expect(commonProtocol(ours, theirs)).toBe(common);
  expect(commonProtocol(theirs, ours)).toBe(common);
});
