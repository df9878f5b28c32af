import { execa } from 'execa';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openHostLab, type LabPlace } from './host-lab.ts';
import { PATIENT } from './host.ts';
import { findTraces, tracesOf } from './leftovers.ts';
import { inBrackets, whyNoHosts } from './why-no-hosts.ts';

const OWNER = fileURLToPath(new URL('lab-owner.ts', import.meta.url));
const reason = whyNoHosts();

describe.skipIf(reason !== undefined)(`a lab of machines${inBrackets(reason)}`, () => {
  test('leaves no process, mount, cgroup, link or file when it is closed', async () => {
    const lab = await openHostLab(2);
    const traces = await tracesOf(lab.place);
    for (const host of lab.hosts) await host.install();
    await Promise.all(lab.hosts.map((host) => host.boot()));
    const during = (await findTraces(traces)).join('\n');
    for (const kind of [
      /process \d+ .*systemd-nspawn/,
      /cgroup .*lifeboat-hosts/,
      /directory .*lifeboat-hosts/,
    ]) {
      expect(during).toMatch(kind);
    }
    await lab[Symbol.asyncDispose]();
    await expect.poll(() => findTraces(traces), PATIENT).toEqual([]);
  });

  test('is gone soon after whoever opened it was killed', async () => {
    const owner = execa('npx', ['tsx', OWNER], { reject: false, detached: true, cleanup: false });
    const line = await Promise.race([once(createInterface(owner.stdout), 'line'), owner]);
    if (!Array.isArray(line)) throw new Error(`no lab was opened: ${line.stderr}`);
    const traces = await tracesOf(JSON.parse(String(line[0])) as LabPlace);
    // The whole group, as a job that is killed for its time is.
    process.kill(-(owner.pid ?? 0), 'SIGKILL');
    await owner;
    await expect.poll(() => findTraces(traces), PATIENT).toEqual([]);
  });

  test('lets nobody inside set the clock, which is the clock of this machine', async () => {
    await using lab = await openHostLab(1);
    for (const host of lab.hosts) {
      await host.install();
      await host.boot();
      const bounding = /^CapBnd:\s+(\w+)$/m.exec(await host.run('cat', '/proc/self/status'))?.[1] ?? 'f';
      const setsTime = 1n << 25n;
      expect(BigInt(`0x${bounding}`) & setsTime).toBe(0n);
    }
  });
});
