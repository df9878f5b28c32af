import { expect, test } from 'vitest';
import { mayMount, overlayHost, type OverlayHost } from './overlay-host.ts';
import { RELEASE, treeName } from './package-files.ts';

const where = mayMount ? '' : ' (needs root and mounts)';
const UNPACKED = `/opt/${treeName('x64')}/bin/lifeboat`;

async function unpackedHost(): Promise<OverlayHost> {
  const host = await overlayHost();
  expect(await host.run('tar -xzf /srv/packages/*.tar.gz -C /opt')).toMatchObject({ exitCode: 0 });
  return host;
}

/** All that could have changed: what the tests look at, without the unpacked tree. */
const SNAPSHOT = `find /usr/local /etc/systemd /etc/polkit-1 /etc/etcd-lifeboat /etc/passwd -printf '%p %m %T@\\n' 2>&1 | sort`;

test.skipIf(!mayMount)(
  `the tarball runs where it is unpacked, without Node, and through a link${where}`,
  async () => {
    await using host = await unpackedHost();
    expect((await host.run('command -v node')).exitCode).not.toBe(0);
    expect(await host.run(`${UNPACKED} --version`)).toMatchObject({ exitCode: 0, stdout: RELEASE });
    await host.run(`ln -s ${UNPACKED} /tmp/lb`);
    expect(await host.run('cd /tmp && ./lb --version')).toMatchObject({ exitCode: 0, stdout: RELEASE });
  },
);

test.skipIf(!mayMount)(
  `install shows what it would do and changes nothing until it is told to${where}`,
  async () => {
    await using host = await unpackedHost();
    const before = (await host.run(SNAPSHOT)).stdout;
    const dry = await host.run(`${UNPACKED} install --dry-run`);
    expect(dry.exitCode).toBe(0);
    expect(dry.stdout).toContain('/etc/systemd/system/etcd.service.d/50-lifeboat-hold.conf');
    expect(await host.run(`${UNPACKED} install`)).toMatchObject({ exitCode: 2 });
    const asNobody = await host.run(`su nobody -s /bin/sh -c '${UNPACKED} install --yes'`);
    expect(asNobody).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('only root') as string });
    expect((await host.run(SNAPSHOT)).stdout).toBe(before);
  },
);

test.skipIf(!mayMount)(
  `install is done once, however often it is run, and uninstall takes all of it back${where}`,
  async () => {
    await using host = await unpackedHost();
    const names = `find /usr/local /etc/systemd /etc/polkit-1 -iname '*lifeboat*'; ls -d /etc/etcd-lifeboat`;
    expect((await host.run(names)).stdout).toBe('');
    expect(await host.run(`umask 077; ${UNPACKED} install --yes`)).toMatchObject({ exitCode: 0 });
    expect(await host.run('lifeboat --version')).toMatchObject({ exitCode: 0, stdout: RELEASE });
    expect(await host.run('su nobody -s /bin/sh -c "lifeboat --version"')).toMatchObject({ exitCode: 0 });
    expect((await host.run('systemd-analyze verify lifeboat.service 2>&1 | grep -i lifeboat')).stdout).toBe(
      '',
    );
    const first = (await host.run(SNAPSHOT)).stdout;

    const again = JSON.parse((await host.run('lifeboat install --yes -o json')).stdout) as {
      files: { change: string }[];
    };
    expect(new Set(again.files.map(({ change }) => change))).toEqual(new Set(['same']));
    expect((await host.run(SNAPSHOT)).stdout).toBe(first);

    expect(await host.run('lifeboat uninstall --yes')).toMatchObject({ exitCode: 0 });
    expect((await host.run(names)).stdout).toBe('');
  },
);

