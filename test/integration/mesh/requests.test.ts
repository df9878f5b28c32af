import { once } from 'node:events';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import { deferred, expectState, lastErrorOf, makeFleet, NEVER, openHandles, stateOf } from './meshes.ts';
import { startProxy } from './tcp-proxy.ts';

test('three agents find one another and answer each other', async () => {
  await using fleet = await makeFleet(['a', 'b', 'c']);
  const [a, b, c] = await Promise.all([fleet.open('a'), fleet.open('b'), fleet.open('c')]);
  await expectState(a, 'b', 'connected');
  await expectState(b, 'c', 'connected');
  await expectState(c, 'a', 'connected');

  expect(await a.request('b', 'greet', { n: 1 }, { signal: NEVER })).toEqual({
    peer: 'a',
    method: 'greet',
    params: { n: 1 },
  });
  expect(await b.request('c', 'greet', [], { signal: NEVER })).toMatchObject({ peer: 'b' });
  expect(await c.request('a', 'greet', null, { signal: NEVER })).toMatchObject({ peer: 'c', params: null });
  expect(a.links()).toMatchObject([
    { peer: 'b', release: '1.2.3', protocol: 1, journalId: 'journal-of-b' },
    { peer: 'c', release: '1.2.3', protocol: 1, journalId: 'journal-of-c' },
  ]);
});

test('an agent that cannot be dialled is asked over the link that it dialled itself', async () => {
  await using fleet = await makeFleet(['a', 'b']);
  const b = await fleet.open('b', { peers: [{ name: 'a', url: fleet.urlOf('a') }] });
  const a = await fleet.open('a', { peers: [{ name: 'b', url: 'ws://127.0.0.1:1' }] });
  await expectState(a, 'b', 'connected');

  expect(await a.request('b', 'm', 1, { signal: NEVER })).toMatchObject({ peer: 'a' });
  expect(await b.request('a', 'm', 1, { signal: NEVER })).toMatchObject({ peer: 'b' });
});

test('an unknown peer and one that is not there are refused at once, each with its own code', async () => {
  await using fleet = await makeFleet(['a', 'b']);
  const a = await fleet.open('a');

  await expect(a.request('x', 'm', 1, { signal: NEVER })).rejects.toMatchObject({ code: 'PEER_UNKNOWN' });
  await expect(a.request('b', 'm', 1, { signal: NEVER })).rejects.toMatchObject({
    code: 'PEER_UNREACHABLE',
    details: { peer: 'b' },
  });
});

test("a peer's AgentError arrives with its code, its words and its facts; a defect only with its words", async () => {
  await using fleet = await makeFleet(['a', 'b']);
  const a = await fleet.open('a');
  await fleet.open('b', {
    onRequest: (_peer, method) => {
      if (method === 'broken') throw new TypeError('x is not a function');
      throw new AgentError('GUARD_SPACE', '3 bytes are free', { details: { freeBytes: 3, hosts: ['b'] } });
    },
  });
  await expectState(a, 'b', 'connected');

  await expect(a.request('b', 'm', 1, { signal: NEVER })).rejects.toMatchObject({
    code: 'GUARD_SPACE',
    message: 'b: 3 bytes are free',
    details: { freeBytes: 3, hosts: ['b'], answeredBy: 'b' },
  });
  await expect(a.request('b', 'broken', 1, { signal: NEVER })).rejects.toMatchObject({
    code: 'INTERNAL',
    message: 'b: x is not a function',
  });
});

test('a request that takes too long ends on both sides', async () => {
  await using fleet = await makeFleet(['a', 'b']);
  const a = await fleet.open('a');
  const stopped = deferred<unknown>();
  await fleet.open('b', { onRequest: (_p, _m, _params, signal) => untilAborted(signal, stopped.resolve) });
  await expectState(a, 'b', 'connected');

  await expect(a.request('b', 'slow', 1, { timeoutMs: 60, signal: NEVER })).rejects.toMatchObject({
    code: 'PEER_TIMEOUT',
    details: { method: 'slow', timeoutMs: 60 },
  });
  expect(await stopped.promise).toBeInstanceOf(AgentError);
});

test('a cancelled request tells the peer to stop', async () => {
  await using fleet = await makeFleet(['a', 'b']);
  const a = await fleet.open('a');
  const started = deferred();
  const stopped = deferred<unknown>();
  await fleet.open('b', {
    onRequest: (_p, _m, _params, signal) => {
      started.resolve();
      return untilAborted(signal, stopped.resolve);
    },
  });
  await expectState(a, 'b', 'connected');
  const caller = new AbortController();

  const asking = a.request('b', 'slow', 1, { signal: caller.signal });
  await started.promise;
  caller.abort(new Error('changed my mind'));

  await expect(asking).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(await stopped.promise).toMatchObject({ code: 'CANCELLED' });
});

test('a link that drops under way fails its requests, stops the work, and comes back', async () => {
  await using fleet = await makeFleet(['a', 'b']);
  const started = deferred();
  const stopped = deferred<unknown>();
  let calls = 0;
  // b dials nobody that is there, so that the proxy carries the only link.
  await fleet.open('b', {
    peers: [{ name: 'a', url: 'ws://127.0.0.1:1' }],
    onRequest: (_p, _m, params, signal) => {
      calls += 1;
      if (params === 'again') return Promise.resolve('hello again');
      started.resolve();
      return untilAborted(signal, stopped.resolve);
    },
  });
  await using proxy = await startProxy({ targetPort: fleet.portOf('b') });
  const a = await fleet.open('a', { peers: [{ name: 'b', url: `ws://127.0.0.1:${proxy.port}` }] });
  await expectState(a, 'b', 'connected');
  const states: unknown[] = [];
  const stop = a.onLinkChange(() => {
    states.push(stateOf(a, 'b'));
  });

  const asking = a.request('b', 'm', 'first', { signal: NEVER });
  await started.promise;
  proxy.cut();

  await expect(asking).rejects.toMatchObject({ code: 'PEER_UNREACHABLE', details: { underWay: true } });
  expect(await stopped.promise).toMatchObject({ code: 'PEER_UNREACHABLE' });
  await expectState(a, 'b', 'connected');
  expect(await a.request('b', 'm', 'again', { signal: NEVER })).toBe('hello again');
  expect(states).toEqual(['connecting', 'connected']);
  // The first request was not sent a second time.
  expect(calls).toBe(2);
  stop();
});

