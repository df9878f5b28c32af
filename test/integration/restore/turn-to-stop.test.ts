import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { connectEtcd } from '../../../src/etcd/client.ts';
import { waitForTurnToStop } from '../../../src/restore/turn-to-stop.ts';
import { startEtcd } from '../../support/etcd-process.ts';
import { freePorts } from '../../support/free-port.ts';

interface OtherMember extends AsyncDisposable {
  readonly peerUrl: string;
  readonly server: Server;
  readonly seen: { connections: number };
}

/** As much of another member as can be seen from outside: its peer port is open. */
async function otherMember(): Promise<OtherMember> {
  const seen = { connections: 0 };
  const server = createServer((socket) => {
    seen.connections += 1;
    socket.resume();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peerUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    peerUrl,
    server,
    seen,
    [Symbol.asyncDispose]: async () => {
      if (server.listening) await once(server.close(), 'close');
    },
  };
}

const { signal } = new AbortController();

test('a leader stops when the last other member is gone', async () => {
  await using etcd = await startEtcd();
  await using other = await otherMember();
  const client = connectEtcd({ endpoint: etcd.endpoint, requestTimeoutMs: 3000 });
  let isItsTurn = false;
  const turn = waitForTurnToStop(
    { etcd: client, otherPeerUrls: [other.peerUrl], clock: systemClock },
    signal,
  ).then(() => {
    isItsTurn = true;
  });
  await expect.poll(() => other.seen.connections).toBeGreaterThan(2);
  expect(isItsTurn).toBe(false);
  await once(other.server.close(), 'close');
  await turn;
  client.close();
});

test('a leader whose peers stay stops all the same', async () => {
  await using etcd = await startEtcd();
  await using other = await otherMember();
  const client = connectEtcd({ endpoint: etcd.endpoint, requestTimeoutMs: 3000 });
  let nowMs = 0;
  const clock = {
    now: () => nowMs,
    sleep: (ms: number) => {
      nowMs += ms;
      return Promise.resolve();
    },
  };
  await waitForTurnToStop({ etcd: client, otherPeerUrls: [other.peerUrl], clock }, signal);
  expect(other.seen.connections).toBeGreaterThan(0);
  client.close();
});

test('a member that does not answer stops at once', async () => {
  await using other = await otherMember();
  const [port] = await freePorts(1);
  const client = connectEtcd({ endpoint: `http://127.0.0.1:${port ?? 0}`, requestTimeoutMs: 3000 });
  await waitForTurnToStop({ etcd: client, otherPeerUrls: [other.peerUrl], clock: systemClock }, signal);
  expect(other.seen.connections).toBe(0);
  client.close();
});
