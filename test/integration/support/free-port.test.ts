import { execa } from 'execa';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { freePorts } from '../../support/free-port.ts';

const MODULE = join(import.meta.dirname, '..', '..', 'support', 'free-port.ts');
/** So many that two who choose blindly would meet about a hundred times. */
const MANY = 1500;

test('processes that want ports at the same time are never given the same one', async () => {
  const script = `import { freePorts } from ${JSON.stringify(MODULE)};
    console.log(JSON.stringify(await freePorts(${MANY})));
    await new Promise((resolve) => process.stdin.on('end', resolve).resume());`;
  const other = execa(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    stdin: 'pipe',
  });
  const [line] = (await once(createInterface(other.stdout), 'line')) as [string];
  const theirs = new Set(JSON.parse(line) as number[]);

  const ours = new Set(await freePorts(MANY));

  other.stdin.end();
  await other;
  expect([theirs.size, ours.size]).toEqual([MANY, MANY]);
  expect([...ours].filter((port) => theirs.has(port))).toEqual([]);
});
