import { expect, test } from 'vitest';
import type { GateFacts } from '../../../src/formats/restore-messages.ts';
import { judgeWrites } from '../../../src/restore/judge-writes.ts';

type Seen = Partial<GateFacts> | undefined;

/** What each of three hosts shows; `served`: those where etcd came up on the restored data. */
function judge(h1: Seen, h2: Seen, h3: Seen, served: readonly string[] = ['h1', 'h2', 'h3']): string {
  const seen = { h1, h2, h3 };
  const facts = Object.entries(seen).map(([agent, fact]) => {
    const full: GateFacts | undefined =
      fact === undefined ? undefined : { process: 'running', ...fact, agent };
    return [agent, full] as const;
  });
  return judgeWrites(3, new Map(facts), new Set(served));
}

const none = { putsFound: false };
const down = { process: 'stopped' } as const;
const starting = { process: 'starting' } as const;

test('one host that shows a write is enough', () => {
  expect(judge({ putsFound: true }, undefined, down)).toBe('found');
});

test('fewer hosts than a majority cannot hide a write that was confirmed', () => {
  expect(judge(none, none, undefined)).toBe('none');
  expect(judge(none, none, down)).toBe('none');
});

test('a majority that is silent, starting or without an answer may hide one: it is asked again', () => {
  expect(judge(none, undefined, undefined)).toBe('unknown');
  expect(judge(none, starting, {})).toBe('unknown');
  expect(judge(none, undefined, down)).toBe('unknown');
});

test('a majority that served and is down hides it, however often it is asked', () => {
  expect(judge(none, down, down)).toBe('hidden');
});

test('an etcd that never came up on the restored data hides nothing', () => {
  expect(judge(none, down, { process: 'failed' }, ['h1'])).toBe('none');
});

test('hosts that were given up count as silent while another one does not tell, and not where all that is left tells', () => {
  const h1: GateFacts = { agent: 'h1', process: 'running' };
  expect(judgeWrites(3, new Map([['h1', h1]]), new Set())).toBe('unknown');
  expect(judgeWrites(3, new Map([['h1', { ...h1, ...none }]]), new Set())).toBe('none');
});
