import { expect, test } from 'vitest';
import { LineageStore } from '../../../src/restore/lineage-store.ts';
import { sampleUndo } from '../../support/control-samples.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const { undoes, operation: UNDO } = sampleUndo().decided;

test('a host that undid a restore is of the old cluster again, and says so after a restart', async () => {
  await using directory = await temporaryDirectory();
  const lineage = await LineageStore.open(directory.path);
  await lineage.add(undoes);
  expect(lineage.record.clusterId).toBe(undoes.clusterId);
  await lineage.revoke(undoes, UNDO);
  const { record } = await LineageStore.open(directory.path);
  expect(record).toEqual(lineage.record);
  expect(record).toMatchObject({
    clusterId: undoes.parentClusterId,
    generations: [{ operation: undoes.operation, revokedBy: UNDO }],
  });
});

test('a host that never heard of a restore knows of it once it took part in the undo', async () => {
  await using directory = await temporaryDirectory();
  const lineage = await LineageStore.open(directory.path);
  await lineage.revoke(undoes, UNDO);
  expect(lineage.record.generations).toEqual([{ ...undoes, revokedBy: UNDO }]);
});

test('a host that finishes a restore after it heard of its undo does not bring it back', async () => {
  await using directory = await temporaryDirectory();
  const lineage = await LineageStore.open(directory.path);
  await lineage.learn([{ ...undoes, revokedBy: UNDO }]);
  await lineage.add(undoes);
  expect(lineage.record.generations).toEqual([{ ...undoes, revokedBy: UNDO }]);
});
