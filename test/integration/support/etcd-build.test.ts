import { execa } from 'execa';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { pinnedReleases, type EtcdRelease } from '../../support/etcd-releases.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const BUILD = join(import.meta.dirname, '..', '..', 'support', 'etcd-build.ts');

/** `go build … -o FILE …` for the test: FILE tells the version in go.mod, as etcd and its tools do. */
const GO = `#!/bin/sh
[ "$1" = build ] || exit 0
echo "$*" >> "$CALLS"
if [ -n "$HANG_AT" ] && echo "$*" | grep -q "/$HANG_AT/v3"; then echo hanging; exec sleep 600; fi
while [ "$1" != -o ]; do shift; done
version=$(sed -n 's,.*etcd/server/v3 v\\([0-9.]*\\).*,\\1,p' go.mod)
printf '#!/bin/sh\\necho version %s\\n' "$version" > "$2"
chmod 755 "$2"
`;

function release(minor: string): EtcdRelease {
  const found = pinnedReleases().find((pinned) => pinned.minor === minor);
  if (found === undefined) throw new Error(`no release of ${minor} is pinned`);
  return found;
}

async function workshop() {
  const scratch = await temporaryDirectory();
  const programs = join(scratch.path, 'programs');
  const calls = join(scratch.path, 'calls');
  const cache = join(scratch.path, 'cache', 'etcd-lifeboat');
  await mkdir(programs);
  await writeFile(join(programs, 'go'), GO, { mode: 0o755 });
  await writeFile(calls, '');
  const start = (args: string[], env: Record<string, string> = {}) =>
    execa(process.execPath, ['--import', 'tsx', BUILD, ...args], {
      reject: false,
      // A group of its own, so that a kill takes the compiler too.
      detached: true,
      env: {
        PATH: `${programs}${delimiter}/usr/bin${delimiter}/bin`,
        XDG_CACHE_HOME: dirname(cache),
        CALLS: calls,
        ...env,
      },
    });
  return {
    start,
    cache,
    callCount: async () => (await readFile(calls, 'utf8')).split('\n').length - 1,
    [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
  };
}

test('each release is pinned to one patch release, with the hashes of all that it is built from', async () => {
  for (const { minor, version, moduleDirectory } of pinnedReleases()) {
    expect(version.startsWith(`${minor}.`)).toBe(true);
    const goSum = await readFile(join(moduleDirectory, 'go.sum'), 'utf8');
    for (const module of ['server', 'etcdctl', 'etcdutl'])
      expect(goSum).toContain(`go.etcd.io/etcd/${module}/v3 v${version} h1:`);
  }
});

test('a release is built once, and then found', async () => {
  await using shop = await workshop();
  const { version } = release('3.6');

  const first = await shop.start(['3.6']);
  const again = await shop.start(['3.6']);

  const line = `etcd ${version}  ${join(shop.cache, `etcd-${version}`, 'bin')}`;
  expect([first.exitCode, first.stdout]).toEqual([0, line]);
  expect([again.exitCode, again.stdout]).toEqual([0, line]);
  expect(await shop.callCount()).toBe(3);
  expect(await readdir(shop.cache)).toEqual([`etcd-${version}`]);
});

test('a build that is killed is not taken for a whole one, and the next one clears it away', async () => {
  await using shop = await workshop();
  const { version } = release('3.7');
  const killed = shop.start(['3.7'], { HANG_AT: 'etcdutl' });
  await expect.poll(shop.callCount, { timeout: 20_000 }).toBe(3);
  process.kill(-(killed.pid ?? 0), 'SIGKILL');
  await killed;
  const left = await readdir(shop.cache);

  const next = await shop.start(['3.7']);

  expect(left).toEqual([expect.stringMatching(/\.partial$/)]);
  expect(next.exitCode).toBe(0);
  expect(await shop.callCount()).toBe(6);
  expect(await readdir(shop.cache)).toEqual([`etcd-${version}`]);
});

test('what was built from other modules, or by other means, is replaced', async () => {
  await using shop = await workshop();
  const { version } = release('3.5');
  const bin = join(shop.cache, `etcd-${version}`, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'etcd'), 'half of it');

  const { exitCode } = await shop.start(['3.5']);

  expect(exitCode).toBe(0);
  expect(await readFile(join(bin, 'etcd'), 'utf8')).toContain(version);
  expect(await readdir(shop.cache)).toEqual([`etcd-${version}`]);
});

test('without Go, or for a release that is not pinned, it says so and builds nothing', async () => {
  await using shop = await workshop();

  const noGo = await shop.start([], { PATH: dirname(process.execPath) + '/absent' });
  const unknown = await shop.start(['3.4']);

  expect(noGo.exitCode).toBe(1);
  expect(noGo.stderr).toContain('no Go toolchain');
  expect(unknown.exitCode).toBe(1);
  expect(unknown.stderr).toContain('no release of etcd 3.4 is pinned: there are 3.5');
  expect(await shop.callCount()).toBe(0);
});
