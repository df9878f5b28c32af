import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { CHECK_IDS, ok, skipped, warn, worstOf } from '../../../src/doctor/check.ts';
import { reportOf } from '../../../src/formats/doctor-report.ts';

test('every check stands in docs/cli.md, in the order in which it is shown, and no other', async () => {
  const text = await readFile(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
  const section = text.slice(text.indexOf('## lifeboat doctor'), text.indexOf('## lifeboat snapshot'));
  expect([...section.matchAll(/^\| `([a-z.]+)`/gm)].map(([, id]) => id)).toEqual(CHECK_IDS);
});

test('of several findings about one thing the worst counts, and what was skipped says nothing', () => {
  const found = [ok('data.swap', 'a'), warn('data.swap', 'b', 'do b'), warn('data.swap', 'c', 'do b')];
  expect(worstOf('data.swap', found)).toEqual({
    id: 'data.swap',
    status: 'warn',
    found: 'b; c',
    hint: 'do b',
  });
  const host = { agent: 'h1', by: 'agent', user: 'etcd', checkedAt: '2026-11-23T12:00:00.000Z' } as const;
  const statusOf = (...checks: typeof found) => reportOf([{ ...host, checks }]).status;
  expect(statusOf(skipped('data.swap', 'x'))).toBe('ok');
  expect(statusOf(...found)).toBe('warn');
});
