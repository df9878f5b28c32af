import { delimiter, dirname } from 'node:path';
import { chooseRestoreTool } from '../../../src/restore-tool/choose-tool.ts';
import { etcdVersion } from '../../../src/restore-tool/etcd-version.ts';
import { findRestoreTools } from '../../../src/restore-tool/find-tools.ts';
import type { RestoreTool } from '../../../src/restore-tool/restore-tool.ts';
import { etcdBinary, findEtcdBinary } from '../../support/etcd-binaries.ts';

const NEVER = new AbortController().signal;

/** The tools beside the etcd under test. */
export async function localTools(): Promise<RestoreTool[]> {
  const paths = [findEtcdBinary('etcdutl'), findEtcdBinary('etcdctl')].filter((path) => path !== undefined);
  const searchPath = [...new Set(paths.map((path) => dirname(path)))].join(delimiter);
  return await findRestoreTools({ searchPath }, NEVER);
}

/** The one that fits the etcd under test. */
export async function fittingTool(): Promise<RestoreTool> {
  const version = await etcdVersion({ etcdPath: etcdBinary('etcd'), searchPath: '' }, NEVER);
  return chooseRestoreTool(await localTools(), version);
}
