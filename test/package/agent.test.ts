import { execa } from 'execa';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { callAgent } from '../../src/cli/control-client.ts';
import { sha256Of } from '../support/damage.ts';
import { startEtcd } from '../support/etcd-process.ts';
import { freePorts } from '../support/free-port.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { tarball, treeName } from './package-files.ts';

/** Nothing that our Node could borrow from the one that runs the tests. */
const ENVIRONMENT = { extendEnv: false, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } } as const;

test('the packaged agent takes and verifies a snapshot of the etcd beside it, and its files may be replaced while it runs', async () => {
  await using directory = await temporaryDirectory();
  await using etcd = await startEtcd();
  const [port] = await freePorts(1);
  await execa('tar', ['-xzf', tarball(), '-C', directory.path]);
  const tree = join(directory.path, treeName('x64'));
  const lifeboat = join(tree, 'bin/lifeboat');
  const config = join(directory.path, 'config.yaml');
  const stateDir = join(directory.path, 'state');
  await mkdir(stateDir);
  const secretFile = join(directory.path, 'secret');
  await writeFile(secretFile, 'sixteen bytes and more', { mode: 0o600 });
  await writeFile(
    config,
    JSON.stringify({
      agent: { name: 'h1', stateDir, controlSocket: join(directory.path, 'control.sock') },
      etcd: {
        endpoint: etcd.endpoint,
        memberName: etcd.name,
        peerUrls: [etcd.peerUrl],
        dataDir: etcd.dataDir,
      },
      supervisor: { kind: 'command', start: ['/bin/true'], stop: ['/bin/true'], status: ['/bin/true'] },
      mesh: { listen: `127.0.0.1:${port ?? 0}`, peers: [], secretFile },
      monitoring: { enabled: false },
    }),
  );
  const check = await execa(lifeboat, ['config', 'check', '--config', config], {
    ...ENVIRONMENT,
    reject: false,
  });
  expect(check.stderr).toBe('');
  const agent = execa(lifeboat, ['agent', '--config', config], { ...ENVIRONMENT, reject: false });
  try {
    await expect
      .poll(async () => (await run(lifeboat, config, 'status')).exitCode, { timeout: 60_000 })
      .toBe(0);
    // As an upgrade does it: the agent goes on with the file that it was started from.
    const bundle = join(tree, 'lib/etcd-lifeboat/lifeboat.mjs');
    const text = await readFile(bundle, 'utf8');
    await writeFile(bundle, 'throw new Error("of another release");');
    const { manifest } = await callAgent({
      socketPath: join(directory.path, 'control.sock'),
      method: 'snapshot.save',
      params: { skipUnchanged: false },
      signal: AbortSignal.timeout(60_000),
    });
    expect(manifest?.grade).toBe('hashed');
    const id = manifest?.id ?? '';
    // So do the threads that prove what it took.
    const verified = await callAgent({
      socketPath: join(directory.path, 'control.sock'),
      method: 'snapshot.verify',
      params: { ids: [id] },
      signal: AbortSignal.timeout(60_000),
    });
    expect(verified).toMatchObject({ verified: [{ id, ok: true, grade: 'hashed', findings: [] }] });
    await writeFile(bundle, text);
    const list = await run(lifeboat, config, 'snapshot', 'list', '-o', 'json');
    expect(list.stdout).toContain('"grade":"hashed"');
    const path = join(stateDir, 'snapshots', id, 'snapshot.db');
    const before = await sha256Of(path);
    const byPath = await run(lifeboat, config, 'snapshot', 'verify', path, '-o', 'json');
    expect(byPath.exitCode).toBe(0);
    expect(JSON.parse(byPath.stdout)).toMatchObject({
      verified: [{ path, ok: true, sha256: before, trailer: 'fits', hashKv: manifest?.hashKv, findings: [] }],
    });
    expect(await sha256Of(path)).toBe(before);
  } finally {
    agent.kill('SIGTERM');
  }
  expect((await agent).exitCode).toBe(0);
});

async function run(
  lifeboat: string,
  config: string,
  ...args: string[]
): Promise<{ exitCode?: number; stdout: string }> {
  return await execa(lifeboat, [...args, '--config', config], { ...ENVIRONMENT, reject: false });
}
