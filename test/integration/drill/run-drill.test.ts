import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { startEtcd } from '../../support/etcd-process.ts';
import { backupOf } from '../backup/backup-of.ts';
import { drill, drillContext, NEVER } from './drill-of.ts';

test('a drill boots a snapshot on a throw-away etcd, raises its grade, and leaves nothing behind', async () => {
  await using member = await startEtcd();
  await using taken = await backupOf(member);
  for (const key of ['a', 'b', 'c', 'b']) await member.ctl('put', key, key.repeat(10));
  await member.ctl('del', 'c');
  const saved = await taken.backup.save({ trigger: 'manual' }, NEVER);
  if ('skipped' in saved) throw new Error('nothing was saved');
  const { id, revision } = saved.manifest;

  const { report, phases } = await drill(drillContext(taken.catalog), { id: 'latest' });
  expect(report.manifest).toMatchObject({ id, grade: 'booted' });
  expect(report.booted).toMatchObject({ readFrom: 'etcd', served: { revision, keyCount: 2 } });
  // A restore that is over before the first look at its size is not told of.
  const told = phases.map((phase) => phase.split(' ')[0]).filter((word) => word !== 'restoring');
  expect(told).toEqual(['verifying', 'booting']);
  const newest = (await taken.catalog.get(id)).proofs.at(-1);
  expect(newest?.by).toContain('number of keys and HashKV agreed');
  expect(await readdir(`${taken.catalog.directory}/drill`)).toEqual([]);
});
