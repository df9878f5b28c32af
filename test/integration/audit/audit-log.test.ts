import { appendFile, mkdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { auditHeadPath, auditPath, findAuditFiles } from '../../../src/audit/audit-files.ts';
import { AuditLog } from '../../../src/audit/audit-log.ts';
import { readAuditHead } from '../../../src/audit/read-audit.ts';
import { verifyAudit, type AuditVerdict } from '../../../src/audit/verify-audit.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { AuditEvent } from '../../../src/formats/audit-record.ts';
import { silentLog } from '../../support/silent-log.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

function deletion(index: number): AuditEvent {
  const sha256 = 'a'.repeat(64);
  return { event: 'snapshot-deleted', snapshot: `s-${index}`, sha256, sizeBytes: index, force: false };
}

async function openLog(stateDir: string, fullBytes?: number): Promise<AuditLog> {
  const options = { stateDir, clock: systemClock, log: silentLog };
  return await AuditLog.open(fullBytes === undefined ? options : { ...options, fullBytes });
}

/** As `lifeboat audit verify` does on the host itself. */
async function verdictOn(stateDir: string): Promise<AuditVerdict> {
  const head = await readAuditHead(stateDir);
  const files = await findAuditFiles(stateDir);
  return await verifyAudit({ files, expected: head === undefined ? [] : [head], fromTheFirst: true });
}

async function messagesOn(stateDir: string): Promise<string[]> {
  return (await verdictOn(stateDir)).findings.map(({ line, message }) => `${line} ${message}`);
}

async function linesOf(stateDir: string): Promise<string[]> {
  return (await readFile(auditPath(stateDir), 'utf8')).trimEnd().split('\n');
}

test('lines follow on one another over restarts of the agent, for its owner alone', async () => {
  await using scratch = await temporaryDirectory();
  for (const round of [0, 1, 2]) {
    const log = await openLog(scratch.path);
    await Promise.all([log.append(deletion(round * 2)), log.append(deletion(round * 2 + 1))]);
    await log.close();
  }
  const verdict = await verdictOn(scratch.path);
  expect(verdict).toMatchObject({ ok: true, lines: 6, head: { seq: 6 }, tornLines: 0 });
  expect(await readAuditHead(scratch.path)).toEqual(verdict.head);
  expect((await stat(auditPath(scratch.path))).mode & 0o777).toBe(0o600);
  const found = await (await openLog(scratch.path)).find(({ sizeBytes }) => Number(sizeBytes) > 3);
  expect(found).toEqual([deletion(4), deletion(5)]);
});

test('a line that a crash tore at any byte stays, and the next start notes it', async () => {
  await using scratch = await temporaryDirectory();
  const first = await openLog(scratch.path);
  for (const index of [1, 2]) await first.append(deletion(index));
  const whole = await readFile(auditPath(scratch.path));
  const head = await readFile(auditHeadPath(scratch.path));
  await first.append(deletion(3));
  const [line = ''] = (await linesOf(scratch.path)).slice(-1);
  for (const cut of [1, 100, line.length - 1]) {
    // The head still names the line before: it is written behind the line.
    await writeFile(auditPath(scratch.path), Buffer.concat([whole, Buffer.from(line.slice(0, cut))]));
    await writeFile(auditHeadPath(scratch.path), head);
    expect(await messagesOn(scratch.path)).toEqual([expect.stringMatching(/^3 is torn/)]);

    const log = await openLog(scratch.path);
    await log.append(deletion(4));

    expect(log.state.damage).toBeUndefined();
    expect(await verdictOn(scratch.path)).toMatchObject({ ok: true, lines: 4, tornLines: 1 });
    const lines = await linesOf(scratch.path);
    expect(lines[2]).toBe(line.slice(0, cut));
    expect(JSON.parse(lines[3] ?? '')).toMatchObject({ seq: 3, event: { event: 'torn-line' } });
  }
});

test('a line that a crash kept from its line end is whole', async () => {
  await using scratch = await temporaryDirectory();
  for (const index of [1, 2, 3]) {
    const log = await openLog(scratch.path);
    await log.append(deletion(index));
    await truncate(auditPath(scratch.path), (await stat(auditPath(scratch.path))).size - 1);
  }
  expect(await verdictOn(scratch.path)).toMatchObject({ ok: true, lines: 3, tornLines: 0 });
});

test('a crash between a line and its head is none that shows', async () => {
  await using scratch = await temporaryDirectory();
  const log = await openLog(scratch.path);
  await log.append(deletion(1));
  const head = await readFile(auditHeadPath(scratch.path));
  await log.append(deletion(2));
  await writeFile(auditHeadPath(scratch.path), head);
  expect(await verdictOn(scratch.path)).toMatchObject({ ok: true, lines: 2 });

  await openLog(scratch.path);
  expect(await readAuditHead(scratch.path)).toMatchObject({ seq: 2 });
});

test('lines that somebody cut off are missed for good, also while the agent runs', async () => {
  await using scratch = await temporaryDirectory();
  const log = await openLog(scratch.path);
  for (const index of [1, 2, 3, 4]) await log.append(deletion(index));
  const lines = await linesOf(scratch.path);
  await truncate(auditPath(scratch.path), Buffer.byteLength(`${lines.slice(0, 2).join('\n')}\n`));
  expect(await messagesOn(scratch.path)).toEqual([expect.stringMatching(/^2 number 4 .* is missing/)]);

  await log.append(deletion(5));
  expect(log.state.damage).toMatch(/number 4 .* is missing/);
  expect(await messagesOn(scratch.path)).toEqual(['3 is number 5 after 2: numbers 3 to 4 are missing']);
  // Nor does a new start begin anew.
  expect((await openLog(scratch.path)).state.damage).toMatch(/numbers 3 to 4 are missing/);

  await rm(auditPath(scratch.path));
  await (await openLog(scratch.path)).append(deletion(6));
  expect(await messagesOn(scratch.path)).toEqual(['1 is number 6: numbers 1 to 5 are not here']);
});

test('a changed line is said at the start, and the log goes on behind it', async () => {
  await using scratch = await temporaryDirectory();
  const before = await openLog(scratch.path);
  for (const index of [1, 2, 3]) await before.append(deletion(index));
  const text = await readFile(auditPath(scratch.path), 'utf8');
  await writeFile(auditPath(scratch.path), text.replace('"s-2"', '"s-9"'));

  const log = await openLog(scratch.path);
  expect(log.state.damage).toMatch(/audit.jsonl: line 2 was changed/);
  await log.append(deletion(4));
  expect(await messagesOn(scratch.path)).toEqual([expect.stringMatching(/^2 was changed/)]);
});

test('a full file is put away, the chain goes through, and a file that is taken away is missed', async () => {
  await using scratch = await temporaryDirectory();
  const log = await openLog(scratch.path, 1000);
  for (let index = 1; index <= 9; index += 1) await log.append(deletion(index));
  const files = await findAuditFiles(scratch.path);
  expect(files.map((file) => file.slice(scratch.path.length + 1))).toEqual([
    'audit-000000000001.jsonl',
    'audit-000000000004.jsonl',
    'audit.jsonl',
  ]);
  expect(await verdictOn(scratch.path)).toMatchObject({ ok: true, lines: 9 });
  expect((await openLog(scratch.path)).state.head).toMatchObject({ seq: 9 });
  // A part is a chain by itself.
  expect(await verifyAudit({ files: files.slice(1), expected: [], fromTheFirst: false })).toMatchObject({
    ok: true,
    first: { seq: 4 },
  });
  await rename(files[1] ?? '', join(scratch.path, 'archived'));
  expect(await messagesOn(scratch.path)).toEqual(['1 is number 7 after 3: numbers 4 to 6 are missing']);
});

test('what cannot be written is said, waits, and goes first when it can be', async () => {
  await using scratch = await temporaryDirectory();
  const log = await openLog(scratch.path);
  await log.append(deletion(1));
  // A directory in its place stops root too.
  await rename(auditPath(scratch.path), join(scratch.path, 'away'));
  await mkdir(auditPath(scratch.path));
  for (const index of [2, 3]) await log.append(deletion(index));
  expect(log.state.problem).toMatch(/audit.jsonl cannot be written: .*; 2 events wait in memory$/);
  await expect(log.appendFirst(deletion(4))).rejects.toMatchObject({ code: 'AUDIT_UNWRITABLE' });

  await rm(auditPath(scratch.path), { recursive: true });
  await rename(join(scratch.path, 'away'), auditPath(scratch.path));
  await log.append(deletion(5));
  expect(log.state).not.toHaveProperty('problem');
  expect(await verdictOn(scratch.path)).toMatchObject({ ok: true, lines: 4 });
  expect((await log.find(() => true)).map(({ snapshot }) => snapshot)).toEqual(['s-1', 's-2', 's-3', 's-5']);
});

test('restores and commands are counted over restarts, whatever else is in the log', async () => {
  await using scratch = await temporaryDirectory();
  const log = await openLog(scratch.path);
  const operation = '20261123T150000Z-a1b2c3';
  for (const outcome of ['finished', 'aborted', 'finished'] as const) {
    await log.append({ event: 'operation-ended', operation, outcome });
  }
  await log.append({
    event: 'hook-ended',
    operation,
    hook: 'onFailure',
    after: 'aborted',
    outcome: 'failed',
  });
  await appendFile(auditPath(scratch.path), 'not JSON\n');
  for (const { counts } of [log, await openLog(scratch.path)]) {
    expect(counts.restores).toEqual({ finished: 2, aborted: 1, 'rolled-back': 0, stuck: 0 });
    expect(counts.hooks.onFailure).toEqual({ done: 0, failed: 1 });
  }
});

test('a large file without a line end is read in pieces, and is damage', async () => {
  await using scratch = await temporaryDirectory();
  const log = await openLog(scratch.path);
  await log.append(deletion(1));
  await truncate(auditPath(scratch.path), 30_000_000);
  const verdict = await verdictOn(scratch.path);
  expect(verdict.findings).toMatchObject([{ line: 2, message: expect.stringMatching(/is torn/) as string }]);
});
