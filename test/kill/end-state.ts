import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { auditPath } from '../../src/audit/audit-files.ts';
import { readLine } from '../../src/audit/audit-line.ts';
import { auditEvent } from '../../src/formats/audit-record.ts';
import { flags } from '../cluster/obstacles.ts';
import { processesNaming, type LabHost } from '../support/lab-cluster.ts';
import { contentsAt, putOne } from './cluster-keys.ts';
import type { LaneScene, SceneKind } from './kill-lane.ts';
import { until } from './until.ts';

/** What must be found again, taken before the restore. */
export interface Before {
  /** SHA-256 over the member directory of h2, where no etcd wrote to it. */
  readonly h2Member: string | undefined;
  /** The log of h1 up to what it held: it only grows. */
  readonly h1Log: Buffer;
}

export async function lookBefore({ hosts: [h1, h2] }: LaneScene, kind: SceneKind): Promise<Before> {
  const member = join(h2.dataDir, 'member');
  return {
    h2Member: kind === 'lost' ? await treeHash(member) : undefined,
    h1Log: withoutTail(await logOf(join(h1.dataDir, 'member'))),
  };
}

interface Ended {
  readonly kind: SceneKind;
  readonly before: Before;
  readonly operation: string;
  readonly end: string;
}

/** All old or all new, every key accounted for, and nothing left over. Throws with what is not so. */
export async function checkEnd(scene: LaneScene, ended: Ended): Promise<void> {
  await checkTidy(scene);
  await checkAudit(scene, ended);
  if (ended.end === 'finished') await checkAllNew(scene, ended);
  else await checkAllOld(scene, ended);
  for (const host of scene.hosts) {
    const count = (await etcdsOf(host)).length;
    assert.ok(count <= 1, `${host.name} runs ${count} etcds`);
  }
}

async function checkTidy({ lab, hosts }: LaneScene): Promise<void> {
  for (const host of hosts) {
    const entries = await readdir(host.dataDir);
    assert.ok(!entries.includes('.lifeboat'), `${host.name} has staging left: ${entries.join(', ')}`);
    const { heldBy } = (await lab.ask(host, 'status', {})).etcd;
    assert.equal(heldBy, undefined, `${host.name} is held`);
  }
}

/** A host that never heard of the operation has nothing to say of it. */
async function checkAudit({ lab, hosts }: LaneScene, { operation, end }: Ended): Promise<void> {
  for (const host of hosts) {
    const { operations } = await lab.ask(host, 'restore.status', {});
    if (!operations.some((view) => view.operation === operation)) continue;
    const outcomes = async (): Promise<string[]> => {
      const text = await readFile(auditPath(join(host.directory, 'state')), 'utf8').catch(() => '');
      const events = text.split('\n').flatMap((line) => readLine(line)?.record.event ?? []);
      return events.flatMap((event) => {
        const { data } = auditEvent.safeParse(event);
        return data?.event === 'operation-ended' && data.operation === operation ? data.outcome : [];
      });
    };
    await until(
      `the audit log of ${host.name} says how it ended`,
      async () => (await outcomes()).at(-1) === end,
      5000,
    );
  }
}

async function checkAllNew(scene: LaneScene, { before, kind, operation }: Ended): Promise<void> {
  const { lab, hosts, contents } = scene;
  const ids = new Set<string>();
  for (const host of hosts) {
    await until(`${host.name} has the keys of the snapshot`, async () =>
      same(await contentsAt(host), contents.snapshot),
    );
    ids.add(await clusterIdAt(lab, host));
  }
  assert.equal(ids.size, 1, `one cluster ID, not ${[...ids].join(', ')}`);
  assert.ok(!ids.has(contents.clusterId), 'the cluster ID is new');
  await checkWrites(hosts);
  const setAside = `member.before-${operation}`;
  await checkOldData(scene, before, setAside);
  if (kind === 'serving') return;
  const h3 = await readdir(hosts[2].dataDir);
  assert.ok(!h3.includes(setAside), 'h3 had nothing to set aside');
}

async function checkAllOld(scene: LaneScene, { before, kind }: Ended): Promise<void> {
  const { lab, hosts, contents } = scene;
  const [h1, h2, h3] = hosts;
  await checkOldData(scene, before, 'member');
  if (kind === 'lost') {
    assert.deepEqual(await etcdsOf(h3), [], 'h3 had no data, and runs nothing');
    assert.ok(!(await readdir(h3.dataDir)).includes('member'), 'h3 had no data, and has none');
    // The old cluster comes back with the member that did not start.
    await flags.refusesOldData(h2).clear();
    await lab.stopAgent(h2, 'SIGTERM');
    await lab.startAgent(h2);
  }
  const serving = kind === 'lost' ? [h1, h2] : hosts;
  for (const host of serving) {
    await until(`${host.name} has all keys of the old cluster`, async () =>
      same(await contentsAt(host), contents.last),
    );
    assert.equal(await clusterIdAt(lab, host), contents.clusterId, `${host.name} is in the old cluster`);
  }
  await checkWrites(serving);
}

/** An agent dials an etcd that was down again within a second; until then it knows of no cluster. */
async function clusterIdAt(lab: LaneScene['lab'], host: LabHost): Promise<string> {
  let seen: string | undefined;
  await until(`the agent of ${host.name} sees its cluster`, async () => {
    seen = (await lab.ask(host, 'status', {})).etcd.clusterId;
    return seen !== undefined;
  });
  return seen ?? '';
}

async function checkWrites(hosts: readonly LabHost[]): Promise<void> {
  for (const host of hosts) {
    await until(`${host.name} takes a write`, async () => {
      await putOne(host, `written through ${host.name}`);
      return true;
    });
  }
}

async function checkOldData({ hosts: [h1, h2] }: LaneScene, before: Before, name: string): Promise<void> {
  if (before.h2Member !== undefined)
    assert.equal(
      await treeHash(join(h2.dataDir, name)),
      before.h2Member,
      'the old data of h2 is what it was',
    );
  const log = await logOf(join(h1.dataDir, name));
  assert.ok(
    log.subarray(0, before.h1Log.length).equals(before.h1Log),
    'the log of h1 begins with what was in it',
  );
}

function same(found: readonly string[], wanted: readonly string[]): boolean {
  return found.length === wanted.length && found.every((line, index) => line === wanted[index]);
}

async function etcdsOf(host: LabHost): Promise<number[]> {
  const pids = await processesNaming(`${host.directory}/`);
  const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')));
  return pids.filter((_, index) => names[index]?.trim() === 'etcd');
}

async function treeHash(directory: string): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const hash = createHash('sha256');
  for (const file of files.sort()) hash.update(file.slice(directory.length)).update(await readFile(file));
  return hash.digest('hex');
}

async function logOf(member: string): Promise<Buffer> {
  const segments = (await readdir(join(member, 'wal'))).filter((name) => name.endsWith('.wal')).sort();
  return await readFile(join(member, 'wal', segments[0] ?? ''));
}

/** Without the room taken in advance, and the last bytes before it, which etcd may still write. */
function withoutTail(log: Buffer): Buffer {
  let end = log.length;
  while (end > 0 && log[end - 1] === 0) end -= 1;
  return Buffer.from(log.subarray(0, end & ~511));
}
