// Makes a fresh machine ready for the demo, the tests and the benchmarks: dependencies, etcd, a build.
// Plain JavaScript without imports of ours: it runs before anything is installed.
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const quiet = process.argv.includes('--quiet');

/** Only what takes long is said, and on a machine that is ready nothing is. */
function say(text) {
  console.error(text);
}

function run(file, args, options = {}) {
  try {
    execFileSync(file, args, { cwd: root, stdio: quiet ? 'pipe' : 'inherit', ...options });
  } catch (error) {
    throw new Error([error.message, error.stdout, error.stderr].filter(Boolean).join('\n'), { cause: error });
  }
}

/** Newer than what it is made of? */
function isCurrent(target, sources) {
  if (!existsSync(target)) return false;
  const made = statSync(target).mtimeMs;
  return sources.every((source) => newestIn(source) <= made);
}

function newestIn(path) {
  const own = statSync(path);
  if (!own.isDirectory()) return own.mtimeMs;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestIn(join(path, name))), 0);
}

function installDependencies() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (isCurrent(installed, [join(root, 'package-lock.json')])) return;
  say('installing dependencies (npm ci)');
  run('npm', ['ci', '--no-audit', '--no-fund']);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Debian's packages, unpacked and not installed: installing etcd-server would start a service. */
function provideEtcd() {
  if (process.env.LIFEBOAT_ETCD_BIN !== undefined) return;
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'etcd-lifeboat', 'etcd-debian');
  const directories = [...(process.env.PATH ?? '').split(delimiter), join(cache, 'usr', 'bin')];
  const has = (name) => directories.some((directory) => isExecutable(join(directory, name)));
  if (has('etcd') && (has('etcdctl') || has('etcdutl'))) return;
  say(`etcd is not installed: unpacking Debian's packages into ${cache}`);
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  try {
    downloadPackages(cache);
  } catch {
    // The package lists of a new machine are often empty.
    run('apt-get', ['update', '-qq']);
    downloadPackages(cache);
  }
  for (const name of readdirSync(cache).filter((entry) => entry.endsWith('.deb'))) {
    run('dpkg-deb', ['-x', join(cache, name), cache]);
    rmSync(join(cache, name));
  }
  if (!has('etcd'))
    throw new Error('etcd is neither installed nor could it be fetched: install etcd 3.4 or newer');
}

function downloadPackages(cache) {
  // As another user apt-get warns that its sandbox user cannot write here; the download works all the same.
  run('apt-get', ['download', 'etcd-server', 'etcd-client'], { cwd: cache });
}

function build() {
  const sources = ['src', 'packaging', 'package.json', 'tsconfig.json'].map((name) => join(root, name));
  if (isCurrent(join(root, 'dist', 'main.js'), sources)) return;
  say('building (npm run build)');
  run('npm', ['run', '--silent', 'build']);
}

try {
  installDependencies();
  provideEtcd();
  build();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
