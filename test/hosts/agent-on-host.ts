import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { deb } from '../package/package-files.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { onAll, type HostScene } from './host-scene.ts';
import { PATIENT, type Host } from './host.ts';
import { DATA_DIR } from './operator-files.ts';

/** What `npm run package` made. */
export function builtPackage(): string {
  const path = deb(process.arch === 'arm64' ? 'arm64' : 'amd64');
  if (!existsSync(path)) throw new Error(`${path} is not there: npm run test:hosts makes it`);
  return path;
}

/** The package, and twice the same with a higher version, as paths on the hosts. */
export async function offerPackages({
  lab,
}: Pick<HostScene, 'lab'>): Promise<readonly [string, string, string]> {
  const built = builtPackage();
  await copyFile(built, join(lab.packages, basename(built)));
  const newer = await withVersionSuffix(built, '+newer', lab.packages);
  const newest = await withVersionSuffix(built, '+newest', lab.packages);
  const [first = '', second = '', third = ''] = [built, newer, newest].map((file) =>
    join('/srv/packages', basename(file)),
  );
  return [first, second, third];
}

async function withVersionSuffix(file: string, suffix: string, directory: string): Promise<string> {
  const target = join(directory, `${basename(file, '.deb')}${suffix}.deb`);
  await using scratch = await temporaryDirectory();
  await execa('dpkg-deb', ['--raw-extract', file, scratch.path]);
  const control = join(scratch.path, 'DEBIAN/control');
  const text = await readFile(control, 'utf8');
  await writeFile(control, text.replace(/^Version: .*$/m, `$&${suffix}`));
  await execa('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z1', '--build', scratch.path, target]);
  return target;
}

/** `dpkg -i` on every host. */
export async function installAgents(scene: HostScene, path: string): Promise<void> {
  await onAll(scene, (host) => host.run('dpkg', '-i', path));
}

/** Kills the agent without a word, and waits until systemd has started it again and it serves. */
export async function killAgent(host: Host): Promise<void> {
  const pid = await host.unit('lifeboat', 'MainPID');
  await host.run('kill', '-KILL', pid);
  await expect
    .poll(async () => {
      const status = await host.ask('status', {}).catch(() => undefined);
      return status !== undefined && String(status.pid) !== pid;
    }, PATIENT)
    .toBe(true);
}

/** What the end of a restore tells the operator to remove. */
export async function removeSetAside(scene: HostScene): Promise<void> {
  await onAll(scene, async (host) => {
    const entries = (await readdir(host.path(DATA_DIR))).filter((name) => name.startsWith('member.'));
    if (entries.length > 0) await host.run('rm', '-rf', '--', ...entries.map((name) => join(DATA_DIR, name)));
  });
}

export async function mainPids(host: Host): Promise<{ agent: string; etcd: string }> {
  return { agent: await host.unit('lifeboat', 'MainPID'), etcd: await host.unit('etcd', 'MainPID') };
}
