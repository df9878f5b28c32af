import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { connectEtcd } from '../../../src/etcd/client.ts';
import { canonicalSha256 } from '../../../src/formats/canonical-json.ts';
import { operationView } from '../../../src/formats/operation-view.ts';
import type { JournalEntry } from '../../../src/formats/restore-journal.ts';
import type { RestorePlan } from '../../../src/formats/restore-plan.ts';
import { Journal } from '../../../src/restore/journal.ts';
import { AuditLog } from '../../../src/audit/audit-log.ts';
import { LineageStore } from '../../../src/restore/lineage-store.ts';
import { Operations } from '../../../src/restore/operations.ts';
import { samplePlan } from '../../support/control-samples.ts';
import { openTestCatalog } from '../../support/open-catalog.ts';
import { testProver } from '../../support/thread-programs.ts';
import { silentLog } from '../../support/silent-log.ts';
import { IdleSupervisor } from './step-host.ts';

const AT = '2026-11-23T15:00:00.000Z';
const epoch = { counter: 1, agent: 'h2' };

function operationNumber(number: number): string {
  return `20261123T15${String(number).padStart(4, '0')}Z-a1b2c3`;
}

function planOf(operation: string, dataDir: string): RestorePlan {
  const hosts = samplePlan().decided.hosts.map((host) => ({ ...host, dataDir }));
  const { decided, ...rest } = samplePlan({ decided: { operation, hosts } });
  return { ...rest, decided, hash: canonicalSha256(decided) };
}

/** The state of a host that took part in operations, and the agent's view of it at the next start. */
async function stateOfHost() {
  const catalog = await openTestCatalog();
  const stateDir = join(catalog.scratch, 'state');
  await mkdir(stateDir);
  const supervisor = new IdleSupervisor('/nowhere');
  const etcd = connectEtcd({ endpoint: 'http://127.0.0.1:1', requestTimeoutMs: 1000 });
  const opened: Operations[] = [];
  const journalOf = (operation: string): string => join(stateDir, 'operations', operation, 'journal');
  return {
    stateDir,
    supervisor,
    journalOf,
    operationsRoot: join(stateDir, 'operations'),
    /** Leaves a journal that goes as far as `entries`. */
    remember: async (operation: string, entries: readonly JournalEntry[], dataDir = '/data') => {
      const plan = planOf(operation, dataDir);
      const first = {
        type: 'opened',
        at: AT,
        version: 1,
        operation,
        epoch,
        requestedBy: 'root',
        plan,
      } as const;
      const journal = await Journal.create(journalOf(operation), [first]);
      for (const entry of entries) await journal.append([entry]);
      await journal.close();
    },
    open: async () => {
      const [planned] = planOf(operationNumber(0), '/data').decided.hosts;
      if (planned === undefined) throw new Error('a plan without hosts');
      const { agent, journalId, memberName, peerUrls, dataDir } = planned;
      const operations = await Operations.open({
        stateDir,
        host: { agent, journalId, memberName, peerUrls, dataDir, release: '0.1.0', searchPath: '' },
        supervisor,
        etcd,
        catalog: catalog.catalog,
        prover: testProver,
        lineage: await LineageStore.open(stateDir),
        audit: await AuditLog.open({ stateDir, clock: systemClock, log: silentLog }),
        settings: { toolStallMs: 1000, gateTimeoutMs: 1000, peerGraceMs: 1000 },
        call: () => Promise.reject(new Error('no peers here')),
        download: () => Promise.reject(new Error('no peers here')),
        clock: systemClock,
        log: silentLog,
      });
      opened.push(operations);
      return operations;
    },
    [Symbol.asyncDispose]: async () => {
      for (const operations of opened) await operations.close();
      etcd.close();
      await catalog[Symbol.asyncDispose]();
    },
  };
}

const ABORTED: JournalEntry[] = [
  { type: 'decided', at: AT, slot: 'first', decision: 'abort' },
  { type: 'phase', at: AT, phase: 'aborting' },
  { type: 'phase', at: AT, phase: 'aborted' },
];
const STOPPED: JournalEntry = { type: 'phase', at: AT, phase: 'stopped' };

test('a data dir that was renamed after an old restore is no obstacle to the start', async () => {
  await using host = await stateOfHost();
  const old = operationNumber(1);
  await host.remember(old, ABORTED, '/data/of/old');
  const operations = await host.open();
  expect(operations.boundBy).toBeUndefined();
  expect(operations.get(old).view()).toMatchObject({ operation: old, phase: 'aborted' });
});

test('what a crash kept out of the audit log goes in at the next start, once', async () => {
  await using host = await stateOfHost();
  const old = operationNumber(1);
  await host.remember(old, ABORTED);
  for (let start = 0; start < 2; start += 1) {
    await host.open();
    const log = await AuditLog.open({ stateDir: host.stateDir, clock: systemClock, log: silentLog });
    const told = await log.find(() => true);
    expect(told.map(({ event, operation }) => [event, operation])).toEqual([
      ['operation-opened', old],
      ['operation-decided', old],
      ['operation-ended', old],
    ]);
  }
});

