import { execa } from 'execa';
import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { etcdBinary } from './etcd-binaries.ts';
import { startEtcd, type RunningEtcd } from './etcd-process.ts';
import { isBuilt, pinnedReleases, programsOf } from './etcd-releases.ts';
import { putMany } from './put-many.ts';
import { snapshotStatus } from './restore-snapshot.ts';
import { temporaryDirectory } from './temporary-directory.ts';

// `npm run fixtures`: small real databases of each etcd at hand, with what its own tool says of them. Checked in, so that
// the reader is tried on every version where only one is there. Run it again for a new version, not to make them newer.

const FIXTURES = join(import.meta.dirname, '..', 'fixtures');
const MOST_BYTES = 100 * 1024;

/** Keys that are overwritten, deleted, bound to a lease, and a history of which half is gone. */
async function fill(etcd: RunningEtcd): Promise<void> {
  await putMany(etcd, 120, 40);
  await etcd.ctl('put', 'key-000001', 'written again');
  await etcd.ctl('del', 'key-00002', '--prefix');
  await etcd.ctl('put', 'key-000020', 'put back');
  const leased = await etcd.ctl('lease', 'grant', '315360000');
  await etcd.ctl('put', 'leased', 'yes', '--lease', /lease (\w+)/.exec(leased)?.[1] ?? '');
  await etcd.ctl('lease', 'grant', '315360000');
  await etcd.ctl('compact', '60', '--physical');
  await etcd.ctl('put', 'last', 'after the compaction');
}

async function makeFixture(): Promise<string> {
  const version = /etcd Version: (\S+)/.exec((await execa(etcdBinary('etcd'), ['--version'])).stdout)?.[1];
  if (version === undefined) throw new Error('etcd does not say its version');
  const place = join(FIXTURES, `etcd-${version}`);
  await mkdir(place, { recursive: true });
  await using scratch = await temporaryDirectory();
  await using etcd = await startEtcd();
  await fill(etcd);
  const [streamed, copied] = [join(scratch.path, 'streamed.db'), join(scratch.path, 'copied.db')];
  await etcd.ctl('snapshot', 'save', streamed);
  const keys = (await etcd.ctl('get', '', '--prefix', '--keys-only')).split('\n').filter((key) => key !== '');
  await etcd.stop();
  await copyFile(join(etcd.dataDir, 'member', 'snap', 'db'), copied);
  const status: Record<string, unknown> = {};
  for (const [name, path] of Object.entries({ streamed, copied })) {
    const packed = gzipSync(await readFile(path), { level: 9 });
    if (packed.length > MOST_BYTES) throw new Error(`${name} of ${version} has ${packed.length} bytes`);
    await writeFile(join(place, `${name}.db.gz`), packed);
    status[name] = { sizeBytes: (await stat(path)).size, status: await snapshotStatus(path) };
  }
  const recorded = { version, liveKeys: keys.length, compactRevision: 60, leases: 2, ...status };
  await writeFile(join(place, 'recorded.json'), `${JSON.stringify(recorded, null, 2)}\n`);
  return `etcd ${version}  ${place}`;
}

for (const directory of [undefined, ...pinnedReleases().filter(isBuilt).map(programsOf)]) {
  if (directory === undefined) delete process.env['LIFEBOAT_ETCD_BIN'];
  else process.env['LIFEBOAT_ETCD_BIN'] = directory;
  process.stdout.write(`${await makeFixture()}\n`);
}
