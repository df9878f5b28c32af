import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { typed } from '../../support/command-line.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const CONFIG = `
agent: {name: h1}
etcd: {memberName: m1, endpoint: 'http://127.0.0.1:2379', peerUrls: ['http://10.0.0.1:2380'], dataDir: /var/lib/etcd}
supervisor: {kind: systemd}
snapshots:
  schedule:
    cron: '0 0 30 2 *'
`;

test('`config check` refuses a schedule that is well-formed and never due, with its place', async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, 'c.yaml');
  await writeFile(file, CONFIG);
  const { exitCode, stderr, stdout } = await typed(['config', 'check', '--config', file]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(/^error CONFIG_INVALID: .*c\.yaml:7:11 snapshots\.schedule\.cron: .*impossible/);

  await writeFile(file, CONFIG.replace('30 2', '28 2'));
  expect(await typed(['config', 'check', '--config', file])).toMatchObject({ exitCode: 0, stderr: '' });
});
