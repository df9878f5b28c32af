import { appendFile, chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCertificateExpiries } from '../../../src/agent/certificate-expiry.ts';
import { openToolCheck } from '../../../src/agent/restore-tool-check.ts';
import { openStateProbe } from '../../../src/agent/state-probe.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { parseConfig } from '../../../src/config/load-config.ts';
import { makeCertificates } from '../../support/certificates.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { fittingTool } from '../restore-tool/local-tools.ts';

const DAY_MS = 86_400_000;

test('of a chain the first expiry counts, of a file of CAs the last, and a file that is none says so', async () => {
  await using scratch = await temporaryDirectory();
  const { caFile, certs } = await makeCertificates(scratch.path, ['h1']);
  const { certFile = '', keyFile = '' } = certs['h1'] ?? {};
  const config = parseConfig(
    JSON.stringify({
      agent: { name: 'h1' },
      etcd: {
        memberName: 'm1',
        endpoint: 'https://127.0.0.1:2379',
        peerUrls: ['http://10.0.0.1:2380'],
        dataDir: '/var/lib/etcd',
        tls: { caFile: keyFile },
      },
      supervisor: { kind: 'systemd' },
      mesh: { tls: { caFile, certFile, keyFile } },
    }),
    'c.yaml',
  );

  const found = new Map((await readCertificateExpiries(config)).map((one) => [one.certificate, one]));

  expect([...found.keys()]).toEqual(['mesh', 'mesh_ca', 'etcd_ca']);
  expect(found.get('etcd_ca')).toMatchObject({ problem: 'it holds no certificate' });
  // makeCertificates issues for two days.
  const inMs = (found.get('mesh')?.expiresAtMs ?? 0) - Date.now();
  expect(inMs).toBeGreaterThan(1.9 * DAY_MS);
  expect(inMs).toBeLessThanOrEqual(2 * DAY_MS);
});

test('a state directory that takes no write is found out, and heals by itself', async () => {
  await using scratch = await temporaryDirectory();
  await openStateProbe(scratch.path, systemClock)();
  expect(await readFile(join(scratch.path, 'writable'), 'utf8')).toContain('could write');
  await expect(openStateProbe(join(scratch.path, 'gone'), systemClock)()).rejects.toThrow('ENOENT');
});

test('a disk that hangs is found out in time', async () => {
  await using scratch = await temporaryDirectory();
  // A sleep that is over at once: whoever waits for longer than the limit gives up.
  const hasty = { now: () => 0, sleep: () => Promise.resolve() };
  await expect(openStateProbe(scratch.path, hasty)()).rejects.toMatchObject({ code: 'TIMED_OUT' });
  // The write that nobody waited for goes on, and would find its directory gone.
  await expect.poll(() => readdir(scratch.path)).toEqual(['writable']);
});

test('a restore tool is looked for once, and again when it is replaced or goes', async () => {
  await using scratch = await temporaryDirectory();
  const real = await fittingTool();
  const toolPath = join(scratch.path, real.kind);
  const runs = join(scratch.path, 'runs');
  await writeFile(toolPath, `#!/bin/sh\necho run >>${runs}\nexec ${real.path} "$@"\n`);
  await chmod(toolPath, 0o755);
  const find = openToolCheck({
    toolPath,
    etcdPath: undefined,
    searchPath: '',
    clock: systemClock,
    signal: new AbortController().signal,
  });
  const runsSoFar = async (): Promise<number> => (await stat(runs)).size;

  expect(await find()).toContain(toolPath);
  const once = await runsSoFar();
  expect(await find()).toContain(toolPath);
  expect(await runsSoFar()).toBe(once);
  await appendFile(toolPath, '# another release\n');
  expect(await find()).toContain(toolPath);
  expect(await runsSoFar()).toBeGreaterThan(once);
  await rm(toolPath);
  await expect(find()).rejects.toMatchObject({ code: 'RESTORE_TOOL_MISSING' });
});
