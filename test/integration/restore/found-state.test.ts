import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectEtcd } from '../../../src/etcd/client.ts';
import { foundState, isAnswer } from '../../../src/restore/found-state.ts';
import { startEtcd } from '../../support/etcd-process.ts';
import { freePorts } from '../../support/free-port.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { IdleSupervisor, NEVER } from './step-host.ts';

async function foundAt(endpoint: string, state: 'running' | 'stopped', hasData: boolean): Promise<string> {
  await using directory = await temporaryDirectory();
  await using supervisor = new IdleSupervisor(join(directory.path, 'member', 'snap', 'db'));
  if (hasData) await mkdir(join(directory.path, 'member'));
  if (state === 'running') await supervisor.startWithNothingOpen();
  const etcd = connectEtcd({ endpoint, requestTimeoutMs: 3000 });
  try {
    const answers = await etcd.status(NEVER).then(() => true, isAnswer);
    return await foundState({ supervisor, dataDir: directory.path, answers }, NEVER);
  } finally {
    etcd.close();
  }
}

test('an etcd that answers was running', async () => {
  await using etcd = await startEtcd();
  expect(await foundAt(etcd.endpoint, 'running', true)).toBe('running');
});

test('a process that does not answer is one that its supervisor is at starting: nothing says that it ever came up', async () => {
  const [port = 0] = await freePorts(1);
  const endpoint = `http://127.0.0.1:${port}`;
  expect(await foundAt(endpoint, 'running', true)).toBe('restarting');
});

test('without a process it was stopped, and absent without data', async () => {
  await using etcd = await startEtcd();
  expect(await foundAt(etcd.endpoint, 'stopped', true)).toBe('stopped');
  expect(await foundAt(etcd.endpoint, 'stopped', false)).toBe('absent');
});
