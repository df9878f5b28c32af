import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Mesh } from '../../../src/mesh/mesh.ts';
import { expectState, makeFleet, NEVER, stateOf, type Fleet } from './meshes.ts';
import { connectRaw, joinRaw, rawHello, rawProof, RAW_NONCE } from './raw-peer.ts';

const SECRET = 'a secret of the test, long enough';
const NAMES = { agent: 'b', other: 'a' };

let fleet: Fleet;
let mesh: Mesh;
let asked: string[];

beforeEach(async () => {
  asked = [];
  fleet = await makeFleet(['a', 'b', 'c']);
  mesh = await fleet.open('a', {
    limits: { maxFrameBytes: 4096, helloTimeoutMs: 150, maxConnections: 8 },
    onRequest: (peer, method) => {
      asked.push(`${peer} ${method}`);
      return Promise.resolve('answer');
    },
  });
});

afterEach(async () => {
  await fleet[Symbol.asyncDispose]();
});

describe('before the greeting is over', () => {
  test('a request is not read', async () => {
    await using peer = await connectRaw(fleet.urlOf('a'));
    peer.send({ kind: 'request', id: 1, method: 'restore.commit', params: {}, timeoutMs: 1000 });

    expect(await peer.next()).toMatchObject({ kind: 'failure', code: 'FRAME_INVALID' });
    expect(await peer.closed).toMatchObject({ code: 1008 });
    expect(asked).toEqual([]);
  });

  test('a request in the same breath as a hello is not read either', async () => {
    await using peer = await connectRaw(fleet.urlOf('a'));
    peer.send(rawHello('b'));
    peer.send({ kind: 'request', id: 1, method: 'restore.commit', params: {}, timeoutMs: 1000 });

    expect(await peer.next()).toMatchObject({ kind: 'hello' });
    expect(await peer.next()).toMatchObject({ kind: 'failure', code: 'FRAME_INVALID' });
    expect(asked).toEqual([]);
  });

  test('a name that is no peer, and the name of the agent itself, are refused', async () => {
    await using stranger = await connectRaw(fleet.urlOf('a'));
    stranger.send(rawHello('mallory'));
    expect(await stranger.next()).toMatchObject({
      code: 'PEER_REFUSED',
      message: expect.stringContaining('"mallory"') as string,
    });

    await using mirror = await connectRaw(fleet.urlOf('a'));
    mirror.send(rawHello('a'));
    expect(await mirror.next()).toMatchObject({
      code: 'PEER_REFUSED',
      message: expect.stringContaining('itself') as string,
    });
  });

  test('a proof by another secret, none, and the other side’s own proof sent back are refused', async () => {
    for (const make of [
      (theirs: string): string =>
        rawProof('another secret altogether', ['dialler', 'b', 'a', RAW_NONCE, theirs]),
      (): undefined => undefined,
      (_nonce: string, reflected: string): string => reflected,
      (theirs: string): string => rawProof(SECRET, ['dialler', 'c', 'a', RAW_NONCE, theirs]),
    ]) {
      await using peer = await connectRaw(fleet.urlOf('a'));
      peer.send(rawHello('b'));
      const hello = await peer.next();
      peer.send({ kind: 'proof', proof: make(String(hello['nonce']), String(hello['proof'])) });
      expect(await peer.next()).toMatchObject({ kind: 'failure', code: 'PEER_REFUSED' });
      expect(await peer.closed).toMatchObject({ code: 1008 });
    }
    expect(stateOf(mesh, 'b')).toBe('connecting');
  });

  test('a proof of an earlier greeting does not open another one', async () => {
    await using first = await connectRaw(fleet.urlOf('a'));
    first.send(rawHello('b'));
    const nonce = String((await first.next())['nonce']);
    const proof = rawProof(SECRET, ['dialler', 'b', 'a', RAW_NONCE, nonce]);
    await using second = await connectRaw(fleet.urlOf('a'));
    second.send(rawHello('b'));
    expect((await second.next())['nonce']).not.toBe(nonce);
    second.send({ kind: 'proof', proof });

    expect(await second.next()).toMatchObject({ kind: 'failure', code: 'PEER_REFUSED' });
  });

  test('one that says nothing is cut off after the time for the greeting, on TCP, HTTP and WebSocket', async () => {
    const silent = connect(fleet.portOf('a'), '127.0.0.1');
    const halfRequest = connect(fleet.portOf('a'), '127.0.0.1', () => {
      halfRequest.write('GET / HTTP/1.1\r\nHos');
    });
    await using peer = await connectRaw(fleet.urlOf('a'));

    expect(await peer.closed).toMatchObject({ code: 1008 });
    await Promise.all([ended(silent), ended(halfRequest)]);
    expect(stateOf(mesh, 'b')).toBe('connecting');
  });

  test('an agent of a future without our protocol is told so', async () => {
    await using peer = await connectRaw(fleet.urlOf('a'));
    peer.send(rawHello('b', { protocol: { oldest: 7, newest: 9 } }));

    expect(await peer.next()).toMatchObject({
      code: 'PROTOCOL_MISMATCH',
      message: 'a speaks protocol 1, and b (release 9) 7 to 9',
    });
  });

  test('a web page in a browser is refused, and so is another path', async () => {
    const origin = { headers: { Origin: 'http://evil.example' } };
    await expect(connectRaw(fleet.urlOf('a'), origin)).rejects.toThrow('403');
    await expect(connectRaw(`${fleet.urlOf('a')}/other`)).rejects.toThrow('404');
  });
});

