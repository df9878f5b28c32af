import { build } from 'esbuild';
import { collectLicenses } from './collect-licenses.ts';

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
  // Node is named by whoever starts it.
  const text = output.text.replace(/^#!.*\n/, '');
  return { text, licenses: await collectLicenses(root, Object.keys(metafile.inputs)) };
}
