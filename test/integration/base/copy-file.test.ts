import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, stat, truncate, writeFile, appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCommandString, execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { copyFileDurably } from '../../../src/base/copy-file.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const NEVER = new AbortController().signal;
const reflinks = await fileSystemReflinks();
const isRoot = process.getuid?.() === 0;

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function run(commandLine: string): Promise<void> {
  const [program = '', ...args] = parseCommandString(commandLine);
  await execa(program, args);
}

async function fileSystemReflinks(): Promise<boolean> {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, 'a'), 'x');
  return await copyFile(
    join(directory.path, 'a'),
    join(directory.path, 'b'),
    constants.COPYFILE_FICLONE_FORCE,
  ).then(
    () => true,
    () => false,
  );
}

describe('a plain copy', () => {
  test.each([0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (33 << 20) + 7])(
    'of %i bytes is the source, readable by its owner alone, and its hash is that of the bytes',
    async (sizeBytes) => {
      await using directory = await temporaryDirectory();
      const [from, to] = [join(directory.path, 'from'), join(directory.path, 'to')];
      const bytes = randomBytes(sizeBytes);
      await writeFile(from, bytes, { mode: 0o644 });
      const seen: number[] = [];

      const copy = await copyFileDurably(from, to, {
        signal: NEVER,
        reflink: false,
        hash: true,
        onBytes: (count) => {
          seen.push(count);
        },
      });

      expect(copy).toEqual({ method: 'copy', sizeBytes, sha256: sha256(bytes) });
      expect(bytes.equals(await readFile(to))).toBe(true);
      expect((await stat(to)).mode & 0o777).toBe(0o600);
      expect(seen.at(-1) ?? 0).toBe(sizeBytes);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
    },
  );

  test('ends at the size that the source had when it began', async () => {
    await using directory = await temporaryDirectory();
    const [from, to] = [join(directory.path, 'from'), join(directory.path, 'to')];
    await writeFile(from, randomBytes(3 << 20));
    const growing: Promise<void>[] = [];

    const copy = await copyFileDurably(from, to, {
      signal: NEVER,
      reflink: false,
      onBytes: () => {
        growing.push(appendFile(from, randomBytes(1 << 20)));
      },
    });
    await Promise.all(growing);

    expect(copy.sizeBytes).toBe(3 << 20);
    expect((await stat(to)).size).toBe(3 << 20);
    expect((await stat(from)).size).toBeGreaterThan(3 << 20);
  });

  test('of a source that shrinks meanwhile is refused and leaves nothing', async () => {
    await using directory = await temporaryDirectory();
    const from = join(directory.path, 'from');
    await writeFile(from, '');
    await truncate(from, 64 << 20);
    const shrinking: Promise<void>[] = [];

    const copying = copyFileDurably(from, join(directory.path, 'to'), {
      signal: NEVER,
      reflink: false,
      onBytes: () => {
        shrinking.push(truncate(from, 0));
      },
    });

    await expect(copying).rejects.toMatchObject({ code: 'COPY_TORN' });
    await Promise.all(shrinking);
    expect(await readdir(directory.path)).toEqual(['from']);
  });

  test('that is aborted in the middle rejects with the reason and leaves nothing', async () => {
    await using directory = await temporaryDirectory();
    const from = join(directory.path, 'from');
    await writeFile(from, randomBytes(4 << 20));
    const abort = new AbortController();
    const reason = new Error('the operator said stop');

    const copying = copyFileDurably(from, join(directory.path, 'to'), {
      signal: abort.signal,
      reflink: false,
      onBytes: () => {
        abort.abort(reason);
      },
    });

    await expect(copying).rejects.toBe(reason);
    expect(await readdir(directory.path)).toEqual(['from']);
  });
});

test('what the file system offers by default gives the same bytes and mode', async () => {
  await using directory = await temporaryDirectory();
  const [from, to] = [join(directory.path, 'from'), join(directory.path, 'to')];
  const bytes = randomBytes(70_000);
  await writeFile(from, bytes, { mode: 0o644 });

  const copy = await copyFileDurably(from, to, { signal: NEVER, hash: true });

  expect(copy).toEqual({
    method: reflinks ? 'reflink' : 'copy',
    sizeBytes: 70_000,
    sha256: sha256(bytes),
  });
  expect(bytes.equals(await readFile(to))).toBe(true);
  expect((await stat(to)).mode & 0o777).toBe(0o600);
});

test('a target that exists is left as it is', async () => {
  await using directory = await temporaryDirectory();
  const [from, to] = [join(directory.path, 'from'), join(directory.path, 'to')];
  await writeFile(from, 'new');
  await writeFile(to, 'old');

  for (const reflink of [true, false]) {
    await expect(copyFileDurably(from, to, { signal: NEVER, reflink })).rejects.toMatchObject({
      code: 'EXPORT_TARGET_EXISTS',
    });
  }
  expect(await readFile(to, 'utf8')).toBe('old');
});

test('a source that is absent, a directory or a FIFO is refused, and nothing is left', async () => {
  await using directory = await temporaryDirectory();
  await mkdir(join(directory.path, 'directory'));
  await run(`mkfifo ${join(directory.path, 'fifo')}`);
  const to = join(directory.path, 'to');

  for (const name of ['absent', 'directory', 'fifo']) {
    const copying = copyFileDurably(join(directory.path, name), to, { signal: NEVER });
    await expect(copying).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  }
  expect((await readdir(directory.path)).sort()).toEqual(['directory', 'fifo']);
});

test.skipIf(!isRoot)(
  'a full disk is said to be full, and nothing is left (needs root to mount one)',
  async () => {
    await using directory = await temporaryDirectory();
    const from = join(directory.path, 'from');
    const disk = join(directory.path, 'disk');
    await writeFile(from, randomBytes(4 << 20));
    await mkdir(disk);
    await run(`mount -t tmpfs -o size=2m tmpfs ${disk}`);
    try {
      await expect(copyFileDurably(from, join(disk, 'to'), { signal: NEVER })).rejects.toMatchObject({
        code: 'NO_SPACE',
      });
      expect(await readdir(disk)).toEqual([]);
    } finally {
      await run(`umount ${disk}`);
    }
  },
);
