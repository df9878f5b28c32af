import { join } from 'node:path';
import { namesIn } from '../base/names-in.ts';
import { pathExists } from '../base/path-exists.ts';

const STATE = '/var/lib';

/** The files that keep etcd from being started on this host: those that the units installed here respect. */
export async function holdsInForce(stateParent = STATE): Promise<string[]> {
  const directories = (await namesIn(stateParent)).filter((name) => /^etcd-lifeboat(-.+)?$/.test(name));
  const candidates = directories.map((name) => join(stateParent, name, 'hold'));
  const present = await Promise.all(candidates.map(pathExists));
  return candidates.filter((_, index) => present[index] === true);
}
