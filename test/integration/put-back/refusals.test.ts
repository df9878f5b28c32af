import { randomBytes } from 'node:crypto';
import { appendFile, copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planPutBack } from '../../../src/put-back/plan-put-back.ts';
import { writePlanned } from '../../../src/put-back/write-planned.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { typed } from '../../support/command-line.ts';
import { freePorts } from '../../support/free-port.ts';
import { putInTransactions } from '../../support/put-many.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { personAtTerminal } from './at-terminal.ts';
import { linesOf, never, openSource, putBackScene } from './put-back-scene.ts';

const ALL = ['--prefix', '', '--yes'];

test.each([
  [['s.db', '--yes'], "name the keys to put back, or --prefix TEXT; --prefix '' means every key"],
  [['s.db', '', '--yes'], 'a key is never empty'],
  [['s.db', '/a', '--revision', '0', '--yes'], '--revision 0: must be a number from 1 on'],
  [['s.db', '/a\\q', '--yes'], 'in a key is no escape'],
  [['s.db', '/a'], 'there is no terminal to ask on: say --yes, or look first with --dry-run'],
])('%o is wrong usage', async (args, message) => {
  const { exitCode, stderr } = await typed(['snapshot', 'put-back', ...args]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('error USAGE: ');
  expect(stderr).toContain(message);
});

test('with authentication on, the user of the configuration writes, and one who may not is told so', async () => {
  await using scene = await putBackScene();
  const passwordFile = join(scene.directory, 'password');
  await writeFile(passwordFile, 'secret\n');
  await scene.put({ '/mine/a': '1', '/theirs/b': '2' });
  const snapshot = await scene.save();
  await scene.client.deleteRange({ key: '/', rangeEnd: '0' }, never);
  for (const words of [
    ['user', 'add', 'root:secret'],
    ['user', 'grant-role', 'root', 'root'],
    ['user', 'add', 'some:secret'],
    ['role', 'add', 'mine'],
    ['role', 'grant-permission', 'mine', '--prefix=true', 'readwrite', '/mine/'],
    ['user', 'grant-role', 'some', 'mine'],
    ['auth', 'enable'],
  ]) {
    await scene.etcd.ctl(...words);
  }
  await scene.configure(`auth: { user: some, passwordFile: ${passwordFile} }`);
  const refused = await scene.putBack([snapshot, ...ALL]);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain('error ETCD_AUTH_FAILED: not allowed');
  expect(await scene.putBack([snapshot, '--prefix', '/mine/', '--yes'])).toMatchObject({ exitCode: 0 });

  await scene.configure(`auth: { user: root, passwordFile: ${passwordFile} }`);
  const asRoot = await scene.putBack([snapshot, ...ALL, '-o', 'json']);
  expect(linesOf(asRoot)).toMatchObject({ plan: [{ create: 1, unchanged: 1 }], summary: [{ written: 1 }] });
});

test('over TLS with a client certificate keys come back, too', async () => {
  await using place = await temporaryDirectory();
  const { caFile, certs } = await makeCertificates(place.path, ['server', 'agent']);
  const [server, agent] = [certs['server'], certs['agent']];
  if (server === undefined || agent === undefined) throw new Error('no certificates');
  const [port = 0] = await freePorts(1);
  await using scene = await putBackScene({
    clientUrl: `https://127.0.0.1:${port}`,
    flags: [
      ...['--cert-file', server.certFile, '--key-file', server.keyFile],
      ...['--client-cert-auth', '--trusted-ca-file', caFile],
    ],
    ctlFlags: ['--cacert', caFile, '--cert', agent.certFile, '--key', agent.keyFile],
    tls: { caFile, ...agent },
  });
  await scene.put({ '/a': '1' });
  const snapshot = await scene.save();
  await scene.client.deleteRange({ key: '/a' }, never);
  expect(await scene.putBack([snapshot, '/a', '--yes'])).toMatchObject({ exitCode: 0 });
  expect(await scene.get()).toEqual({ '/a': '1' });
});

test('a cluster that is full, or has no quorum, says so in its code, and is not asked about', async () => {
  await using scene = await putBackScene({ flags: ['--quota-backend-bytes', String(2 << 20)] });
  await scene.put({ '/a': '1' });
  const snapshot = await scene.save();
  await scene.client.deleteRange({ key: '/a' }, never);
  const fill = async (): Promise<never> => {
    for (;;) await scene.client.put({ key: 'full', value: Buffer.alloc(256 << 10) }, never);
  };
  await expect(fill()).rejects.toMatchObject({ code: 'ETCD_NO_SPACE' });
  const full = await scene.putBack([snapshot, ...ALL]);
  expect(full.exitCode).toBe(1);
  expect(full.stderr).toContain('error ETCD_NO_SPACE: the cluster refuses writes: alarm NOSPACE\nhint: ');

  await scene.etcd.ctl('member', 'add', 'absent', '--peer-urls', 'http://127.0.0.1:1');
  await scene.configure('requestTimeoutSeconds: 1');
  const alone = await scene.putBack([snapshot, ...ALL, '-o', 'json']);
  expect(alone.exitCode).toBe(1);
  expect(linesOf(alone)).toMatchObject({ error: [{ error: { code: 'ETCD_TIMEOUT' } }] });
});

test('a member that does not answer is found before the snapshot is read', async () => {
  await using scene = await putBackScene();
  const snapshot = await scene.save();
  await scene.etcd.stop();
  const { exitCode, stderr } = await scene.putBack([snapshot, ...ALL]);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^error ETCD_UNREACHABLE: /);
});

