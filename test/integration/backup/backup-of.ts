import { systemClock } from '../../../src/base/clock.ts';
import { createBackup, type Backup, type BackupOptions } from '../../../src/backup/take-snapshot.ts';
import { connectEtcd, type EtcdClient } from '../../../src/etcd/client.ts';
import type { Catalog } from '../../../src/snapshot/catalog.ts';
import type { RunningEtcd } from '../../support/etcd-process.ts';
import { openTestCatalog } from '../../support/open-catalog.ts';
import { silentLog } from '../../support/silent-log.ts';
import { testProver } from '../../support/thread-programs.ts';

export interface TestBackup extends AsyncDisposable {
  readonly backup: Backup;
  readonly catalog: Catalog;
  readonly etcd: EtcdClient;
  readonly options: BackupOptions;
  readonly scratch: string;
}

/** A backup of one running member into an empty catalog. */
export async function backupOf(
  member: RunningEtcd,
  changes: Partial<Omit<BackupOptions, 'settings'>> & { settings?: Partial<BackupOptions['settings']> } = {},
): Promise<TestBackup> {
  const place = await openTestCatalog();
  const etcd = connectEtcd({ endpoint: member.endpoint, requestTimeoutMs: 3000 });
  const options: BackupOptions = {
    catalog: place.catalog,
    etcd,
    prover: testProver,
    isMemberRunning: () => Promise.resolve(true),
    clock: systemClock,
    log: silentLog,
    ...changes,
    settings: {
      agent: 'host-a',
      memberName: member.name,
      dataDir: member.dataDir,
      keep: 10,
      stallMs: 20_000,
      compareHashUpToBytes: 1 << 30,
      ...changes.settings,
    },
  };
  return {
    backup: createBackup(options),
    catalog: place.catalog,
    etcd,
    options,
    scratch: place.scratch,
    [Symbol.asyncDispose]: async () => {
      etcd.close();
      await place[Symbol.asyncDispose]();
    },
  };
}
