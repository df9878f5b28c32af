import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readRelease } from '../src/base/release.ts';
import { formatBytes } from '../src/base/units.ts';
import { buildDeb, type BuildFacts } from './build-deb.ts';
import { buildTarball } from './build-tarball.ts';
import { bundleAgent, type Bundle } from './bundle-agent.ts';
import { commandLineEntries } from './command-line-files.ts';
import { fetchNodeRuntime } from './fetch-node-runtime.ts';
import type { Processor } from './node-runtime-pins.ts';
import { readOptions, USAGE, type PackageOptions } from './options.ts';
import { sourceDateSeconds } from './source-date.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

try {
  await makePackages(readOptions(process.argv.slice(2), ROOT));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof TypeError) process.stderr.write(`${USAGE}\n`);
  process.exitCode = 1;
}

async function makePackages({ outputDirectory, processors }: PackageOptions): Promise<void> {
  const release = readRelease();
  const scratch = await mkdtemp(join(tmpdir(), 'etcd-lifeboat-package-'));
  try {
    const facts = { release, modifiedSeconds: await sourceDateSeconds(ROOT), scratch, outputDirectory };
    await mkdir(outputDirectory, { recursive: true });
    const bundle = await bundleAgent(ROOT, release);
    // Both at once: xz takes most of the time, and one thread.
    const made = await Promise.all(processors.map((processor) => makeBoth(bundle, processor, facts)));
    await writeSums(outputDirectory, made.flat());
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function makeBoth(bundle: Bundle, processor: Processor, facts: BuildFacts): Promise<string[]> {
  const node = await fetchNodeRuntime(processor, facts.scratch);
  const commandLine = commandLineEntries(facts.release, facts.modifiedSeconds);
  const sources = { root: ROOT, commandLine, bundle, node };
  return [await buildTarball(sources, processor, facts), await buildDeb(sources, processor, facts)];
}

async function writeSums(directory: string, files: readonly string[]): Promise<void> {
  const lines: string[] = [];
  for (const file of files.toSorted()) {
    const sha256 = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    lines.push(`${sha256}  ${basename(file)}\n`);
    process.stdout.write(`${file}  ${formatBytes((await stat(file)).size)}\n`);
  }
  await writeFile(join(directory, 'SHA256SUMS'), lines.join(''));
}