test('from a damaged snapshot nothing is taken, unless that was asked for', async () => {
  await using scene = await putBackScene();
  await scene.put({ '/a': 'a-value-to-be-found' });
  const snapshot = await scene.save();
  await scene.client.deleteRange({ key: '/a' }, never);
  const damaged = join(scene.directory, 'damaged.db');
  const bytes = await readFile(snapshot);
  // Inside a value: only the trailer tells.
  for (let at = bytes.indexOf('to-be-found'); at >= 0; at = bytes.indexOf('to-be-found', at)) {
    bytes.write('to-be-lost!', at);
  }
  await writeFile(damaged, bytes);

  const refused = await scene.putBack([damaged, ...ALL]);
  expect(refused.exitCode).toBe(3);
  expect(refused.stderr).toMatch(/^.*error SNAPSHOT_DAMAGED: .*damaged\.db: .*trailer.*--allow-damaged/ms);
  expect(await scene.get()).toEqual({});

  const accepted = await scene.putBack([damaged, ...ALL, '--allow-damaged']);
  expect(accepted.exitCode).toBe(0);
  expect(accepted.stdout).toContain('! the snapshot is damaged: ');
  expect(await scene.get()).toEqual({ '/a': 'a-value-to-be-lost!' });
});

test('a file that is no database is refused also then', async () => {
  await using scene = await putBackScene();
  const file = join(scene.directory, 'text.db');
  await copyFile(new URL(import.meta.url), file);
  const { exitCode, stderr } = await scene.putBack([file, ...ALL, '--allow-damaged']);
  expect(exitCode).toBe(3);
  expect(stderr).toContain('error SNAPSHOT_NOT_A_DATABASE: ');
});

test('from a file that changes after it was proved nothing is taken', async () => {
  await using scene = await putBackScene();
  await scene.put({ '/a': '1' });
  const snapshot = await scene.save();
  await scene.client.deleteRange({ key: '/a' }, never);
  // As the database of a running member does, with the first key that is put back from it.
  const person = personAtTerminal('Write 1 key', () => appendFile(snapshot, 'more'), 'y');

  expect(await scene.putBack([snapshot, '/a'], person)).toMatchObject({ exitCode: 1 });
  expect(person.complained()).toContain('error COPY_TORN: ');
  expect(await scene.get()).toEqual({});
});

test('where etcd takes less than by default, smaller requests are sent, and what is too large alone is named', async () => {
  await using generous = await putBackScene();
  await putInTransactions(generous.etcd, 300, 5000);
  await generous.client.put({ key: 'key-large', value: randomBytes(300_000) }, never);
  const wanted = await generous.get();
  const snapshot = await generous.save();
  await using strict = await putBackScene({
    flags: ['--max-txn-ops', '10', '--max-request-bytes', '200000'],
  });

  const { exitCode, stdout, stderr } = await strict.putBack([snapshot, ...ALL]);
  expect(exitCode).toBe(1);
  expect(stdout).toContain('put back 300 keys');
  expect(stdout).toContain('key-large: 293 KiB is more than etcd takes');
  expect(stderr).toContain('error PUT_BACK_INCOMPLETE: 1 is larger than etcd takes');
  const { 'key-large': _, ...rest } = wanted;
  expect(await strict.get()).toEqual(rest);
});

test('when etcd dies in between, it is told what is written, what may be, and what was not tried', async () => {
  await using scene = await putBackScene();
  await putInTransactions(scene.etcd, 300, 10);
  const snapshot = await scene.save();
  await scene.client.deleteRange({ key: '\0', rangeEnd: '\0' }, never);
  using source = openSource(snapshot, scene.directory);
  const rules = { overwrite: false, leased: false, comparable: true };
  const selection = { keys: [], prefixes: [Buffer.alloc(0)] };
  const planned = await planPutBack(selection, { source, etcd: scene.client, rules }, never);
  let requests = 0;
  const etcd = {
    range: (...asked: Parameters<typeof scene.client.range>) => scene.client.range(...asked),
    txn: async (...asked: Parameters<typeof scene.client.txn>) => {
      requests += 1;
      if (requests === 2) await scene.etcd.stop('SIGKILL');
      return await scene.client.txn(...asked);
    },
  };
  expect(await writePlanned(planned.writes, { source, etcd }, never)).toMatchObject({
    written: 128,
    uncertain: 128,
    remaining: 44,
    failure: { code: 'ETCD_UNREACHABLE' },
  });
});
