import { execa, ExecaError } from 'execa';
import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { renameDurably, syncDirectory } from '../../src/base/durable-file.ts';
import { ETCD_PROGRAMS, isBuilt, pinnedReleases, programsOf, type EtcdRelease } from './etcd-releases.ts';

// `npm run etcd:build [-- 3.5 3.6 3.7]`: newer etcd than Debian's, built from the Go modules that etcd publishes.

const PARTIAL = '.partial';

/** Another module of etcd's holds each program. */
const PACKAGES = { etcd: 'server', etcdctl: 'etcdctl', etcdutl: 'etcdutl' } as const;

const USAGE = `npm run etcd:build [-- MINOR…]

Builds etcd, etcdctl and etcdutl of the pinned releases (${pinnedReleases()
  .map(({ version }) => version)
  .join(', ')}), or of those minor releases alone,
into the cache of the user. What is there already is not built again.
`;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** @throws {Error} that names what may be asked for. */
function chosenReleases(minors: readonly string[]): EtcdRelease[] {
  const releases = pinnedReleases();
  const unknown = minors.find((wanted) => !releases.some(({ minor }) => minor === wanted));
  if (unknown !== undefined) {
    const known = releases.map(({ minor }) => minor).join(', ');
    throw new Error(`no release of etcd ${unknown} is pinned: there are ${known}`);
  }
  return releases.filter(({ minor }) => minors.length === 0 || minors.includes(minor));
}

/** @throws {Error} that says what is needed, where there is no Go. */
async function requireGo(): Promise<void> {
  try {
    await execa('go', ['version']);
  } catch (error) {
    if (!(error instanceof ExecaError && error.code === 'ENOENT')) throw error;
    throw new Error(
      'there is no Go toolchain in PATH (`go`), and etcd is built by it. Install Go, or point LIFEBOAT_ETCD_BIN to a directory with etcd, etcdctl and etcdutl.',
      { cause: error },
    );
  }
}

/** Whole or absent: everything is made, synced and tried in a directory beside, which is then renamed. */
async function build(release: EtcdRelease): Promise<void> {
  const partial = `${release.directory}.${process.pid}${PARTIAL}`;
  await mkdir(join(partial, 'bin'), { recursive: true });
  try {
    for (const program of ETCD_PROGRAMS) await buildProgram(release, program, join(partial, 'bin', program));
    await writeFile(join(partial, 'pin'), release.pin, { flush: true });
    for (const directory of [join(partial, 'bin'), partial]) await syncDirectory(directory);
    await publish(partial, release);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function buildProgram(release: EtcdRelease, program: keyof typeof PACKAGES, to: string): Promise<void> {
  const source = `go.etcd.io/etcd/${PACKAGES[program]}/v3`;
  // Read-only: a module whose hash go.sum does not have, or has otherwise, ends the build.
  await execa('go', ['build', '-mod=readonly', '-trimpath', '-ldflags', '-s -w', '-o', to, source], {
    cwd: release.moduleDirectory,
    env: { CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-buildvcs=false' },
    stdout: 'inherit',
    stderr: 'inherit',
  });
  await using file = await open(to, 'r');
  await file.sync();
  const { stdout } = await execa(to, [program === 'etcd' ? '--version' : 'version']);
  if (!stdout.includes(release.version))
    throw new Error(`${program} was built as ${stdout}, not ${release.version}`);
}

async function publish(partial: string, release: EtcdRelease): Promise<void> {
  if (isBuilt(release)) return;
  const replaced = `${partial}.replaced${PARTIAL}`;
  try {
    await rename(release.directory, replaced);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  try {
    await renameDurably(partial, release.directory);
  } catch (error) {
    // Another build of the same was faster.
    if (!isBuilt(release)) throw error;
  }
  await rm(replaced, { recursive: true, force: true });
}

/** What a build that was killed has left. */
async function sweep(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const pid = /^etcd-.*\.(\d+)\.partial(\.replaced\.partial)?$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      await rm(join(cache, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(USAGE);
    return;
  }
  for (const release of chosenReleases(args)) {
    if (!isBuilt(release)) {
      await requireGo();
      await mkdir(dirname(release.directory), { recursive: true });
      await sweep(dirname(release.directory));
      say(`building etcd ${release.version} from its Go modules (a minute or so)`);
      await build(release);
    }
    process.stdout.write(`etcd ${release.version}  ${programsOf(release)}\n`);
  }
  say('To use one: LIFEBOAT_ETCD_BIN=<directory> npm test. All of them: npm run test:matrix.');
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
