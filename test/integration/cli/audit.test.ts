import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { auditPath } from '../../../src/audit/audit-files.ts';
import { AuditLog } from '../../../src/audit/audit-log.ts';
import type { AuditVerdict } from '../../../src/audit/verify-audit.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { typed } from '../../support/command-line.ts';
import { OPERATION } from '../../support/control-samples.ts';
import { silentLog } from '../../support/silent-log.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const AT = Date.parse('2026-11-23T15:00:00Z');

/** A host with a configuration and three lines in its audit log, an hour apart. No agent runs. */
async function hostWithLog() {
  const scratch = await temporaryDirectory();
  const stateDir = scratch.path;
  const config = join(stateDir, 'lifeboat.yaml');
  const peerUrls = ['http://10.0.0.1:2380'];
  const etcd = { memberName: 'm1', endpoint: 'http://127.0.0.1:2379', peerUrls, dataDir: '/var/lib/etcd' };
  const sections = { agent: { name: 'h1', stateDir }, etcd, supervisor: { kind: 'systemd' }, mesh: {} };
  await writeFile(config, JSON.stringify(sections));
  let hour = 0;
  const clock: Clock = { ...systemClock, now: () => AT + hour * 3_600_000 };
  const log = await AuditLog.open({ stateDir, clock, log: silentLog });
  const epoch = { counter: 1, agent: 'h1' };
  await log.append({
    event: 'operation-decided',
    operation: OPERATION,
    slot: 'first',
    decision: 'commit',
    epoch,
  });
  hour = 1;
  await log.append({ event: 'operation-ended', operation: OPERATION, outcome: 'finished' });
  hour = 2;
  const sha256 = 'a'.repeat(64);
  const gone = { snapshot: 'old-one', sha256, sizeBytes: 2048, force: false, requestedBy: 'anna@h1' };
  await log.append({ event: 'snapshot-deleted', ...gone });
  const spoil = async (from: string, to: string): Promise<void> => {
    const text = await readFile(auditPath(stateDir), 'utf8');
    await writeFile(auditPath(stateDir), text.replace(from, to));
  };
  const audit = (...args: string[]) => typed(['--config', config, 'audit', ...args], { clock });
  return { log, audit, stateDir, spoil, [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose]() };
}

test('a sound log is said to be so, with the line to keep elsewhere', async () => {
  await using host = await hostWithLog();
  const { seq, sha256 } = host.log.state.head ?? { seq: 0, sha256: '' };
  const head = `${seq}:${sha256}`;
  const { exitCode, stdout, stderr } = await host.audit('verify');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout.split('\n')).toEqual([
    'sound  every line follows on the one before it',
    `  files  ${auditPath(host.stateDir)}`,
    '  lines  3',
    '  from   number 1, 2026-11-23 15:00:00 UTC',
    '  to     number 3, 2026-11-23 17:00:00 UTC',
    `  head   ${head}`,
    '',
    `Keep the head elsewhere; later: audit verify --expect ${head}`,
    '',
  ]);
  expect((await host.audit('verify', '--expect', head)).exitCode).toBe(0);
  expect((await host.audit('verify', auditPath(host.stateDir))).exitCode).toBe(0);
});

test('a log that was tampered with is not sound: exit status 1, and which line', async () => {
  await using host = await hostWithLog();
  await host.spoil('anna@h1', 'nobody');
  const { exitCode, stdout } = await host.audit('verify');
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(
    /^NOT SOUND\n {2}\S+audit[.]jsonl: line 3 was changed: its SHA-256 is [0-9a-f]{64}, /,
  );
  const json = await host.audit('verify', '-o', 'json');
  expect(JSON.parse(json.stdout) as AuditVerdict).toMatchObject({
    ok: false,
    lines: 3,
    findingCount: 1,
    findings: [{ file: auditPath(host.stateDir), line: 3 }],
  });
  expect((await host.audit('show')).stderr).toMatch(/^The log is not as the agent wrote it: .* audit verify/);
});

test('a log that was cut, or whose kept line is not in it, is not sound', async () => {
  await using host = await hostWithLog();
  const never = await host.audit('verify', '--expect', `2:${'b'.repeat(64)}`);
  expect(never).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/was expected/) as string });
  const lines = (await readFile(auditPath(host.stateDir), 'utf8')).split('\n');
  await writeFile(auditPath(host.stateDir), `${lines[0] ?? ''}\n`);
  const cut = await host.audit('verify');
  expect(cut).toMatchObject({
    exitCode: 1,
    stdout: expect.stringMatching(/number 3 .* is missing/) as string,
  });
});

test('what was ordered is shown a line each, of one restore or of a time, and as it stands in the file', async () => {
  await using host = await hostWithLog();
  const { stdout } = await host.audit('show');
  expect(stdout.split('\n')).toEqual([
    `1  2026-11-23 15:00:00 UTC  operation-decided  ${OPERATION} commit, by h1 (epoch 1)`,
    `2  2026-11-23 16:00:00 UTC  operation-ended    ${OPERATION} finished`,
    '3  2026-11-23 17:00:00 UTC  snapshot-deleted   old-one, 2.0 KiB, by anna@h1',
    '',
  ]);
  const numbersOf = async (...args: string[]): Promise<string[]> =>
    (await host.audit('show', ...args)).stdout.split('\n').flatMap((line) => /^\d+/.exec(line)?.[0] ?? []);
  expect(await numbersOf('--operation', OPERATION)).toEqual(['1', '2']);
  expect(await numbersOf('--since', '2026-11-23T15:30:00Z')).toEqual(['2', '3']);
  expect(await numbersOf('--since', '30m')).toEqual(['3']);
  const json = await host.audit('-o', 'json', 'show', '--since', '30m');
  expect(JSON.parse(json.stdout)).toMatchObject({ seq: 3, event: { event: 'snapshot-deleted' } });
});

test.each([
  [['verify', '--expect', '3'], 'must be NUMBER:SHA256'],
  [['show', '--since', 'yesterday'], 'must be a time like'],
  [['show', '--operation', 'x'], 'must be the ID of a restore'],
])('%j is wrong usage', async (args, words) => {
  await using host = await hostWithLog();
  const { exitCode, stderr } = await host.audit(...args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(words) as string });
});

test('a file that is not there is no sound log', async () => {
  await using host = await hostWithLog();
  const { exitCode, stderr } = await host.audit('verify', join(host.stateDir, 'gone.jsonl'));
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^error FILE_UNREADABLE: the audit log could not be read: ENOENT/);
});
