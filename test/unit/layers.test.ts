import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

const ROOT = new URL('../../', import.meta.url);
const { FLOORS } = (await import(new URL('.dependency-cruiser.js', ROOT).href)) as {
  FLOORS: readonly (readonly string[])[];
};

test('the floors that are enforced are those of the plan in docs/architecture.md', async () => {
  const plan = await readFile(new URL('docs/architecture.md', ROOT), 'utf8');
  const rows = [...plan.matchAll(/^\| (\d+) +\| `([a-z-]+)\/` +\|/gm)];
  const planned = FLOORS.map((_, floor) =>
    rows.filter(([, number]) => Number(number) === floor).map(([, , room]) => room ?? ''),
  );
  expect(rows.length).toBe(FLOORS.flat().length);
  expect(planned.map((rooms) => rooms.toSorted())).toEqual(FLOORS.map((rooms) => rooms.toSorted()));
});

test('every room stands on a floor', async () => {
  const entries = await readdir(new URL('src/', ROOT), { withFileTypes: true });
  const rooms = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(rooms).toContain('base');
  expect(rooms.filter((room) => !FLOORS.flat().includes(room))).toEqual([]);
});
