import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ERROR_CODES } from '../../../src/base/error-codes.ts';
import { configKeys } from '../../support/config-keys.ts';
import { errorGroups, generatedDocuments } from '../../support/documents.ts';

const CODES = new URL('../../../src/base/error-codes.ts', import.meta.url);

test('the generated documents are what the source says (`npm run docs` brings them up to date)', async () => {
  for (const { file, text } of await generatedDocuments()) {
    expect(await readFile(file, 'utf8')).toBe(text);
  }
});

test('every error code stands in exactly one group', async () => {
  const listed = errorGroups(await readFile(CODES, 'utf8')).flatMap(({ codes }) => codes);
  expect(listed.toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
});

test('every key of the configuration says what it means', () => {
  const silent = configKeys().filter(({ description }) => !/^\S.*[.]$/.test(description));
  expect(silent.map(({ path }) => path)).toEqual([]);
});
