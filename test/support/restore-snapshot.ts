import { execa } from 'execa';
import { join } from 'node:path';
import { etcdBinary, findEtcdBinary } from './etcd-binaries.ts';
import { startEtcd, type RunningEtcd } from './etcd-process.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** Makes a one-member data dir with etcd's own tool. The file is handed to it as it is. */
export async function restoreSnapshot(
  path: string,
  dataDir: string,
  options: { readonly skipHashCheck: boolean },
): Promise<void> {
  const tool = findEtcdBinary('etcdutl');
  const flags = ['--name', 'm1', '--data-dir', dataDir, '--initial-cluster', 'm1=http://127.0.0.1:1'];
  flags.push('--initial-advertise-peer-urls', 'http://127.0.0.1:1');
  if (options.skipHashCheck) flags.push('--skip-hash-check');
  await execa(tool ?? etcdBinary('etcdctl'), ['snapshot', 'restore', path, ...flags], {
    env: tool === undefined ? { ETCDCTL_API: '3' } : {},
  });
}

/** What etcd's own tool says of a snapshot file. */
export async function snapshotStatus(
  path: string,
  { timeoutMs = 0 }: { readonly timeoutMs?: number } = {},
): Promise<unknown> {
  const tool = findEtcdBinary('etcdutl');
  const { stdout } = await execa(tool ?? etcdBinary('etcdctl'), ['snapshot', 'status', path, '-w', 'json'], {
    env: tool === undefined ? { ETCDCTL_API: '3' } : {},
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  return JSON.parse(stdout);
}

/** A member that was restored from the file and serves it. */
export async function startRestored(
  path: string,
  options: { readonly skipHashCheck: boolean },
): Promise<RunningEtcd> {
  const directory = await temporaryDirectory();
  const dataDir = join(directory.path, 'etcd');
  await restoreSnapshot(path, dataDir, options);
  const etcd = await startEtcd({ dataDir });
  return {
    ...etcd,
    [Symbol.asyncDispose]: async () => {
      await etcd[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}
