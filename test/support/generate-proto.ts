import { execa } from 'execa';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = join(import.meta.dirname, '..', '..');
const BIN = join(ROOT, 'node_modules', '.bin');
const CHECKED_IN = join(ROOT, 'src', 'etcd', 'generated');

/** Node types (Buffer, grpc-js), 64-bit integers exact, and nothing that type stripping cannot erase. */
const TS_PROTO_OPTIONS = [
  'env=node',
  'esModuleInterop=true',
  'importSuffix=.ts',
  'forceLong=bigint',
  'oneof=unions-value',
  'enumsAsLiterals=true',
  'unrecognizedEnum=false',
  'outputServices=grpc-js',
  'outputJsonMethods=false',
];

/** Writes the TypeScript of everything in proto/ to `directory`. */
async function generateProto(directory: string): Promise<void> {
  const plugin = { local: join(BIN, 'protoc-gen-ts_proto'), out: directory, opt: TS_PROTO_OPTIONS };
  const template = JSON.stringify({ version: 'v2', plugins: [plugin] });
  await execa(join(BIN, 'buf'), ['generate', join(ROOT, 'proto'), '--template', template], { cwd: ROOT });
}

/** The generated files that are not what proto/ says: missing, different or left over. Empty when all is current. */
export async function staleGeneratedFiles(): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'lifeboat-proto-'));
  try {
    await generateProto(directory);
    const [fresh, checkedIn] = await Promise.all([filesBelow(directory), filesBelow(CHECKED_IN)]);
    const names = [...new Set([...fresh.keys(), ...checkedIn.keys()])].sort();
    return names.filter((name) => fresh.get(name) !== checkedIn.get(name));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function filesBelow(directory: string): Promise<Map<string, string>> {
  await mkdir(directory, { recursive: true });
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(names.map((name) => readFile(name, 'utf8')));
  return new Map(names.map((name, index) => [name.slice(directory.length + 1), texts[index] ?? '']));
}

async function main(mode: string | undefined): Promise<void> {
  if (mode === '--write') {
    await rm(CHECKED_IN, { recursive: true, force: true });
    await mkdir(CHECKED_IN, { recursive: true });
    await generateProto(CHECKED_IN);
    return;
  }
  const stale = await staleGeneratedFiles();
  if (stale.length === 0) return;
  process.stderr.write(
    `not what proto/ says; run \`npm run proto\`:\n${stale.map((name) => `  ${name}\n`).join('')}`,
  );
  process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv[2]);
