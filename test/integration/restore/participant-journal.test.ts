import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { passNothing } from '../../../src/base/crash-point.ts';
import type { JournalEntry } from '../../../src/formats/restore-journal.ts';
import { Journal } from '../../../src/restore/journal.ts';
import { ParticipantJournal } from '../../../src/restore/participant-journal.ts';
import { OPERATION, samplePlan } from '../../support/control-samples.ts';
import { fill, makeRoom, mountSmallDisk } from '../../support/small-disk.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const at = '2026-11-23T15:00:00.000Z';
const cause = { code: 'GATE_FAILED', message: 'h2 serves other data' };
const opening: JournalEntry = {
  ...{ type: 'opened', at, version: 1, operation: OPERATION, epoch: { counter: 1, agent: 'h1' } },
  ...{ requestedBy: 'root', plan: samplePlan() },
} as const;
const ended: JournalEntry = { type: 'phase', at, phase: 'rolled-back' };

async function openJournal(directory: string): Promise<{ path: string; journal: ParticipantJournal }> {
  const path = join(directory, 'operations', OPERATION, 'journal');
  const journal = await Journal.create(path, [opening]);
  await journal.trim();
  const hooks = { onFailure: { command: ['/bin/true'] } };
  return { path, journal: new ParticipantJournal({ journal, clock: systemClock, pass: passNothing, hooks }) };
}

async function typesIn(path: string): Promise<string[]> {
  const { journal, entries } = await Journal.open(path);
  await journal.close();
  return entries.map(({ type }) => type);
}

test('the cause and the command that falls due stand in one line with the end, each once', async () => {
  await using directory = await temporaryDirectory();
  const { path, journal } = await openJournal(directory.path);
  journal.hear(cause);
  // Both are made at once: the second must see what the first one left.
  await Promise.all([
    journal.append([ended], () => 'rolling-back'),
    journal.append([ended], () => 'rolled-back'),
  ]);
  await journal.close();
  expect(await typesIn(path)).toEqual(['opened', 'cause', 'phase', 'hook', 'phase']);
});

test.skipIf(process.getuid?.() !== 0)(
  'what a full disk kept out of the journal is said again with the next line (only root can mount a small disk)',
  async () => {
    await using directory = await temporaryDirectory();
    const disk = join(directory.path, 'disk');
    await mkdir(disk);
    await using _mounted = await mountSmallDisk(disk, 1);
    const { path, journal } = await openJournal(disk);
    await fill(disk);
    journal.hear({ ...cause, message: 'x'.repeat(8192) });
    await expect(journal.append([ended], () => 'rolling-back')).rejects.toMatchObject({
      code: 'JOURNAL_UNWRITABLE',
    });
    expect(journal.hooks).toEqual([]);
    await makeRoom(disk);
    await journal.append([ended], () => 'rolling-back');
    expect(journal.hooks).toMatchObject([{ hook: 'onFailure', after: 'rolled-back', state: 'due' }]);
    await journal.close();
    expect(await typesIn(path)).toEqual(['opened', 'cause', 'phase', 'hook']);
  },
);
