import { build, type OutputFile } from 'esbuild';
import { collectLicenses } from './collect-licenses.ts';

export interface Bundle {
  /** One ES module. It imports nothing but Node, so that what is loaded once needs no file any more. */
  readonly text: string;
  /** The licenses of the packages that went into it, one after the other. */
  readonly licenses: string;
}

// What is CommonJS in the bundle asks for Node's modules by `require`, which an ES module does not have.
const REQUIRE = `import { createRequire as lifeboatRequire } from 'node:module'; const require = lifeboatRequire(import.meta.url);`;

const COMMON = {
  bundle: true,
  write: false,
  metafile: true,
  platform: 'node',
  // As package.json says of `engines`.
  target: 'node20',
  legalComments: 'none',
  logLevel: 'warning',
} as const;

/** The program as one file, its threads' program inside. Names and lines are kept: a stack in a log must mean something. */
export async function bundleAgent(root: string, release: string): Promise<Bundle> {
  const thread = await bundleThread(root);
  const { outputFiles, metafile } = await build({
    ...COMMON,
    absWorkingDir: root,
    entryPoints: ['src/main.ts'],
    outfile: 'lifeboat.mjs',
    format: 'esm',
    banner: { js: REQUIRE },
    define: { LIFEBOAT_RELEASE: JSON.stringify(release), LIFEBOAT_THREAD: JSON.stringify(thread.text) },
  });
  // Node is named by whoever starts it.
  const text = onlyText(outputFiles).replace(/^#!.*\n/, '');
  const sources = [...new Set([...Object.keys(metafile.inputs), ...thread.sources])];
  return { text, licenses: await collectLicenses(root, sources) };
}

/** What the threads of the program run, as the text of one CommonJS module: text that Node runs as it is has to be that. */
export async function bundleThread(root: string): Promise<{ text: string; sources: readonly string[] }> {
  const { outputFiles, metafile } = await build({
    ...COMMON,
    absWorkingDir: root,
    entryPoints: ['src/thread.ts'],
    outfile: 'thread.cjs',
    format: 'cjs',
  });
  return { text: onlyText(outputFiles), sources: Object.keys(metafile.inputs) };
}

function onlyText(files: readonly OutputFile[]): string {
  const [output] = files;
  if (output === undefined || files.length > 1) throw new Error('the bundle must be one file');
  return output.text;
}
