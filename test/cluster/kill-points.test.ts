import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import type { KillLane } from '../kill/kill-lane.ts';
import { laneOf } from '../kill/paths.ts';
import { runCell } from '../kill/run-cell.ts';

// A few telling rows of the whole table, which `npm run test:kill` makes. Each run also finds every key, the old data as it was,
// no staging, no hold, one etcd on each host, and the end in every audit log.

let scratch: Awaited<ReturnType<typeof temporaryDirectory>>;
let lane: KillLane;

beforeAll(async () => {
  scratch = await temporaryDirectory();
  lane = laneOf('commit', scratch.path);
  await lane.prepare();
});
afterAll(() => scratch[Symbol.asyncDispose]());

test('a participant that is killed between the two renames of the swap comes into the new cluster', async () => {
  const point = 'before committing/install-member/done';
  expect(await runCell(lane, { path: 'commit', role: 'participant', point })).toMatchObject({
    end: 'finished',
    typed: [],
  });
});

test('a coordinator that is killed when it alone knows that the commit is decided goes on with it', async () => {
  const point = 'after decided/first=commit+operation/committing';
  expect(await runCell(lane, { path: 'commit', role: 'coordinator', point })).toMatchObject({
    end: 'finished',
    typed: [],
  });
});

test('a coordinator that is killed before it proposed the commit, and is taken over, finds the restore aborted', async () => {
  const point = 'before proposed/first=commit';
  expect(await runCell(lane, { path: 'commit', role: 'gone', point })).toMatchObject({ end: 'aborted' });
});

test('a coordinator that is killed after the commit, and is taken over, comes into the new cluster', async () => {
  const point = 'after decided/first=commit+operation/committing';
  expect(await runCell(lane, { path: 'commit', role: 'gone', point })).toMatchObject({ end: 'finished' });
});
