import { expect, test } from 'vitest';
import type { HostFacts } from '../../../src/formats/host-facts.ts';
import { decideRehearsal, rehearsalWarnings } from '../../../src/restore/plan-rehearsal.ts';
import { sampleManifest } from '../../support/sample-manifest.ts';

const GIB = 2 ** 30;
type Seen = Pick<HostFacts, 'agent' | 'etcdPath' | 'found' | 'snapshotFreeBytes'>;

function host(agent: string, changes: Partial<Seen> = {}): Seen {
  return { agent, etcdPath: '/usr/bin/etcd', found: 'running', snapshotFreeBytes: 10 * GIB, ...changes };
}

function chosen(holders: readonly string[], sizeBytes = GIB) {
  return { manifest: sampleManifest({ sizeBytes }), holders };
}

test('one host rehearses: one that holds the file, and of those one whose etcd serves nobody', () => {
  const hosts = [host('h1'), host('h2'), host('h3', { found: 'stopped' }), host('h4', { found: 'absent' })];
  const by = (holders: string[]) => decideRehearsal({}, hosts, chosen(holders));
  expect(by(['h2'])).toEqual({ action: 'run', agent: 'h2' });
  expect(by(['h1', 'h2', 'h4'])).toEqual({ action: 'run', agent: 'h4' });
  expect(by(['h5'])).toEqual({ action: 'run', agent: 'h3' });
  expect(decideRehearsal({}, hosts.toReversed(), chosen(['h1', 'h2']))).toEqual({
    action: 'run',
    agent: 'h1',
  });
});

test('a host without an etcd to run, or without room for the file and a data dir of it, does not rehearse', () => {
  const blind = host('h1');
  delete (blind as { etcdPath?: string }).etcdPath;
  const full = host('h2', { snapshotFreeBytes: 1.5 * GIB });
  // It holds the file already, so what it has is enough.
  expect(decideRehearsal({}, [blind, full], chosen(['h1', 'h2']))).toEqual({ action: 'run', agent: 'h2' });
  const rehearsal = decideRehearsal({}, [blind, full], chosen(['h1']));
  expect(rehearsal).toEqual({ action: 'skip', because: 'impossible' });
  expect(rehearsalWarnings({ rehearsal }, [blind, full], chosen(['h1']))).toEqual([
    'No host can rehearse: h1 knows no etcd that it could run (`etcd.binary`); h2 needs 2.2 GiB beside its snapshots and has 1.5 GiB. So whether etcd starts on this snapshot is seen only after the present data was stopped.',
  ]);
});

test('nobody rehearses what has booted, nor where the operator said so, and only the latter is a warning', () => {
  const hosts = [host('h1')];
  const manifest = sampleManifest({ grade: 'booted' });
  const booted = decideRehearsal({ rehearse: false }, hosts, { manifest, holders: ['h1'] });
  expect(booted).toEqual({ action: 'skip', because: 'booted' });
  expect(rehearsalWarnings({ rehearsal: booted }, hosts, { manifest, holders: ['h1'] })).toEqual([]);
  const declined = decideRehearsal({ rehearse: false }, hosts, chosen(['h1']));
  expect(declined).toEqual({ action: 'skip', because: 'declined' });
  expect(rehearsalWarnings({ rehearsal: declined }, hosts, chosen(['h1']))).toEqual([
    'Nobody rehearses (--no-rehearsal): whether etcd starts on this snapshot is seen only after the present data was stopped.',
  ]);
  const warned = rehearsalWarnings({ rehearsal: { action: 'run', agent: 'h1' } }, hosts, chosen(['h1']));
  expect(warned).toEqual([]);
});
