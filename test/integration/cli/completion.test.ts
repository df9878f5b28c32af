import { execa } from 'execa';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { typed } from '../../support/command-line.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

async function has(shell: string): Promise<boolean> {
  return (await execa(shell, ['-c', ':'], { reject: false })).exitCode === 0;
}

const hasZsh = await has('zsh');
const hasFish = await has('fish');

/** The words after `lifeboat`, the last of them unfinished. */
type Line = readonly string[];

async function scriptFor(shell: string): Promise<string> {
  const { exitCode, stdout } = await typed(['completion', shell]);
  expect(exitCode).toBe(0);
  return stdout;
}

async function inBash(line: Line, cwd = '/'): Promise<string[]> {
  const words = ['lifeboat', ...line];
  const commands = `
${await scriptFor('bash')}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
$(complete -p lifeboat | sed 's/.*-F \\([^ ]*\\).*/\\1/')
((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await execa('bash', ['--norc', '-uc', commands, 'bash', ...words], { cwd });
  return stdout.split('\n').filter((word) => word !== '');
}

/** What zsh's own functions would be given: they only work inside its line editor. */
async function inZsh(line: Line): Promise<string[]> {
  const commands = `
compdef() { : }
_describe() { print -l -- \${offered%%:*} }
_files() { print FILES }
compadd() { shift; print -l -- "$@" }
${await scriptFor('zsh')}
words=(lifeboat "$@"); CURRENT=$#words
_lifeboat`;
  const { stdout } = await execa('zsh', ['-f', '-c', commands, 'zsh', ...line]);
  return stdout.split('\n').filter((word) => word !== '');
}

async function inFish(line: Line, cwd = '/'): Promise<string[]> {
  await using home = await temporaryDirectory();
  const script = join(home.path, 'lifeboat.fish');
  await writeFile(script, await scriptFor('fish'));
  const typedSoFar = ['lifeboat', ...line].join(' ');
  const { stdout } = await execa('fish', ['-N', '-c', `source ${script}; complete -C "${typedSoFar}"`], {
    cwd,
    env: { HOME: home.path, XDG_CONFIG_HOME: home.path },
  });
  return stdout.split('\n').flatMap((word) => (word === '' ? [] : [word.split('\t')[0] ?? '']));
}

const SHELLS = [
  { name: 'bash', complete: inBash, isThere: true },
  { name: 'zsh', complete: inZsh, isThere: hasZsh },
  { name: 'fish', complete: inFish, isThere: hasFish },
];

for (const { name, complete, isThere } of SHELLS) {
  test.skipIf(!isThere)(`${name}${isThere ? '' : ' (not on this machine)'} offers the commands`, async () => {
    expect(await complete([''])).toEqual(expect.arrayContaining(['status', 'snapshot', 'restore', 'config']));
    expect(await complete(['restore', ''])).toEqual(
      expect.arrayContaining(['plan', 'run', 'status', 'watch', 'abort']),
    );
    expect(await complete(['restore', ''])).not.toContain('save');
  });

  test.skipIf(!isThere)(
    `${name}${isThere ? '' : ' (not on this machine)'} offers options, and choices where one has them`,
    async () => {
      expect(await complete(['restore', 'plan', '--'])).toEqual(
        expect.arrayContaining(['--snapshot', '--without', '--socket']),
      );
      expect((await complete(['restore', 'plan', '-o', ''])).toSorted()).toEqual(['json', 'text']);
      expect((await complete(['completion', ''])).toSorted()).toEqual(['bash', 'fish', 'zsh']);
    },
  );

  test.skipIf(!isThere)(
    `${name}${isThere ? '' : ' (not on this machine)'} takes an option's value for no command`,
    async () => {
      expect(await complete(['--socket', 'restore', 'snapshot', ''])).toEqual(
        expect.arrayContaining(['save', 'copy', 'list']),
      );
    },
  );
}

test('bash offers what begins with what was typed', async () => {
  expect(await inBash(['sn'])).toEqual(['snapshot']);
  expect(await inBash(['snapshot', 'ver'])).toEqual(['verify']);
  expect(await inBash(['--output', '=', 'j'])).toEqual(['json']);
});

test('bash offers files where an option takes one, also with blanks in their names', async () => {
  await using directory = await temporaryDirectory();
  await mkdir(join(directory.path, 'my configs'));
  await writeFile(join(directory.path, 'lifeboat.yaml'), '');
  expect((await inBash(['--config', ''], directory.path)).toSorted()).toEqual([
    'lifeboat.yaml',
    'my configs',
  ]);
  expect(await inBash(['restore', 'plan', '--reason', ''], directory.path)).toEqual([]);
});

test('a shell that is not known is refused', async () => {
  const { exitCode, stderr } = await typed(['completion', 'tcsh']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('bash, zsh, fish');
});
