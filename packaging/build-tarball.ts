import { execa } from 'execa';
import { basename, join } from 'node:path';
import { relativeWrapperText } from '../src/install/wrapper-text.ts';
import type { BuildFacts } from './build-deb.ts';
import type { Processor } from './node-runtime-pins.ts';
import { copyEntry, textEntry, writeEntries, type PackageEntry } from './package-entry.ts';
import { documentEntries, programEntries, systemdFiles, type PayloadSources } from './payload.ts';

/**
 * Makes the .tar.gz and returns its path: a tree that runs where it is unpacked, and that `lifeboat install` copies below a prefix. GNU tar, with
 * sorted names, one date and no owners, so that the same commit gives the same bytes.
 */
export async function buildTarball(
  sources: PayloadSources,
  processor: Processor,
  facts: BuildFacts,
): Promise<string> {
  const name = `etcd-lifeboat-${facts.release}-linux-${processor}`;
  const tree = join(facts.scratch, `tar-${processor}`);
  await writeEntries(join(tree, name), await tarballEntries(sources), facts.modifiedSeconds);
  const target = join(facts.outputDirectory, `${name}.tar.gz`);
  const options = [
    '--sort=name',
    '--format=gnu',
    `--mtime=@${facts.modifiedSeconds}`,
    '--owner=root:0',
    '--group=root:0',
    '--mode=go-w,a+rX',
    '--use-compress-program=gzip --no-name -6',
  ];
  await execa('tar', [...options, '--create', '--file', target, '--directory', tree, name]);
  return target;
}

async function tarballEntries(sources: PayloadSources): Promise<PackageEntry[]> {
  const units = await systemdFiles(sources.root);
  return [
    textEntry('bin/lifeboat', relativeWrapperText(), 0o755),
    ...programEntries(sources),
    ...units.map((file) => copyEntry(`lib/etcd-lifeboat/systemd/${basename(file)}`, file)),
    copyEntry('share/doc/etcd-lifeboat/LICENSE', join(sources.root, 'LICENSE')),
    ...(await documentEntries(sources)),
  ];
}
