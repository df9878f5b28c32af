import { execa } from 'execa';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Cruise {
  readonly summary: {
    readonly totalCruised: number;
    readonly error: number;
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
}

/** A small house: sound files, and one with a wrong import for each rule. */
const HOUSE: Readonly<Record<string, string>> = {
  'src/main.ts': `import './cli/sound.ts';`,
  'src/cli/sound.ts': `import '../agent/sound.ts'; import 'commander';`,
  'src/agent/sound.ts': `import { config } from '../config/sound.ts'; import '../etcd/sound.ts'; export const agent = config;`,
  'src/etcd/sound.ts': `import type { Config } from '../config/sound.ts'; import { low } from '../base/sound.ts'; import './generated/inner.ts'; export const etcd: Config = low;`,
  'src/etcd/generated/inner.ts': `export const inner = 1;`,
  'src/config/sound.ts': `import { low } from '../base/sound.ts'; import 'zod'; import 'yaml'; export type Config = number; export const config = low;`,
  'src/base/sound.ts': `import 'execa'; export const low = 1;`,

  'src/base/upwards.ts': `import '../etcd/sound.ts';`,
  'src/etcd/upwards-by-type.ts': `import type { agent } from '../agent/sound.ts'; export type A = typeof agent;`,
  'src/mesh/sideways.ts': `import '../etcd/sound.ts';`,
  'src/mesh/round.ts': `import './about.ts';`,
  'src/mesh/about.ts': `import './round.ts';`,
  'src/mesh/grpc.ts': `import '@grpc/grpc-js';`,
  'src/supervisor/processes.ts': `import 'execa';`,
  'src/supervisor/child.ts': `import 'node:child_process';`,
  'src/supervisor/required-child.ts': `process.getBuiltinModule('node:child_process');`,
  'src/storage/schema.ts': `import 'zod';`,
  'src/storage/yaml.ts': `import 'yaml';`,
  'src/storage/log.ts': `import 'pino';`,
  'src/storage/socket.ts': `import 'ws';`,
  'src/storage/cron.ts': `import 'node-cron';`,
  'src/storage/sum.ts': `import 'hash-wasm';`,
  'src/storage/metrics.ts': `import 'prom-client';`,
  'src/agent/prompts.ts': `import '@clack/prompts';`,
  'src/schedule/settings.ts': `import { config } from '../config/sound.ts'; export const cron = config;`,
  'src/http/room.ts': `import '../etcd/sound.ts';`,
  'src/restore/inside.ts': `import '../etcd/generated/inner.ts';`,
  'src/restore/layout.ts': `import 'node:fs';`,
  'src/restore/plan-decision.ts': `import 'node:path';`,
  'src/bbolt/index.ts': `export const barrel = 1;`,
  'src/bbolt/barrel.ts': `import './index.ts';`,
  'src/bbolt/alone.ts': `export const alone = 1;`,
  'src/bbolt/missing.ts': `import './nowhere.ts';`,
  'src/bbolt/tool.ts': `import 'fast-check';`,
  'src/bbolt/test.ts': `import '../../test/helper.ts';`,
  'test/helper.ts': `export const helper = 1;`,
};

const BREACHES: readonly [breach: string, file: string, rule: string][] = [
  ['a room that imports a higher floor', 'src/base/upwards.ts', 'floor-base'],
  ['a type from a higher floor', 'src/etcd/upwards-by-type.ts', 'floor-etcd'],
  ['a room that imports its neighbour', 'src/mesh/sideways.ts', 'floor-mesh'],
  ['two files that need each other', 'src/mesh/about.ts', 'no-cycles'],
  ['gRPC outside etcd', 'src/mesh/grpc.ts', 'etcd-speaks-grpc'],
  ['execa in a room', 'src/supervisor/processes.ts', 'processes-start-in-base'],
  ['child_process in a room', 'src/supervisor/child.ts', 'processes-start-in-base'],
  ['child_process by the back door', 'src/supervisor/required-child.ts', 'processes-start-in-base'],
  ['a schema outside formats and config', 'src/storage/schema.ts', 'schemas-in-two-rooms'],
  ['YAML outside config', 'src/storage/yaml.ts', 'yaml-is-configuration'],
  ['a second logger', 'src/storage/log.ts', 'one-logger'],
  ['a WebSocket outside mesh', 'src/storage/socket.ts', 'mesh-speaks-websocket'],
  ['a checksum library outside base', 'src/storage/sum.ts', 'one-door-to-hash-wasm'],
  ['cron outside schedule', 'src/storage/cron.ts', 'one-door-to-cron'],
  ['metrics outside observe', 'src/storage/metrics.ts', 'one-metrics-library'],
  ['prompts outside cli', 'src/agent/prompts.ts', 'cli-owns-commander'],
  ['a room that loads settings itself', 'src/schedule/settings.ts', 'settings-are-handed-in'],
  ['a web face that sees a room', 'src/http/room.ts', 'http-sees-a-view'],
  ["another room's inner folder", 'src/restore/inside.ts', 'inner-rooms-are-private'],
  ['a decision that reads the disk', 'src/restore/layout.ts', 'decisions-are-pure'],
  ['a barrel', 'src/bbolt/barrel.ts', 'no-barrels'],
  ['a file that nobody needs', 'src/bbolt/alone.ts', 'no-orphans'],
  ['an import of nothing', 'src/bbolt/missing.ts', 'nothing-missing'],
  ['a tool that users do not have', 'src/bbolt/tool.ts', 'no-dev-dependency-at-run-time'],
  ['a product that imports its tests', 'src/bbolt/test.ts', 'src-knows-no-test'],
];

let rulesBroken: ReadonlyMap<string, readonly string[]>;
let configuredRules: readonly string[];

beforeAll(async () => {
  await using house = await temporaryDirectory();
  for (const [path, text] of Object.entries(HOUSE)) {
    await mkdir(join(house.path, dirname(path)), { recursive: true });
    await writeFile(join(house.path, path), `${text}\n`);
  }
  for (const file of ['.dependency-cruiser.js', 'tsconfig.json', 'package.json']) {
    await copyFile(join(ROOT, file), join(house.path, file));
  }
  await symlink(join(ROOT, 'node_modules'), join(house.path, 'node_modules'));
  const { violations } = (await cruise(house.path)).summary;
  rulesBroken = new Map(
    Object.keys(HOUSE).map((file) => [
      file,
      violations.filter(({ from }) => from === file).map(({ rule }) => rule.name),
    ]),
  );
  const { default: plan } = (await import(join(ROOT, '.dependency-cruiser.js'))) as {
    default: { forbidden: readonly { name: string }[] };
  };
  configuredRules = plan.forbidden.map(({ name }) => name);
});

test.each(BREACHES)('%s is reported', (_, file, rule) => {
  expect(rulesBroken.get(file)).toContain(rule);
});

test('every rule has a breach that shows that it works; the floors share theirs', () => {
  const shown = new Set(BREACHES.map(([, , rule]) => rule));
  expect(configuredRules.filter((name) => !shown.has(name) && !name.startsWith('floor-'))).toEqual([]);
});

test('what is sound is not reported', () => {
  const sound = [...rulesBroken].filter(([file]) =>
    /sound|inner[.]ts|main[.]ts|plan-decision|helper/.test(file),
  );
  expect(sound.length).toBeGreaterThan(6);
  // Nobody imports the pure decision in this small house.
  expect(sound.flatMap(([, rules]) => rules).filter((rule) => rule !== 'no-orphans')).toEqual([]);
});

test('the house itself keeps to its plan, and was really read', async () => {
  const { summary } = await cruise(ROOT);
  expect(summary.totalCruised).toBeGreaterThan(50);
  expect(summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} -> ${to}`)).toEqual([]);
});

async function cruise(directory: string): Promise<Cruise> {
  const { stdout } = await execa(
    join(ROOT, 'node_modules/.bin/depcruise'),
    ['--config', '.dependency-cruiser.js', '--output-type', 'json', 'src', 'test'],
    { cwd: directory, reject: false, maxBuffer: 64 * 1024 * 1024 },
  );
  return JSON.parse(stdout) as Cruise;
}
