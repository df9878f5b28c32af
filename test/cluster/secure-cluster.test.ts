import { expect, test } from 'vitest';
import { makeCertificates } from '../support/certificates.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import {
  clusterIdAt,
  contentsOf,
  expectContentsEverywhere,
  expectNewCluster,
  expectTidy,
  loseMembers,
  openHealthyScene,
  plan,
  refused,
  run,
  save,
  threeOf,
  untilQuorumIsLost,
} from './restore-scene.ts';

test('on IPv6, with TLS and certificates for clients, members and agents, the certificate of a root user saves without quorum', async () => {
  await using keys = await temporaryDirectory();
  const { caFile, certs } = await makeCertificates(keys.path, [
    'member',
    'backup',
    'plain',
    'h1',
    'h2',
    'h3',
  ]);
  const of = (name: string) => ({ caFile, certFile: '', keyFile: '', ...certs[name] });
  await using scene = await openHealthyScene({
    hosts: 3,
    loopback: '[::1]',
    peerTls: of('member'),
    serverTls: of('member'),
    clientTls: of('backup'),
    configure: ({ mesh = {}, ...config }, { name }) => {
      const peers = (mesh['peers'] as { name: string; url: string }[]).map((peer) => ({
        ...peer,
        url: peer.url.replace('ws://', 'wss://'),
      }));
      return { ...config, mesh: { listen: mesh['listen'], peers, tls: of(name) } };
    },
  });
  const [h1, h2, h3] = threeOf(scene);
  const ctl = (...args: string[]) => scene.lab.ctl(h1, ...args);
  await ctl('put', 'written', 'before');
  // root must exist for authentication to be enabled; the agent is another user, known by its certificate only.
  await ctl('user', 'add', 'root:secret');
  await ctl('user', 'grant-role', 'root', 'root');
  await ctl('user', 'add', 'backup:unused');
  await ctl('user', 'grant-role', 'backup', 'root');
  await ctl('user', 'add', 'plain:unused');
  await ctl('auth', 'enable');
  const oldId = (await clusterIdAt(scene, h1)) ?? '';
  await loseMembers(scene, [h2, h3]);
  await untilQuorumIsLost(scene, [h1]);
  const held = await contentsOf(scene, h1);

  const saved = await save(scene, h1);
  expect(saved).toMatchObject({ grade: 'hashed', keyCount: 1 });
  const made = await plan(scene, h2);
  const { exitCode, view } = await run(scene, h2, made);

  expect(view).toMatchObject({ phase: 'finished' });
  expect(exitCode).toBe(0);
  expect(made).toMatchObject({
    decided: { snapshot: { id: saved.id } },
    measured: { quorum: 'lost', lostRevisions: 0 },
  });
  await expectContentsEverywhere(scene, held);
  await expectNewCluster(scene, made, oldId);
  await expectTidy(scene);
  const asPlain = ['--cert', of('plain').certFile, '--key', of('plain').keyFile];
  await expect(scene.lab.ctl(h3, ...asPlain, 'get', 'written')).rejects.toThrow('permission denied');
  expect(await refused(scene, h1, 'restore', 'plan')).toMatchObject({ code: 'GUARD_QUORUM_ALIVE' });
  // Node says each of its warnings once in a process, for example of a server that is dialled by address.
  for (const host of scene.hosts) expect(await scene.lab.agentLog(host)).not.toMatch(/^\(node:\d+\)/m);
});
