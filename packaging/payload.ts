import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Bundle } from './bundle-agent.ts';
import type { NodeRuntime } from './fetch-node-runtime.ts';
import { NODE_RUNTIME } from './node-runtime-pins.ts';
import { copyEntry, textEntry, type PackageEntry } from './package-entry.ts';

/** What both kinds of package carry, below the prefix that they are for (`usr/` in a .deb). */
export interface PayloadSources {
  readonly root: string;
  /** The manual page and the completions. */
  readonly commandLine: readonly PackageEntry[];
  readonly bundle: Bundle;
  readonly node: NodeRuntime;
}

const DOCUMENTS = ['README.md', 'CHANGELOG.md', 'config.example.yaml'];

/** The program: our bundle, the Node that runs it, and what shells and `man` know of it. */
export function programEntries({ bundle, node, commandLine }: PayloadSources): PackageEntry[] {
  return [
    ...commandLine,
    copyEntry('lib/etcd-lifeboat/node', node.program, 0o755),
    textEntry('lib/etcd-lifeboat/lifeboat.mjs', bundle.text),
  ];
}

/** The documents that the repository has, with the licenses of all that is inside. */
export async function documentEntries({ root, bundle, node }: PayloadSources): Promise<PackageEntry[]> {
  const pages = await readdir(join(root, 'docs'), { recursive: true, withFileTypes: true });
  const paths = pages
    .filter((page) => page.isFile())
    .map((page) => join(page.parentPath, page.name).slice(root.length + 1))
    .toSorted();
  return [
    ...[...DOCUMENTS, ...paths].map((path) => copyEntry(inDocuments(path), join(root, path))),
    textEntry(inDocuments('copyright'), COPYRIGHT),
    textEntry(inDocuments('licenses-of-packages.txt.gz'), bundle.licenses),
    textEntry(inDocuments('license-of-node.txt.gz'), await readFile(node.license, 'utf8')),
  ];
}

function inDocuments(path: string): string {
  return `share/doc/etcd-lifeboat/${path}`;
}

const COPYRIGHT = `Copyright 2026 The etcd-lifeboat authors

etcd-lifeboat is under the Apache License, version 2.0.
Debian systems have its text in /usr/share/common-licenses/Apache-2.0; where that is not there, it is
https://www.apache.org/licenses/LICENSE-2.0.

lib/etcd-lifeboat/node is Node.js ${NODE_RUNTIME.version} as nodejs.org publishes it:
license-of-node.txt.gz holds its license and those of what it contains.
lib/etcd-lifeboat/lifeboat.mjs contains npm packages:
licenses-of-packages.txt.gz holds their licenses.
`;

/** Where systemd and polkit look for a file of `systemd/`, as a vendor's file, from the root of the file system. */
export function vendorPathOf(file: string): string {
  const name = basename(file);
  if (name === 'etcd-hold.conf') return 'lib/systemd/system/etcd.service.d/50-lifeboat-hold.conf';
  if (name === 'etcd-hold@.conf') return 'lib/systemd/system/etcd@.service.d/50-lifeboat-hold.conf';
  if (name.endsWith('.service')) return `lib/systemd/system/${name}`;
  if (name.endsWith('.rules')) return `usr/share/polkit-1/rules.d/${name}`;
  throw new Error(`${file}: say in packaging/payload.ts where a package puts it`);
}

/** The files of `systemd/`, by absolute path. */
export async function systemdFiles(root: string): Promise<string[]> {
  const directory = join(root, 'systemd');
  return (await readdir(directory)).toSorted().map((name) => join(directory, name));
}
