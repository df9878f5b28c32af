import { execa } from 'execa';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The directory with the packages that `npm run package` made, once for all files. */
    packages: string;
  }
}

let directory: string | undefined;

/** Makes the packages before the first test of the project. */
export async function setup(project: TestProject): Promise<void> {
  directory = await mkdtemp(join(tmpdir(), 'lifeboat-packages-'));
  await execa('npm', ['run', '--silent', 'package', '--', '--out', directory]);
  project.provide('packages', directory);
}

/** Removes them after the last. */
export async function teardown(): Promise<void> {
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
}