test('why an outcome was forced is in the audit log, and in the status also after a restart', async () => {
  await using host = await stateOfHost();
  const active = operationNumber(1);
  await host.remember(active, [STOPPED]);
  await host.supervisor.hold(active);
  const order = { without: ['h2', 'h3'], outcome: 'abort', reason: 'the rack burnt' } as const;
  const forced = { ...order, without: [...order.without] };
  const first = await host.open();
  await first.takeOver(first.get(active), { known: [epoch], requestedBy: 'anna@h1', order: forced });
  expect(operationView.parse(first.get(active).view())).toMatchObject({ forced });
  await first.close();

  expect((await host.open()).get(active).view()).toMatchObject({ coordinator: 'h1', epoch: 2, forced });
  const log = await AuditLog.open({ stateDir: host.stateDir, clock: systemClock, log: silentLog });
  const told = await log.find(({ event }) => event === 'operation-taken-over');
  expect(told).toMatchObject([{ operation: active, requestedBy: 'anna@h1', order: forced }]);
});

test('a data dir that was renamed under a restore binds the host, and the status says what differs', async () => {
  await using host = await stateOfHost();
  const active = operationNumber(1);
  await host.remember(active, [STOPPED], '/data/of/old');
  await host.supervisor.hold(active);
  const operations = await host.open();
  expect(operations.boundBy).toBe(active);
  const [view] = operations.views();
  expect(operationView.parse(view)).toMatchObject({
    phase: 'stuck',
    failure: {
      code: 'PLAN_MISMATCH',
      message: expect.stringContaining('dataDir is /data, the plan says /data/of/old') as string,
    },
  });
  expect(await host.supervisor.heldBy()).toBe(active);
});

test.each([
  ['in the middle', (bytes: Buffer) => bytes.fill(0, bytes.indexOf('"phase"'), bytes.indexOf('"phase"') + 9)],
  ['in its first line', (bytes: Buffer) => bytes.fill(0, 20, 30)],
])(
  'a journal damaged %s keeps the hold, shows as stuck with its path, and lets nothing else begin',
  async (_where, spoil) => {
    await using host = await stateOfHost();
    const damaged = operationNumber(1);
    await host.remember(damaged, [STOPPED, ...ABORTED]);
    await host.supervisor.hold(damaged);
    const path = host.journalOf(damaged);
    const spoilt = spoil(await readFile(path));
    await writeFile(path, spoilt);

    const operations = await host.open();

    const [view] = operations.views();
    expect(operationView.parse(view)).toMatchObject({
      operation: damaged,
      phase: 'stuck',
      startedAt: expect.stringMatching(/^2026-11-23T15:0/) as string,
      failure: { code: 'JOURNAL_DAMAGED', message: expect.stringContaining(path) as string },
    });
    expect(await host.supervisor.heldBy()).toBe(damaged);
    await expect(operations.run(planOf(operationNumber(2), '/data'), 'root')).rejects.toMatchObject({
      code: 'JOURNAL_DAMAGED',
    });
    expect(() => operations.get(undefined)).toThrow(expect.objectContaining({ code: 'JOURNAL_DAMAGED' }));
    expect(spoilt.equals(await readFile(path))).toBe(true);
  },
);

test('a journal that was moved aside binds nobody', async () => {
  await using host = await stateOfHost();
  await mkdir(join(host.operationsRoot, `${operationNumber(1)}.set-aside`), { recursive: true });
  const operations = await host.open();
  expect(operations.boundBy).toBeUndefined();
  expect(operations.views()).toEqual([]);
});

test('an operation whose first line never became durable is swept', async () => {
  await using host = await stateOfHost();
  for (const [number, bytes] of [Buffer.alloc(0), Buffer.alloc(4096), Buffer.from('0123')].entries()) {
    const path = host.journalOf(operationNumber(number));
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, bytes);
  }
  const operations = await host.open();
  expect(operations.views()).toEqual([]);
  expect(await readdir(host.operationsRoot)).toEqual([]);
});

test('the newest twenty ended operations are kept, each in the room it needs, and an older active one', async () => {
  await using host = await stateOfHost();
  await host.remember(operationNumber(0), [STOPPED]);
  for (let number = 1; number <= 22; number += 1) await host.remember(operationNumber(number), ABORTED);
  const operations = await host.open();
  const kept = [0, ...Array.from({ length: 20 }, (_, index) => index + 3)].map(operationNumber);
  expect(await readdir(host.operationsRoot)).toEqual(kept);
  expect(operations.views().map(({ operation }) => operation)).toEqual([...kept].reverse());
  expect((await stat(host.journalOf(operationNumber(22)))).size).toBeLessThan(10_000);
  // It may still have to write down a decision on a full disk.
  expect((await stat(host.journalOf(operationNumber(0)))).size).toBeGreaterThan(500_000);
});
