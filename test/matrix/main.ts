import { pinnedReleases } from '../support/etcd-releases.ts';
import { cellsOf, type Cell } from './cells.ts';
import { NODE_RELEASES, provideNode } from './node-releases.ts';
import { parseOptions, USAGE } from './options.ts';
import { builtEtcd, systemEtcd, type ProvidedEtcd } from './provide-etcd.ts';
import { formatFailures, formatSum, formatTable, sumOf, type Row } from './report.ts';
import { runTests } from './run-tests.ts';

// `npm run test:matrix`: every suite on every etcd and every Node that is pinned. `prepare.mjs` ran before.

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function nodeDirectoryOf(major: string | undefined): Promise<{ version: string; directory?: string }> {
  const release = NODE_RELEASES.find((pinned) => pinned.major === major);
  if (release === undefined) return { version: process.versions.node };
  return { version: release.version, directory: await provideNode(release) };
}

async function runCell(cell: Cell, etcd: ProvidedEtcd): Promise<Row> {
  const node = await nodeDirectoryOf(cell.node);
  const row = { etcd: etcd.version, node: node.version, suite: cell.suite };
  if ('missing' in etcd) return { ...row, outcome: { notRun: etcd.missing } };
  say(`\n== etcd ${etcd.version}, Node ${node.version}: ${cell.suite}`);
  const outcome = await runTests({
    args: ['--project', cell.suite],
    etcdDirectory: etcd.directory,
    nodeDirectory: node.directory,
  });
  return { ...row, outcome };
}

async function main(args: readonly string[]): Promise<void> {
  const known = {
    etcd: pinnedReleases().map(({ minor }) => minor),
    node: NODE_RELEASES.map(({ major }) => major),
  };
  const options = parseOptions(args, known);
  if (options === undefined) {
    process.stdout.write(USAGE);
    return;
  }
  const ownNode = process.versions.node.split('.', 1)[0] ?? '';
  const rows: Row[] = [];
  const provided = new Map<string, ProvidedEtcd>();
  for (const cell of cellsOf(options, { ...known, ownNode })) {
    const etcd =
      provided.get(cell.etcd) ?? (await (cell.etcd === 'system' ? systemEtcd() : builtEtcd(cell.etcd)));
    provided.set(cell.etcd, etcd);
    rows.push(await runCell(cell, etcd));
  }
  const sum = sumOf(rows);
  process.stdout.write(`\n${formatTable(rows)}\n${formatFailures(rows)}${formatSum(sum)}\n`);
  if (sum.failed > 0 || sum.passed === 0) process.exitCode = 1;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
