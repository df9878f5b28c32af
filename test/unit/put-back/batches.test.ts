import { expect, test } from 'vitest';
import { batchesOf, requestBytes, REQUEST_LIMITS } from '../../../src/put-back/batches.ts';

async function sizesOf(bytes: readonly number[], limits = { items: 3, bytes: 100 }): Promise<number[][]> {
  const batches: number[][] = [];
  for await (const batch of batchesOf(bytes, (size) => size, limits)) batches.push(batch);
  return batches;
}

test('a batch ends before the operation that would be one too many', async () => {
  expect(await sizesOf([1, 2, 3, 4, 5, 6, 7])).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
});

test('a batch ends before the value that would make it too large, and may be filled to the last byte', async () => {
  expect(await sizesOf([60, 40, 1, 99, 1])).toEqual([[60, 40], [1, 99], [1]]);
});

test('a value larger than a batch goes alone', async () => {
  expect(await sizesOf([1, 500, 1])).toEqual([[1], [500], [1]]);
  expect(await sizesOf([500])).toEqual([[500]]);
});

test('nothing makes no batch', async () => {
  expect(await sizesOf([])).toEqual([]);
});

test('a full batch stays below a mebibyte, and a value of 1.2 MiB fits into a request of etcd', () => {
  expect(REQUEST_LIMITS.bytes).toBeLessThan(2 ** 20);
  expect(REQUEST_LIMITS.items).toBe(128);
  expect(requestBytes(100, 1.2 * 2 ** 20)).toBeLessThan(1.5 * 2 ** 20);
});
