import { execa } from 'execa';
import { fileURLToPath } from 'node:url';

/** Before the first test of a project: dependencies, etcd and a build, as far as they are not there. */
export async function setup(): Promise<void> {
  await execa(process.execPath, [fileURLToPath(new URL('prepare.mjs', import.meta.url)), '--quiet']);
}
