import { execa } from 'execa';
import { join } from 'node:path';
import { controlEntries, debEntries } from './deb-layout.ts';
import { DEBIAN_ARCHITECTURE, type Processor } from './node-runtime-pins.ts';
import { writeEntries } from './package-entry.ts';
import type { PayloadSources } from './payload.ts';

export interface BuildFacts {
  readonly release: string;
  /** What all files are dated: the commit's time, so that the same commit gives the same bytes. */
  readonly modifiedSeconds: number;
  /** For the trees that are packed; removed by whoever made it. */
  readonly scratch: string;
  readonly outputDirectory: string;
}

/**
 * Makes the .deb and returns its path. xz, because dpkg of Debian 11 does not read zstd; level 2, because 6 takes three times as long to save an
 * eighth. The number of threads does not change the bytes: dpkg-deb cuts into blocks first.
 */
export async function buildDeb(
  sources: PayloadSources,
  processor: Processor,
  facts: BuildFacts,
): Promise<string> {
  const tree = join(facts.scratch, `deb-${processor}`);
  const files = await debEntries(sources, facts);
  const control = await controlEntries(sources, processor, facts.release, files);
  await writeEntries(tree, [...files, ...control], facts.modifiedSeconds);
  const name = `etcd-lifeboat_${facts.release}_${DEBIAN_ARCHITECTURE[processor]}.deb`;
  const target = join(facts.outputDirectory, name);
  const options = ['--root-owner-group', '-Zxz', '-z2'];
  await execa('dpkg-deb', [...options, '--build', tree, target], {
    env: { SOURCE_DATE_EPOCH: String(facts.modifiedSeconds) },
  });
  return target;
}
