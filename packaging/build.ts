import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readRelease } from '../src/base/release.ts';
import { bundleAgent } from './bundle-agent.ts';

// `npm run build`: the program that the packages have, as `dist/main.js`, for a host that has Node.

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const PROGRAM = join(DIST, 'main.js');

const { text } = await bundleAgent(join(DIST, '..'), readRelease());
await mkdir(DIST, { recursive: true });
// Renamed, as one that runs may read its own file for a stack trace.
await writeFile(`${PROGRAM}.partial`, `#!/usr/bin/env node\n${text}`, { mode: 0o755 });
await rename(`${PROGRAM}.partial`, PROGRAM);
