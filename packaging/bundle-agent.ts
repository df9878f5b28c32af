import { build, type Metafile } from 'esbuild';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Bundle {
  /** One ES module. It imports nothing but Node, so that what is loaded once needs no file any more. */
  readonly text: string;
  /** The licenses of the packages that went into it, one after the other. */
  readonly licenses: string;
}

// What is CommonJS in the bundle asks for Node's modules by `require`, which an ES module does not have.
const REQUIRE = `import { createRequire as lifeboatRequire } from 'node:module'; const require = lifeboatRequire(import.meta.url);`;

/** The program as one file. Names and lines are kept: a stack in a log must mean something. */
export async function bundleAgent(root: string, release: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/main.ts'],
    outfile: 'lifeboat.mjs',
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    legalComments: 'none',
    banner: { js: REQUIRE },
    define: { LIFEBOAT_RELEASE: JSON.stringify(release) },
    logLevel: 'warning',
  });
  const [output] = outputFiles;
  if (output === undefined || outputFiles.length > 1) throw new Error('the bundle must be one file');
  return { text: output.text, licenses: await licensesOf(root, packagesIn(metafile)) };
}

/** The directories below `node_modules` that files of the bundle came from. */
function packagesIn(metafile: Metafile): string[] {
  const directories = Object.keys(metafile.inputs).flatMap((input) => {
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    return match?.[1] === undefined ? [] : [match[1]];
  });
  return [...new Set(directories)].toSorted();
}

async function licensesOf(root: string, packages: readonly string[]): Promise<string> {
  const parts = await Promise.all(packages.map((directory) => licenseOf(join(root, directory))));
  return parts.join('\n');
}

async function licenseOf(directory: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string;
  };
  const file = (await readdir(directory)).toSorted().find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  if (license === undefined && file === undefined) throw new Error(`${name} ${version} names no license`);
  const text =
    file === undefined
      ? `${license ?? ''} (it ships no text)`
      : await readFile(join(directory, file), 'utf8');
  return `${name} ${version} (${license ?? 'see below'})\n${'='.repeat(72)}\n${text.trimEnd()}\n`;
}