describe('after the greeting', () => {
  test('kinds and fields nobody knows, and frames that are wrong, are answered without closing the link', async () => {
    await using peer = await joinRaw(fleet.urlOf('a'), NAMES, SECRET);
    peer.send({ kind: 'gossip', id: 4 });
    expect(await peer.next()).toMatchObject({ kind: 'failure', id: 4, code: 'METHOD_UNKNOWN' });
    peer.send({ no: 'kind' });
    expect(await peer.next()).toMatchObject({ kind: 'failure', code: 'METHOD_UNKNOWN' });
    peer.send({ kind: 'request', id: 5, method: '', timeoutMs: 1000 });
    expect(await peer.next()).toMatchObject({ kind: 'failure', id: 5, code: 'FRAME_INVALID' });
    peer.send({ kind: 'request', id: 6, method: 'm', timeoutMs: 1e12 });
    expect(await peer.next()).toMatchObject({ kind: 'failure', id: 6, code: 'FRAME_INVALID' });
    peer.send(rawHello('c'));
    expect(await peer.next()).toMatchObject({ kind: 'failure', code: 'FRAME_INVALID' });
    expect(asked).toEqual([]);

    peer.send({ kind: 'request', id: 7, method: 'm', timeoutMs: 1000, addedLater: true });
    expect(await peer.next()).toEqual({ kind: 'response', id: 7, result: 'answer' });
    expect(asked).toEqual(['b m']);
  });

  test('answers nobody waits for, and wrong ones, are not answered', async () => {
    await using peer = await joinRaw(fleet.urlOf('a'), NAMES, SECRET);
    peer.send({ kind: 'response', id: 99, result: 1 });
    peer.send({ kind: 'response', id: 'x' });
    peer.send({ kind: 'failure', id: 99, code: 'NEWER', message: 'm', details: {}, retryable: true });
    peer.send({ kind: 'failure' });
    peer.send({ kind: 'cancel', id: 99 });
    peer.send({ kind: 'cancel' });
    peer.send({ kind: 'request', id: 1, method: 'm', timeoutMs: 1000 });

    expect(await peer.next()).toEqual({ kind: 'response', id: 1, result: 'answer' });
  });

  test('an error of a newer release, and one with odd details, become errors of this one', async () => {
    await using peer = await joinRaw(fleet.urlOf('a'), NAMES, SECRET);
    await expectState(mesh, 'b', 'connected');
    const answers = [
      { code: 'NEWER_CODE', message: 'words', details: { a: 1 }, retryable: true },
      { code: 'NO_SPACE', message: 'x'.repeat(3000), details: { deep: { er: 1 } }, retryable: true },
      { code: 7 },
    ];
    const wanted = [
      {
        code: 'PEER_REFUSED',
        message: 'b: NEWER_CODE: words',
        details: { a: 1, code: 'NEWER_CODE', retryable: true },
      },
      { code: 'NO_SPACE', details: { answeredBy: 'b' } },
      { code: 'FRAME_INVALID' },
    ];
    for (const [at, answer] of answers.entries()) {
      const asking = mesh.request('b', 'm', 1, { signal: NEVER });
      peer.send({ kind: 'failure', id: (await peer.next())['id'], ...answer });
      await expect(asking).rejects.toMatchObject(wanted[at] ?? {});
    }
  });

  test.each([
    ['a frame that is too large', 'x'.repeat(5000), 1009],
    ['a frame that is not JSON', '{"kind":', 1007],
    ['a binary frame', Buffer.from('{}'), 1003],
  ])('%s ends the link', async (_what, message, code) => {
    await using peer = await joinRaw(fleet.urlOf('a'), NAMES, SECRET);
    await expectState(mesh, 'b', 'connected');
    peer.socket.send(message);

    expect(await peer.closed).toMatchObject({ code });
    await expectState(mesh, 'b', 'connecting');
  });

  test('the same request number twice is refused while the first is under way', async () => {
    await using peer = await joinRaw(fleet.urlOf('a'), NAMES, SECRET);
    const request = { kind: 'request', id: 1, method: 'm', timeoutMs: 1000 };
    peer.send(request);
    peer.send(request);

    const kinds = [(await peer.next())['kind'], (await peer.next())['kind']];
    expect(kinds.sort()).toEqual(['failure', 'response']);
    expect(asked).toEqual(['b m']);
  });

  test('a second agent under the name of one that is linked is refused; the same agent again takes over', async () => {
    await using first = await joinRaw(fleet.urlOf('a'), NAMES, SECRET);
    await using impostor = await connectRaw(fleet.urlOf('a'));
    impostor.send(rawHello('b', { journalId: 'another' }));
    expect(await impostor.next()).toMatchObject({
      code: 'PEER_REFUSED',
      message: expect.stringContaining('two agents call themselves b') as string,
    });

    await using again = await joinRaw(fleet.urlOf('a'), NAMES, SECRET);
    expect(await first.closed).toMatchObject({ reason: 'b opened another link' });
    const asking = mesh.request('b', 'm', 1, { signal: NEVER });
    again.send({ kind: 'response', id: (await again.next())['id'], result: 'from the new link' });
    expect(await asking).toBe('from the new link');
  });

  test('strangers that take every connection do not disturb a link that is there', async () => {
    await using peer = await joinRaw(fleet.urlOf('a'), NAMES, SECRET);
    const strangers = Array.from({ length: 30 }, () => connect(fleet.portOf('a'), '127.0.0.1'));
    await Promise.all(strangers.map(ended));

    peer.send({ kind: 'request', id: 1, method: 'm', timeoutMs: 1000 });
    expect(await peer.next()).toMatchObject({ result: 'answer' });
    await using other = await joinRaw(fleet.urlOf('a'), { agent: 'c', other: 'a' }, SECRET);
    expect(other.socket.readyState).toBe(other.socket.OPEN);
  });
});

async function ended(socket: Socket): Promise<void> {
  socket.on('error', () => undefined);
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
}
