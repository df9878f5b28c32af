import { expect, test } from 'vitest';
import { fileIdOf, filePath, judgeRange } from '../../../src/mesh/file-request.ts';

const FILE = { sizeBytes: 100, sha256: 'ab' };

test('an id comes back from the path that was made of it', () => {
  expect(fileIdOf(filePath('2026-01-01T00-00Z_m1.db'))).toBe('2026-01-01T00-00Z_m1.db');
});

test.each([
  '/v1/files/..',
  '/v1/files/a/b',
  '/v1/files/%2e',
  '/v1/files/a?b',
  '/v1/files/',
  '/v1/file/a',
  '',
  '/v1/files/a\n',
])('%j is no path of a file', (target) => {
  expect(fileIdOf(target)).toBeUndefined();
});

test.each([
  [{}, { status: 200, firstByte: 0 }],
  [{ range: 'bytes=0-' }, { status: 206, firstByte: 0 }],
  [{ range: 'bytes=99-' }, { status: 206, firstByte: 99 }],
  [{ range: 'bytes=100-' }, { status: 416 }],
  [{ range: 'bytes=999999999999999-' }, { status: 416 }],
  [{ range: 'bytes=1-5' }, { status: 200, firstByte: 0 }],
  [{ range: 'bytes=-5' }, { status: 200, firstByte: 0 }],
  [
    { 'if-match': '"ab"', range: 'bytes=3-' },
    { status: 206, firstByte: 3 },
  ],
  [{ 'if-match': '*' }, { status: 200, firstByte: 0 }],
  [{ 'if-match': '"cd"', range: 'bytes=3-' }, { status: 412 }],
  [{ 'if-match': 'ab' }, { status: 412 }],
])('a request with %o is answered with %o', (headers, answer) => {
  expect(judgeRange(headers, FILE)).toEqual(answer);
});
