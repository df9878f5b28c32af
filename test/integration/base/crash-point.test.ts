import { execa } from 'execa';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** A process that passes the places `a`, `b`, `a`, `c`, and says so. */
async function passes(env: Record<string, string>): Promise<{ signal?: string; stdout: string }> {
  const program = `
    const { crashPoints } = await import('./src/base/crash-point.ts');
    const { takeEnvironment } = await import('./src/config/environment.ts');
    const pass = crashPoints(takeEnvironment().crash);
    for (const name of ['a', 'b', 'a', 'c']) { pass(name); console.log(name); }
  `;
  const { signal, stdout } = await execa(
    process.execPath,
    ['--import', './test/support/from-source.mjs', '--input-type=module', '-e', program],
    { cwd: join(import.meta.dirname, '..', '..', '..'), env, reject: false },
  );
  return { ...(signal === undefined ? {} : { signal }), stdout };
}

test('nothing happens at a crash point that nobody wished for', async () => {
  expect(await passes({})).toEqual({ stdout: 'a\nb\na\nc' });
});

test('a process dies at the wished place, at the wished passing of it', async () => {
  expect(await passes({ LIFEBOAT_CRASH_AT: 'a' })).toEqual({ signal: 'SIGKILL', stdout: '' });
  expect(await passes({ LIFEBOAT_CRASH_AT: 'a#2' })).toEqual({ signal: 'SIGKILL', stdout: 'a\nb' });
});

test('the places that are passed are listed, the last one too', async () => {
  await using scratch = await temporaryDirectory();
  const list = join(scratch.path, 'list');
  await passes({ LIFEBOAT_CRASH_LIST: list, LIFEBOAT_CRASH_AT: 'a#2' });
  expect(await readFile(list, 'utf8')).toBe('a\nb\na\n');
});
