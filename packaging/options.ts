import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PROCESSORS, type Processor } from './node-runtime-pins.ts';

export interface PackageOptions {
  readonly outputDirectory: string;
  readonly processors: readonly Processor[];
}

export const USAGE = `npm run package -- [--out DIRECTORY] [--arch x64|arm64]
  --out   where the packages go (default: dist/package)
  --arch  for this processor only (default: all)`;

/** @throws {TypeError} with words for the person who typed. */
export function readOptions(args: readonly string[], root: string): PackageOptions {
  const { values } = parseArgs({
    args: [...args],
    options: { out: { type: 'string' }, arch: { type: 'string' } },
  });
  const { out, arch } = values;
  const processors = PROCESSORS.filter((processor) => arch === undefined || arch === processor);
  if (processors.length === 0) throw new TypeError(`--arch takes ${PROCESSORS.join(' or ')}`);
  return { outputDirectory: resolve(root, out ?? 'dist/package'), processors };
}
