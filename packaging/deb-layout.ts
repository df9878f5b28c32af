import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { wrapperText } from '../src/install/wrapper-text.ts';
import { DEBIAN_ARCHITECTURE, type Processor } from './node-runtime-pins.ts';
import { compress, copyEntry, textEntry, type PackageEntry } from './package-entry.ts';
import {
  documentEntries,
  programEntries,
  systemdFiles,
  vendorPathOf,
  type PayloadSources,
} from './payload.ts';

const MAINTAINER = 'The etcd-lifeboat authors <etcd-lifeboat@example.org>';

export interface ReleaseFacts {
  readonly release: string;
  readonly modifiedSeconds: number;
}

const SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm'];

/** All files of the .deb but its control directory, from the root of the file system, sorted. */
export async function debEntries(sources: PayloadSources, facts: ReleaseFacts): Promise<PackageEntry[]> {
  const shared = [...programEntries(sources), ...(await documentEntries(sources))];
  const units = await systemdFiles(sources.root);
  const entries: PackageEntry[] = [
    { kind: 'directory', path: 'etc/etcd-lifeboat', mode: 0o750 },
    textEntry('usr/bin/lifeboat', wrapperText('/usr/lib/etcd-lifeboat'), 0o755),
    ...shared.map((entry) => ({ ...entry, path: debianPathOf(entry.path) })),
    ...units.map((file) => copyEntry(vendorPathOf(file), file)),
    textEntry('usr/share/doc/etcd-lifeboat/changelog.gz', changelogText(facts)),
    copyEntry(
      'usr/lib/etcd-lifeboat/active-restore.mjs',
      join(sources.root, 'packaging/debian/active-restore.mjs'),
    ),
    copyEntry(
      'usr/share/lintian/overrides/etcd-lifeboat',
      join(sources.root, 'packaging/debian/lintian-overrides'),
    ),
  ];
  return entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** What policy wants to find; the changes themselves are told in one place. */
function changelogText({ release, modifiedSeconds }: ReleaseFacts): string {
  const date = new Date(modifiedSeconds * 1000).toUTCString().replace('GMT', '+0000');
  return `etcd-lifeboat (${release}) stable; urgency=medium

  * See CHANGELOG.md beside this file.

 -- ${MAINTAINER}  ${date}
`;
}

/** Debian keeps `site-functions` for the administrator's own. */
function debianPathOf(path: string): string {
  return `usr/${path.replace('share/zsh/site-functions/', 'share/zsh/vendor-completions/')}`;
}

/** The control directory: what dpkg is told, and the scripts it runs. */
export async function controlEntries(
  sources: PayloadSources,
  processor: Processor,
  release: string,
  files: readonly PackageEntry[],
): Promise<PackageEntry[]> {
  const directory = join(sources.root, 'packaging/debian');
  const common = await readFile(join(directory, 'common.sh'), 'utf8');
  const scripts = await Promise.all(
    SCRIPTS.map(async (name) => {
      const text = await readFile(join(directory, name), 'utf8');
      return textEntry(`DEBIAN/${name}`, text.replace('#COMMON#\n', common), 0o755);
    }),
  );
  const contents = await Promise.all(files.filter(({ kind }) => kind !== 'directory').map(contentOf));
  const sizeKiB = contents.reduce((sum, { data }) => sum + Math.ceil(data.length / 1024), 0);
  const md5sums = contents.map(
    ({ path, data }) => `${createHash('md5').update(data).digest('hex')}  ${path}\n`,
  );
  return [
    textEntry('DEBIAN/control', await controlText(directory, { processor, release, sizeKiB })),
    textEntry('DEBIAN/md5sums', md5sums.join('')),
    ...scripts,
  ];
}

async function contentOf(entry: PackageEntry): Promise<{ path: string; data: Buffer }> {
  const { path } = entry;
  if (entry.kind === 'directory') return { path, data: Buffer.alloc(0) };
  if (entry.kind === 'copy') return { path, data: await readFile(entry.source) };
  return { path, data: path.endsWith('.gz') ? compress(entry.text) : Buffer.from(entry.text) };
}

interface ControlFacts {
  readonly processor: Processor;
  readonly release: string;
  readonly sizeKiB: number;
}

async function controlText(directory: string, facts: ControlFacts): Promise<string> {
  const template = await readFile(join(directory, 'control'), 'utf8');
  return template
    .replace('@VERSION@', facts.release)
    .replace('@MAINTAINER@', MAINTAINER)
    .replace('@ARCHITECTURE@', DEBIAN_ARCHITECTURE[facts.processor])
    .replace('@INSTALLED_SIZE@', String(facts.sizeKiB));
}