test('a peer that falls silent without closing is found dead by its missing pongs', async () => {
  await using fleet = await makeFleet(['a', 'b']);
  await fleet.open('b', {
    peers: [{ name: 'a', url: 'ws://127.0.0.1:1' }],
    onRequest: (_p, _m, _params, signal) => untilAborted(signal),
  });
  await using proxy = await startProxy({ targetPort: fleet.portOf('b') });
  const a = await fleet.open('a', {
    peers: [{ name: 'b', url: `ws://127.0.0.1:${proxy.port}` }],
    heartbeatMs: 40,
    limits: { helloTimeoutMs: 200 },
  });
  await expectState(a, 'b', 'connected');
  await expect.poll(() => a.links()[0]?.roundTripMs).toBeTypeOf('number');

  const asking = a.request('b', 'm', 1, { signal: NEVER });
  proxy.freeze();

  await expect(asking).rejects.toThrow('no sign of life for 80 ms');
  await expectState(a, 'b', 'connecting');
});

test('too many requests are refused by the side that asks, and by the side that is asked', async () => {
  await using fleet = await makeFleet(['a', 'b']);
  const release = deferred<string>();
  const onRequest = (): Promise<string> => release.promise;
  const a = await fleet.open('a', { limits: { maxRequestsInFlight: 3 }, onRequest });
  const b = await fleet.open('b', { limits: { maxRequestsInFlight: 2 }, onRequest });
  await expectState(a, 'b', 'connected');
  await expectState(b, 'a', 'connected');
  const ask = (): Promise<unknown> => a.request('b', 'm', 1, { signal: NEVER });

  const first = [ask(), ask()];
  const third = ask();
  const fourth = ask();

  // Refused here: details are of this agent.
  await expect(fourth).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS', details: { method: 'm' } });
  await expect(third).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS', details: { answeredBy: 'b' } });
  release.resolve('done');
  expect(await Promise.all(first)).toEqual(['done', 'done']);
  expect(await ask()).toBe('done');
});

test('a message beyond the limit is refused before it is sent, in both directions, and the link lives on', async () => {
  await using fleet = await makeFleet(['a', 'b']);
  const limits = { maxFrameBytes: 4096 };
  const a = await fleet.open('a', { limits });
  await fleet.open('b', {
    limits,
    onRequest: (_p, method) => Promise.resolve(method === 'long' ? 'x'.repeat(5000) : 1),
  });
  await expectState(a, 'b', 'connected');

  const asking = a.request('b', 'm', 'x'.repeat(5000), { signal: NEVER });
  await expect(asking).rejects.toMatchObject({ code: 'FRAME_TOO_LARGE', details: { maxFrameBytes: 4096 } });
  const answered = a.request('b', 'long', 1, { signal: NEVER });
  await expect(answered).rejects.toMatchObject({ code: 'FRAME_TOO_LARGE', details: { answeredBy: 'b' } });
  expect(await a.request('b', 'm', 1, { signal: NEVER })).toBe(1);
});

test('an answer without a value, and one that JSON cannot say', async () => {
  await using fleet = await makeFleet(['a', 'b']);
  const a = await fleet.open('a');
  await fleet.open('b', {
    onRequest: (_p, method) => Promise.resolve(method === 'nothing' ? undefined : 1n),
  });
  await expectState(a, 'b', 'connected');

  expect(await a.request('b', 'nothing', 1, { signal: NEVER })).toBeUndefined();
  await expect(a.request('b', 'bigint', 1, { signal: NEVER })).rejects.toMatchObject({ code: 'INTERNAL' });
  await expect(a.request('b', 'mesh.other', 1, { signal: NEVER })).rejects.toMatchObject({
    code: 'METHOD_UNKNOWN',
  });
});

test('a mesh that closed has no socket open, and its peer knows it', async () => {
  const before = openHandles();
  const fleet = await makeFleet(['a', 'b']);
  const a = await fleet.open('a');
  const b = await fleet.open('b', { onRequest: (_p, _m, _params, signal) => untilAborted(signal) });
  await expectState(a, 'b', 'connected');
  await expectState(b, 'a', 'connected');
  const asking = a.request('b', 'm', 1, { signal: NEVER });
  const failed = asking.catch((error: unknown) => error);

  await b.close();
  expect(await failed).toMatchObject({ code: 'PEER_UNREACHABLE' });
  await expectState(a, 'b', 'connecting');
  expect(lastErrorOf(a, 'b')).toMatch(/b is closing|ECONNREFUSED/);

  await fleet[Symbol.asyncDispose]();
  await expect.poll(openHandles).toEqual(before);
});

test('an address that is taken is said, and nothing is left open', async () => {
  await using fleet = await makeFleet(['a', 'b']);
  await fleet.open('a');

  await expect(fleet.open('a')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await expect(fleet.open('a')).rejects.toThrow('EADDRINUSE');
});

async function untilAborted(
  signal: AbortSignal,
  tell: (reason: unknown) => void = () => undefined,
): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  tell(signal.reason);
  throw signal.reason as Error;
}
