import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { readToolStatus } from '../../../src/restore-tool/read-status.ts';
import type { RestoreTool } from '../../../src/restore-tool/restore-tool.ts';
import { runRestore, type RestoreRequest } from '../../../src/restore-tool/run-restore.ts';
import { startEtcd } from '../../support/etcd-process.ts';
import { freePorts } from '../../support/free-port.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { fittingTool } from './local-tools.ts';

const NEVER = new AbortController().signal;

let files: Awaited<ReturnType<typeof temporaryDirectory>>;
let tool: RestoreTool;
/** Streamed, with a trailer. */
let streamed: string;
/** `member/snap/db` of the stopped member, without one. */
let copied: string;

beforeAll(async () => {
  files = await temporaryDirectory();
  tool = await fittingTool();
  streamed = join(files.path, 'streamed.db');
  copied = join(files.path, 'copied.db');
  await using etcd = await startEtcd();
  await etcd.ctl('put', 'colour', 'green');
  await etcd.ctl('snapshot', 'save', streamed);
  await etcd.stop();
  await copyFile(join(etcd.dataDir, 'member', 'snap', 'db'), copied);
});

afterAll(async () => {
  await files[Symbol.asyncDispose]();
});

async function requestIn(directory: string, change: Partial<RestoreRequest> = {}): Promise<RestoreRequest> {
  const [port] = await freePorts(1);
  const peerUrl = `http://127.0.0.1:${port ?? 0}`;
  return {
    tool,
    snapshotPath: streamed,
    name: 'm1',
    initialCluster: [{ name: 'm1', peerUrls: [peerUrl] }],
    initialClusterToken: 'token-of-this-restore',
    initialAdvertisePeerUrls: [peerUrl],
    dataDir: join(directory, 'data'),
    skipHashCheck: false,
    stallMs: 30_000,
    ...change,
  };
}

async function fakeTool(directory: string, body: string): Promise<RestoreTool> {
  const path = join(directory, 'etcdutl');
  await writeFile(
    path,
    `#!/bin/sh\nfor arg; do case $arg in --data-dir=*) data=\${arg#--data-dir=};; esac; done\n${body}\n`,
  );
  await chmod(path, 0o755);
  return { ...tool, path, kind: 'etcdutl' };
}

async function untilThere(path: string): Promise<void> {
  await expect
    .poll(
      () =>
        stat(path).then(
          ({ size }) => size,
          () => 0,
        ),
      { timeout: 30_000 },
    )
    .toBeGreaterThan(0);
}

async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

async function servedColour(request: RestoreRequest, flags: string[] = []): Promise<string> {
  const peerUrl = request.initialAdvertisePeerUrls[0] ?? '';
  await using etcd = await startEtcd({ dataDir: request.dataDir, peerUrl, flags });
  return (await etcd.ctl('get', 'colour', '--print-value-only')).trim();
}

describe('a restored data dir', () => {
  test('is one that etcd starts on and serves the keys from, and the snapshot is as it was', async () => {
    await using directory = await temporaryDirectory();
    const hashBefore = await sha256(streamed);
    const lines: string[] = [];
    const request = await requestIn(directory.path, {
      onLine: (line) => {
        lines.push(line);
      },
    });

    const restored = await runRestore(request, NEVER);

    expect(restored.databasePath).toBe(join(request.dataDir, 'member', 'snap', 'db'));
    expect(restored.walDir).toBe(join(request.dataDir, 'member', 'wal'));
    expect(lines.join('\n')).toContain('restored snapshot');
    expect(await sha256(streamed)).toBe(hashBefore);
    expect(await servedColour(request)).toBe('green');
  });

  test('has its WAL where it was asked for', async () => {
    await using directory = await temporaryDirectory();
    const walDir = join(directory.path, 'wal');
    const request = await requestIn(directory.path, { walDir });

    const restored = await runRestore(request, NEVER);

    expect(restored.walDir).toBe(walDir);
    expect((await readdir(walDir)).filter((name) => name.endsWith('.wal'))).toHaveLength(1);
    expect(await readdir(join(request.dataDir, 'member'))).toEqual(['snap']);
    expect(await servedColour(request, ['--wal-dir', walDir])).toBe('green');
  });

  test('comes from a copied database only when the hash check is skipped', async () => {
    await using directory = await temporaryDirectory();
    const refused = await requestIn(directory.path, { snapshotPath: copied });
    const accepted = { ...refused, dataDir: join(directory.path, 'second'), skipHashCheck: true };

    await expect(runRestore(refused, NEVER)).rejects.toMatchObject({ code: 'RESTORE_TOOL_FAILED' });
    await runRestore(accepted, NEVER);

    expect(await servedColour(accepted)).toBe('green');
  });
});

