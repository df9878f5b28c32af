import type { MatrixOptions, Suite } from './options.ts';

/** One run of one suite. */
export interface Cell {
  /** `system` or a minor release. */
  readonly etcd: string;
  /** A major release, or `undefined` for the Node that runs this. */
  readonly node: string | undefined;
  readonly suite: Suite;
}

/** Which runs the options ask for, in the order of the table. */
export function cellsOf(
  options: MatrixOptions,
  machine: { readonly etcd: readonly string[]; readonly node: readonly string[]; readonly ownNode: string },
): Cell[] {
  return pairsOf(options, machine).flatMap((pair) => options.suites.map((suite) => ({ ...pair, suite })));
}

function pairsOf(
  { etcd, node }: MatrixOptions,
  machine: Parameters<typeof cellsOf>[1],
): Pick<Cell, 'etcd' | 'node'>[] {
  const releases = ['system', ...machine.etcd];
  if (node !== undefined) {
    const etcds = etcd ?? ['system'];
    return node.flatMap((major) => etcds.map((release) => ({ etcd: release, node: major })));
  }
  const rows = (etcd ?? releases).map((release) => ({ etcd: release, node: undefined }));
  if (etcd !== undefined) return rows;
  const others = machine.node.filter((major) => major !== machine.ownNode);
  return [...rows, ...others.map((major) => ({ etcd: 'system', node: major }))];
}
