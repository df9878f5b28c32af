import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AuditLog } from '../../../src/audit/audit-log.ts';
import { findAuditFiles } from '../../../src/audit/audit-files.ts';
import { verifyAudit } from '../../../src/audit/verify-audit.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { Generation } from '../../../src/formats/generation.ts';
import { FenceKeeper } from '../../../src/membership/fence-keeper.ts';
import type { Supervisor } from '../../../src/supervisor/supervisor.ts';
import { silentLog } from '../../support/silent-log.ts';
import { NEVER, openProcessFixture, type SupervisorFixture } from '../../support/supervisor-fixtures.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const OLD = 'a'.repeat(16);
const NEW = 'b'.repeat(16);
const IDENTITY = { clusterId: OLD, memberId: '1'.repeat(16) };
const RESTORE: Generation = {
  operation: '20261123T150000Z-aaaaaa',
  clusterId: NEW,
  parentClusterId: OLD,
  restoredRevision: 51,
  snapshotId: '20261123T140000Z-h1-r51-aaaaaa',
  finishedAt: '2026-11-23T15:01:00.000Z',
};
const REVOKED: Generation = { ...RESTORE, revokedBy: '20261123T160000Z-bbbbbb' };

/** A host whose etcd runs and whose agent may begin anew, with an audit log on disk. */
async function fencedHost() {
  const scratch = await temporaryDirectory();
  const etcd = await openProcessFixture();
  const supervisor = await etcd.open();
  const stateDir = join(scratch.path, 'state');
  await mkdir(stateDir);
  const openAudit = () => AuditLog.open({ stateDir, clock: systemClock, log: silentLog });
  await supervisor.start(NEVER);
  return {
    etcd,
    supervisor,
    openAudit,
    /** What the agent finds, from a start on. */
    agent: async (generation: Generation, port: Partial<Supervisor> = {}) => {
      const audit = await openAudit();
      const generations = () => [generation];
      return keeperOf({ supervisor: portOf(supervisor, port), generations, audit });
    },
    told: async () => {
      const lines = await (await openAudit()).find(() => true);
      return lines.map(({ action, stage, operation, reason }) =>
        [action, stage, operation === RESTORE.operation ? '' : operation, reason].filter(Boolean).join(' '),
      );
    },
    verdict: async () =>
      await verifyAudit({ files: await findAuditFiles(stateDir), expected: [], fromTheFirst: true }),
    [Symbol.asyncDispose]: async () => {
      await etcd[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

function portOf(supervisor: Supervisor, port: Partial<Supervisor>) {
  return {
    fence: supervisor.fence.bind(supervisor),
    liftFence: supervisor.liftFence.bind(supervisor),
    fencedBy: supervisor.fencedBy.bind(supervisor),
    state: supervisor.state.bind(supervisor),
    stop: supervisor.stop.bind(supervisor),
    start: supervisor.start.bind(supervisor),
    ...port,
  };
}

function keeperOf(
  parts: Pick<ConstructorParameters<typeof FenceKeeper>[0], 'supervisor' | 'generations' | 'audit'>,
) {
  return new FenceKeeper({
    ...parts,
    identity: () => Promise.resolve(IDENTITY),
    peerIdentities: () => [{ clusterId: NEW, memberId: '2'.repeat(16) }],
    isBound: () => false,
    clock: systemClock,
    log: silentLog,
  });
}

async function isStopped(etcd: SupervisorFixture): Promise<boolean> {
  return (await etcd.etcdPids()).length === 0;
}

test('a fence and the lifting of it stand in the audit log once each, however often the agent looks and begins anew', async () => {
  await using host = await fencedHost();
  for (let starts = 0; starts < 2; starts += 1) {
    const agent = await host.agent(RESTORE);
    await agent.look(NEVER);
    await agent.look(NEVER);
    expect(await isStopped(host.etcd)).toBe(true);
  }
  expect(await host.told()).toEqual(['fence begun', 'fence done']);
  const [begun] = await (await host.openAudit()).find(() => true);
  expect(begun).toMatchObject({ ...IDENTITY, since: (await host.supervisor.fencedBy())?.since });

  for (let starts = 0; starts < 2; starts += 1) {
    const agent = await host.agent(REVOKED);
    await agent.look(NEVER);
    await agent.look(NEVER);
    expect(await isStopped(host.etcd)).toBe(false);
  }
  expect(await host.told()).toEqual(['fence begun', 'fence done', 'unfence begun', 'unfence done']);

  await (await host.agent(RESTORE)).look(NEVER);
  expect((await host.told()).slice(4)).toEqual(['fence begun', 'fence done']);
  expect(await host.verdict()).toMatchObject({ ok: true, lines: 6 });
});

test('what a crash kept out of the audit log is there after the next look', async () => {
  await using host = await fencedHost();
  const diesAfter = (work: () => Promise<void>) => async (): Promise<void> => {
    await work();
    crash.abort();
    throw new Error('the agent is gone');
  };
  let crash = new AbortController();
  const { supervisor } = host;
  const stopping = await host.agent(RESTORE, { stop: diesAfter(() => supervisor.stop(NEVER)) });
  await expect(stopping.look(crash.signal)).rejects.toThrow('the agent is gone');
  expect(await host.told()).toEqual(['fence begun']);
  await (await host.agent(RESTORE)).look(NEVER);
  expect(await host.told()).toEqual(['fence begun', 'fence done']);

  crash = new AbortController();
  const lifting = await host.agent(REVOKED, { liftFence: diesAfter(() => supervisor.liftFence(NEVER)) });
  await expect(lifting.look(crash.signal)).rejects.toThrow('the agent is gone');
  expect((await host.told()).slice(2)).toEqual(['unfence begun']);
  await (await host.agent(REVOKED)).look(NEVER);
  expect((await host.told()).slice(2)).toEqual(['unfence begun', 'unfence done']);
});

test('a fence that cannot be placed is told once, and etcd is stopped all the same', async () => {
  await using host = await fencedHost();
  let reason = 'no drop-in';
  const agent = await host.agent(RESTORE, { fence: () => Promise.reject(new Error(reason)) });
  await agent.look(NEVER);
  await agent.look(NEVER);
  expect(await isStopped(host.etcd)).toBe(true);
  reason = 'no room';
  await agent.look(NEVER);
  expect(await host.told()).toEqual(['fence begun', 'fence failed SUPERVISOR_FAILED: no drop-in']);
  await (await host.agent(RESTORE)).look(NEVER);
  expect((await host.told()).at(-1)).toBe('fence done');
});
