import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { deb, tarball } from './package-files.ts';

async function sha256(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

test('another run, with another umask and another scratch directory, gives the same bytes', async () => {
  await using directory = await temporaryDirectory();
  const scratch = join(directory.path, 'scratch');
  await mkdir(scratch);
  const command = `umask 077; npm run --silent package -- --arch x64 --out ${directory.path}/again`;
  await execa('sh', ['-c', command], { env: { TMPDIR: scratch, TZ: 'Asia/Tokyo', LC_ALL: 'C.UTF-8' } });
  expect(await sha256(deb('amd64', join(directory.path, 'again')))).toBe(await sha256(deb()));
  expect(await sha256(tarball('x64', join(directory.path, 'again')))).toBe(await sha256(tarball()));
});
