import { execa, execaSync } from 'execa';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from './temporary-directory.ts';

/** A real systemd manager with its own journal, gone with its scope together with all that it started. */
export interface SystemdUser extends AsyncDisposable {
  /** Scratch space that goes with it. */
  readonly directory: string;
  /** In memory, as what is below `/run`. */
  readonly runtimeDir: string;
  /** Programs that speak to this manager and its journal as `systemctl` and `journalctl` do to the machine's. */
  readonly systemctl: string;
  readonly journalctl: string;
  /** Writes a unit file or drop-in (`etcd.service`, `etcd.service.d/hold.conf`) and loads it. */
  install(name: string, text: string): Promise<void>;
}

const SCRIPT = fileURLToPath(new URL('systemd-user.sh', import.meta.url));

/** Why `startSystemdUser` cannot work here, or `undefined` when it can. */
export function whyNoSystemdUser(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync('/lib/systemd/systemd')) return 'needs systemd';
  const attempt = execaSync('unshare', ['--mount', 'findmnt', '-nt', 'cgroup2', '-O', 'rw'], {
    reject: false,
  });
  return attempt.failed ? 'needs mount namespaces and a writable cgroup2 tree' : undefined;
}

export async function startSystemdUser(): Promise<SystemdUser> {
  const scratch = await temporaryDirectory();
  const memory = await temporaryDirectory('/dev/shm');
  const [directory, runtimeDir] = [scratch.path, memory.path];
  const manager = startScript(directory);
  const dispose = async (): Promise<void> => {
    manager.stdin.end();
    await manager;
    await scratch[Symbol.asyncDispose]();
    await memory[Symbol.asyncDispose]();
  };
  const systemctl = join(directory, 'systemctl');
  const journalctl = join(directory, 'journalctl');
  try {
    await untilReady(manager);
    const run = join(directory, 'run');
    await program(systemctl, `XDG_RUNTIME_DIR=${run} exec /usr/bin/systemctl --user "$@"`);
    await program(
      journalctl,
      `exec nsenter --mount --target $(cat ${directory}/namespace.pid) journalctl "\${@/#--unit=/--user-unit=}"`,
    );
  } catch (error) {
    await dispose();
    throw error;
  }
  const install = async (name: string, text: string): Promise<void> => {
    const path = join(directory, 'units/systemd/user', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    await execa(systemctl, ['daemon-reload']);
  };
  return { directory, runtimeDir, systemctl, journalctl, install, [Symbol.asyncDispose]: dispose };
}

function startScript(directory: string) {
  return execa('bash', [SCRIPT, directory], { stdin: 'pipe', reject: false });
}

async function untilReady(manager: ReturnType<typeof startScript>): Promise<void> {
  const ready = new Promise<string>((resolve) => {
    manager.stdout.on('data', (chunk: unknown) => {
      if (String(chunk).includes('ready')) resolve('ready');
    });
  });
  const outcome = await Promise.race([ready, manager]);
  if (outcome !== 'ready') throw new Error(`the user manager did not come up: ${JSON.stringify(outcome)}`);
}

async function program(path: string, line: string): Promise<void> {
  await writeFile(path, `#!/bin/bash\n${line}\n`, { mode: 0o755 });
}
