import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lastLogLines, logSizeBytes, rotateLog } from '../../../src/supervisor/log-file.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

test('the last lines of a large log are whole lines', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'etcd.log');
  const lines = Array.from({ length: 5000 }, (_, index) => `line ${index} ${'x'.repeat(4000)}`);
  await writeFile(path, lines.join('\n') + '\n');
  const tail = (await lastLogLines(path)).split('\n');
  expect(tail.length).toBeGreaterThan(10);
  expect(tail).toEqual(lines.slice(-tail.length));
});

test('lines from before the start in question are left out, the first line after it is not', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'etcd.log');
  expect(await lastLogLines(path)).toBe('');
  await writeFile(path, 'old\n');
  const fromByte = await logSizeBytes(path);
  expect(await lastLogLines(path, fromByte)).toBe('');
  await writeFile(path, 'first\nsecond\n', { flag: 'a' });
  expect(await lastLogLines(path, fromByte)).toBe('first\nsecond');
});

test('a log is put aside only when it grew too large', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'etcd.log');
  await rotateLog(path, 3);
  await writeFile(path, 'abc');
  await rotateLog(path, 3);
  expect(await readdir(directory.path)).toEqual(['etcd.log']);
  await writeFile(path, 'abcd');
  await rotateLog(path, 3);
  expect(await readdir(directory.path)).toEqual(['etcd.log.1']);
  expect(await readFile(`${path}.1`, 'utf8')).toBe('abcd');
});