describe('a restore is refused', () => {
  test('when one byte of the snapshot is flipped: the tool says the hashes, and the file is untouched', async () => {
    await using directory = await temporaryDirectory();
    const flipped = join(directory.path, 'flipped.db');
    await copyFile(streamed, flipped);
    const file = await open(flipped, 'r+');
    await file.write(Buffer.from([0xa5]), 0, 1, 9000);
    await file.close();
    const hashBefore = await sha256(flipped);

    await expect(
      runRestore(await requestIn(directory.path, { snapshotPath: flipped }), NEVER),
    ).rejects.toMatchObject({
      code: 'RESTORE_TOOL_FAILED',
      message: expect.stringContaining('expected sha256') as string,
    });
    expect(await sha256(flipped)).toBe(hashBefore);
  });

  test('when the data dir or the WAL dir exists, and what is in it stays', async () => {
    await using directory = await temporaryDirectory();
    const there = join(directory.path, 'there');
    await mkdir(there);
    await writeFile(join(there, 'mine'), 'mine');

    for (const change of [{ dataDir: there }, { walDir: there }]) {
      await expect(runRestore(await requestIn(directory.path, change), NEVER)).rejects.toMatchObject({
        code: 'RESTORE_TOOL_FAILED',
        message: expect.stringContaining(there) as string,
      });
    }
    expect(await readdir(there)).toEqual(['mine']);
  });

  test('when there is no snapshot file', async () => {
    await using directory = await temporaryDirectory();
    const request = await requestIn(directory.path, { snapshotPath: join(directory.path, 'absent.db') });

    await expect(runRestore(request, NEVER)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });
});

describe('a tool is not believed', () => {
  test.each([
    ['makes nothing', ':', /snap\/db is not there; .*no \.wal file/],
    [
      'makes only a database',
      'mkdir -p "$data/member/snap"; cp "$3" "$data/member/snap/db"',
      /no \.wal file/,
    ],
    [
      'makes a database that is too small',
      'mkdir -p "$data/member/snap" "$data/member/wal"; echo x >"$data/member/wal/0.wal"; echo x >"$data/member/snap/0.snap"; echo x >"$data/member/snap/db"',
      /snap\/db has 2 bytes/,
    ],
    [
      'makes an empty WAL',
      'mkdir -p "$data/member/snap" "$data/member/wal"; : >"$data/member/wal/0.wal"; echo x >"$data/member/snap/0.snap"; cp "$3" "$data/member/snap/db"',
      /no \.wal file/,
    ],
  ])('when it ends with 0 and %s', async (_, body, words) => {
    await using directory = await temporaryDirectory();
    const request = await requestIn(directory.path, { tool: await fakeTool(directory.path, body) });

    await expect(runRestore(request, NEVER)).rejects.toMatchObject({
      code: 'RESTORE_TOOL_FAILED',
      message: expect.stringMatching(words) as string,
    });
  });

  test.each([
    ['and ends with 0', 'printf x >>"$3"'],
    ['and fails', 'printf x >>"$3"; exit 1'],
    [
      'and gives it the same size and time again',
      'touch -r "$3" "$3.time"; printf x | dd of="$3" conv=notrunc 2>/dev/null; touch -r "$3.time" "$3"',
    ],
    ['by putting another in its place', 'cp -p "$3" "$3.new"; mv "$3.new" "$3"'],
  ])('when it writes to the snapshot %s', async (_, body) => {
    await using directory = await temporaryDirectory();
    const snapshotPath = join(directory.path, 'victim.db');
    await copyFile(streamed, snapshotPath);
    const fake = await fakeTool(directory.path, body);

    await expect(
      runRestore(await requestIn(directory.path, { tool: fake, snapshotPath }), NEVER),
    ).rejects.toMatchObject({ code: 'SNAPSHOT_DAMAGED', details: { path: snapshotPath } });
  });

  test('when it fails: its last lines are in the message, and a full disk has its own code', async () => {
    await using directory = await temporaryDirectory();
    const failing = await fakeTool(directory.path, 'echo "it went wrong" >&2; exit 7');
    await expect(runRestore(await requestIn(directory.path, { tool: failing }), NEVER)).rejects.toMatchObject(
      {
        code: 'RESTORE_TOOL_FAILED',
        message: expect.stringMatching(/exit status 7: it went wrong/) as string,
      },
    );

    const full = await fakeTool(directory.path, 'echo "Error: write db: no space left on device"; exit 1');
    await expect(runRestore(await requestIn(directory.path, { tool: full }), NEVER)).rejects.toMatchObject({
      code: 'NO_SPACE',
    });
  });
});

describe('a tool that hangs', () => {
  test('is ended when nothing grows for the limit', async () => {
    await using directory = await temporaryDirectory();
    const hanging = await fakeTool(directory.path, 'mkdir -p "$data"; echo $$ >"$data/pid"; exec sleep 600');
    // An hour passes as soon as the tool has begun.
    const clock: Clock = { now: () => 0, sleep: () => untilThere(join(directory.path, 'data', 'pid')) };
    const request = await requestIn(directory.path, { tool: hanging, stallMs: 3_600_000, clock });

    await expect(runRestore(request, NEVER)).rejects.toMatchObject({
      code: 'RESTORE_TOOL_FAILED',
      message: expect.stringContaining('wrote nothing below') as string,
    });
    const pid = Number(await readFile(join(request.dataDir, 'pid'), 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow(expect.objectContaining({ code: 'ESRCH' }));
  });

  test('is ended when the restore is cancelled, and its debris stays for the caller', async () => {
    await using directory = await temporaryDirectory();
    const hanging = await fakeTool(directory.path, 'mkdir -p "$data"; echo begun; exec sleep 600');
    const abort = new AbortController();
    const request = await requestIn(directory.path, {
      tool: hanging,
      onLine: () => {
        abort.abort();
      },
    });

    await expect(runRestore(request, abort.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await stat(request.dataDir)).isDirectory()).toBe(true);
  });
});

test('the status of the tool is that of the file, and a file that is none is refused in its words', async () => {
  const status = await readToolStatus(tool, streamed, NEVER);

  expect(status).toMatchObject({ revision: 2, totalSize: (await stat(streamed)).size - 32 });
  expect(status.hash).toBeGreaterThan(0);
  await expect(readToolStatus(tool, join(files.path, 'absent.db'), NEVER)).rejects.toMatchObject({
    code: 'COMMAND_FAILED',
  });
});