test.skipIf(!mayMount)(
  `a file that changed is put right, and one that a release no longer has goes${where}`,
  async () => {
    await using host = await unpackedHost();
    await host.run(`${UNPACKED} install --yes`);
    await host.run('echo garbage >> /etc/systemd/system/lifeboat.service; chmod 700 /usr/local/bin/lifeboat');
    await host.run(
      `cd /usr/local && touch share/man/man8/old.8 && sed -i 's|"files": \\[|"files": ["/usr/local/share/man/man8/old.8",|' lib/etcd-lifeboat/installed.json`,
    );
    const { stdout } = await host.run(`${UNPACKED} install --yes -o json`);
    const { files, removes } = JSON.parse(stdout) as {
      files: { path: string; change: string }[];
      removes: string[];
    };
    expect(files.filter(({ change }) => change !== 'same').map(({ path }) => path)).toEqual([
      '/usr/local/bin/lifeboat',
      '/etc/systemd/system/lifeboat.service',
    ]);
    expect(removes).toEqual(['/usr/local/share/man/man8/old.8']);
    expect((await host.run('ls /usr/local/share/man/man8/old.8')).exitCode).not.toBe(0);
    expect((await host.run('grep garbage /etc/systemd/system/lifeboat.service')).exitCode).toBe(1);
  },
);

test.skipIf(!mayMount)(
  `uninstall refuses under a hold, and keeps snapshots and configuration${where}`,
  async () => {
    await using host = await unpackedHost();
    await host.run(`${UNPACKED} install --yes`);
    await host.run('install -D /dev/null /var/lib/etcd-lifeboat/hold; touch /etc/etcd-lifeboat/config.yaml');
    const refused = await host.run('lifeboat uninstall --yes');
    expect(refused.exitCode).toBe(3);
    expect(refused.stderr).toContain('UNINSTALL_REFUSED: a restore keeps etcd stopped');
    expect(await host.run('test -e /etc/systemd/system/etcd.service.d/50-lifeboat-hold.conf')).toMatchObject({
      exitCode: 0,
    });
    await host.run('rm /var/lib/etcd-lifeboat/hold; touch /var/lib/etcd-lifeboat/snapshot');
    expect(await host.run('lifeboat uninstall --yes')).toMatchObject({ exitCode: 0 });
    expect(await host.run('ls /etc/etcd-lifeboat/config.yaml /var/lib/etcd-lifeboat/snapshot')).toMatchObject(
      { exitCode: 0 },
    );
  },
);

test.skipIf(!mayMount)(
  `the .deb and the tarball refuse to be installed over each other${where}`,
  async () => {
    await using host = await unpackedHost();
    await host.run(`${UNPACKED} install --yes`);
    expect((await host.run('dpkg -i /srv/packages/*.deb')).stderr).toContain('lifeboat uninstall');
    expect((await host.run('ls /lib/systemd/system/lifeboat.service')).exitCode).not.toBe(0);
    await host.run('lifeboat uninstall --yes; dpkg -i /srv/packages/*.deb');
    expect(await host.run(`${UNPACKED} install --yes`)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('the package etcd-lifeboat is installed') as string,
    });
    expect(await host.run('lifeboat install --yes')).toMatchObject({ exitCode: 3 });
    expect(await host.run('lifeboat uninstall --yes')).toMatchObject({ exitCode: 3 });
  },
);

test.skipIf(!mayMount)(
  `another prefix, another unit and another user are followed everywhere${where}`,
  async () => {
    await using host = await unpackedHost();
    const options = '--prefix /opt/lifeboat --unit kv-store.service --user kv';
    expect(await host.run(`${UNPACKED} install --yes ${options}`)).toMatchObject({ exitCode: 0 });
    expect(await host.run('/opt/lifeboat/bin/lifeboat --version')).toMatchObject({ exitCode: 0 });
    const unit = (await host.run('cat /etc/systemd/system/lifeboat.service')).stdout;
    expect(unit).toContain('\nExecStart=/opt/lifeboat/bin/lifeboat agent');
    expect(unit).toContain('\nUser=kv\n');
    expect((await host.run('cat /etc/polkit-1/rules.d/50-etcd-lifeboat.rules')).stdout).toMatch(
      /subject\.user === "kv" &&\s+action\.lookup\("unit"\) === "kv-store\.service"/,
    );
    expect(await host.run('cat /etc/systemd/system/kv-store.service.d/50-lifeboat-hold.conf')).toMatchObject({
      exitCode: 0,
    });
    expect((await host.run('stat -c %G /etc/etcd-lifeboat; getent passwd kv')).stdout).toMatch(
      /^kv\nkv:.*nologin$/,
    );
    expect(await host.run(`${UNPACKED} install --yes --prefix /opt/lifeboat`)).toMatchObject({ exitCode: 3 });
    expect(await host.run(`${UNPACKED} install --yes`)).toMatchObject({ exitCode: 3 });
  },
);
