import { execa } from 'execa';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { tarball, deb } from './package-files.ts';

export interface HostResult {
  readonly exitCode?: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** This machine's root with nothing of Node in it, for one test to install things into. */
export interface OverlayHost extends AsyncDisposable {
  /** Runs a shell script as root. An exit status is a result. */
  run(script: string): Promise<HostResult>;
}

// Lives as long as the pipe of the test process that started it; the mounts go with its namespace.
const SETUP = `set -e
root=$1; shift
mount -t tmpfs -o size=1g tmpfs "$root"
mkdir "$root/upper" "$root/work" "$root/host"
mount -t overlay overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" "$root/host"
cd "$root/host"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mkdir srv/packages
cp "$@" srv/packages
for directory in usr/local/sbin usr/local/bin usr/sbin usr/bin; do rm -f "$directory/node" "$directory/nodejs"; done
# With it each installation would index all manual pages anew.
rm -f var/lib/man-db/auto-update
echo ready
exec cat`;

export async function overlayHost(): Promise<OverlayHost> {
  const directory = await temporaryDirectory();
  const root = join(directory.path, 'root');
  await mkdir(root);
  const keeper = execa(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', '-c', SETUP, 'sh', root, deb(), tarball()],
    { stdin: 'pipe', buffer: false, reject: false },
  );
  const lines = createInterface(keeper.stdout);
  const ended = keeper.then(({ stderr }) => {
    throw new Error(`the overlay could not be mounted: ${String(stderr)}`);
  });
  ended.catch(() => undefined);
  await Promise.race([once(lines, 'line'), ended]);
  const enter = ['--mount', '--target', String(keeper.pid ?? 0), 'chroot', join(root, 'host')];
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return {
    run: async (script) =>
      await execa('nsenter', [...enter, '/usr/bin/env', '-i', `PATH=${path}`, 'sh', '-c', script], {
        reject: false,
      }),
    [Symbol.asyncDispose]: async () => {
      keeper.stdin.end();
      await keeper;
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** Whether this test may mount things. */
export const mayMount =
  process.getuid?.() === 0 &&
  (await execa('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp'], { reject: false }))
    .exitCode === 0;
