import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import { problemsOf } from '../../../src/put-back/judge-proof.ts';
import type { FileProof } from '../../../src/snapshot/prover.ts';

const SHA256 = 'a'.repeat(64);

const SOUND = {
  bytes: {
    sizeBytes: 4096,
    sha256: SHA256,
    hasTrailerSize: false,
    trailerFits: false,
    bodySha256: '',
    trailer: '',
  },
  keyspace: { findings: [], findingCount: 0, facts: {}, keyCount: 1, hashKv: {} },
} as unknown as FileProof;

const MANIFEST = { grade: 'hashed', sha256: SHA256 } as const;

test('nothing speaks against a sound file, with its manifest or without one', () => {
  expect(problemsOf(SOUND, {})).toEqual([]);
  expect(problemsOf(SOUND, { manifest: MANIFEST })).toEqual([]);
});

test('a manifest that tells of another file, of a failed proof, or nothing at all speaks against it', () => {
  expect(problemsOf(SOUND, { manifest: { grade: 'failed', sha256: 'b'.repeat(64) } })).toEqual([
    `its SHA-256 is ${SHA256}, the manifest says ${'b'.repeat(64)}`,
    'a proof of it failed before',
  ]);
  expect(problemsOf(SOUND, { manifestProblem: 'it is not JSON' })).toEqual(['it is not JSON']);
});

test('findings in the structure speak against it', () => {
  const found = { kind: 'page-id', page: 7, message: 'page 7: it says that it is page 8' };
  const keyspace = { findings: [found], findingCount: 1 } as unknown as FileProof['keyspace'];
  const [problem] = problemsOf({ ...SOUND, keyspace }, { manifest: MANIFEST });
  expect(problem).toContain('page 7: it says that it is page 8');
});

test('what is no database is not read, whatever was accepted', () => {
  const keyspace = new AgentError('SNAPSHOT_NOT_A_DATABASE', 'no meta page');
  expect(() => problemsOf({ ...SOUND, keyspace }, {})).toThrow(keyspace);
});
