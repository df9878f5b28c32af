import { expect, test } from 'vitest';
import type { HostFacts } from '../../../src/formats/host-facts.ts';
import { shapeWarnings } from '../../../src/restore/plan-shapes.ts';
import { samplePlan } from '../../support/control-samples.ts';

const { decided } = samplePlan();

type Shape = Pick<HostFacts, 'agent' | 'peerUrls' | 'knownMembers'> & Partial<HostFacts>;

function facts(...hosts: Shape[]): HostFacts[] {
  return hosts as HostFacts[];
}

function member(name: string, isLearner?: boolean) {
  const seen = { name, peerUrls: [`http://${name}:2380`], clientUrls: [] };
  return isLearner === undefined ? seen : { ...seen, isLearner };
}

function host(agent: string, more: Partial<HostFacts> = {}): Shape {
  return { agent, peerUrls: [`http://${agent}:2380`], knownMembers: [], ...more };
}

test('a learner that was lost is known by what another host remembers, and is said to get a vote', () => {
  const h1 = host('h1', { knownMembers: [member('h1'), member('h2', true), member('h3')] });
  const [warning, ...others] = shapeWarnings(facts(h1, host('h2'), host('h3')), decided);
  expect(warning).toContain('h2 was a learner, and becomes a voting member');
  expect(others).toEqual([]);
});

test('a learner that runs is known by its own word', () => {
  const etcd = { isLearner: true, members: [] } as unknown as NonNullable<HostFacts['etcd']>;
  expect(shapeWarnings(facts(host('h1', { etcd })), decided)).toHaveLength(1);
});

test('what a host says of itself stands in the plan, with its name', () => {
  expect(shapeWarnings(facts(host('h1', { remarks: ['it is odd'] }), host('h2')), decided)).toEqual([
    'h1: it is odd.',
  ]);
});

test('a host that is sworn dead and that nobody can probe is named', () => {
  const without = [
    { agent: 'h2', urls: [] },
    { agent: 'h3', urls: ['http://h3:2380'] },
  ];
  expect(shapeWarnings(facts(host('h1')), { ...decided, without })).toEqual([
    expect.stringContaining('whether h2 is dead'),
  ]);
});
