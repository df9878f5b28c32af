import { execa, execaSync } from 'execa';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const UNIT = new URL('../../../systemd/lifeboat.service', import.meta.url);
const canVerify = !execaSync('systemd-analyze', ['--version'], { reject: false }).failed;

test.skipIf(!canVerify)('systemd accepts the unit without a word (needs systemd-analyze)', async () => {
  await using directory = await temporaryDirectory();
  expect(await verify(directory.path, (text) => text)).toEqual({ exitCode: 0, complaints: [] });
});

test.skipIf(!canVerify)(
  'systemd would complain about a key that it does not know (needs systemd-analyze)',
  async () => {
    await using directory = await temporaryDirectory();
    const { complaints } = await verify(directory.path, (text) =>
      text.replace('WatchdogSec=', 'WatchdogSecs='),
    );
    expect(complaints.join('\n')).toContain('WatchdogSecs');
  },
);

test('the unit leaves etcd alone when the agent ends, and stops it in time', async () => {
  const keys = Object.fromEntries(
    (await readFile(UNIT, 'utf8'))
      .split('\n')
      .filter((line) => /^[A-Z][A-Za-z]*=/.test(line))
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  ) as Record<string, string>;
  expect(keys).toMatchObject({
    Type: 'notify',
    NotifyAccess: 'all',
    KillMode: 'process',
    WatchdogSec: '2min',
  });
  // The default `supervisor.stopTimeoutSeconds`, which an orderly stop may wait for.
  expect(Number(keys['TimeoutStopSec'])).toBeGreaterThan(90);
});

/** The program is not installed where tests run: that alone is replaced. */
async function verify(
  directory: string,
  change: (text: string) => string,
): Promise<{ exitCode: number | undefined; complaints: string[] }> {
  const path = join(directory, 'lifeboat.service');
  const text = (await readFile(UNIT, 'utf8')).replace('/usr/bin/lifeboat', '/bin/true');
  await writeFile(path, change(text));
  const { exitCode, stderr } = await execa('systemd-analyze', ['verify', '--man=no', path], {
    reject: false,
  });
  return { exitCode, complaints: stderr.split('\n').filter((line) => line.includes(path)) };
}
