import { expect, test } from 'vitest';
import { mayMount, overlayHost } from './overlay-host.ts';
import { RELEASE } from './package-files.ts';

const where = mayMount ? '' : ' (needs root and mounts)';

test.skipIf(!mayMount)(`the .deb runs on a host without Node${where}`, async () => {
  await using host = await overlayHost();
  expect((await host.run('command -v node')).exitCode).not.toBe(0);
  expect(await host.run('dpkg -i /srv/packages/*.deb')).toMatchObject({ exitCode: 0 });
  expect(await host.run('lifeboat --version')).toMatchObject({ exitCode: 0, stdout: RELEASE });
  const check = await host.run(
    'lifeboat config check --config /usr/share/doc/etcd-lifeboat/config.example.yaml',
  );
  expect(check).toMatchObject({ exitCode: 0, stderr: '' });
  expect(check.stdout).toContain('is valid');
  const poisoned = await host.run('NODE_OPTIONS=--no-such-option lifeboat --version');
  expect(poisoned).toMatchObject({ exitCode: 0, stdout: RELEASE });
});

test.skipIf(!mayMount)(
  `the .deb makes the user where there is none, and a directory that it may read${where}`,
  async () => {
    await using host = await overlayHost();
    await host.run('deluser etcd; delgroup etcd');
    expect((await host.run('getent passwd etcd')).exitCode).not.toBe(0);
    expect(await host.run('dpkg -i /srv/packages/*.deb')).toMatchObject({ exitCode: 0 });
    expect((await host.run('getent passwd etcd')).stdout).toMatch(/^etcd:x:\d+:\d+:.*:\/usr\/sbin\/nologin$/);
    expect((await host.run('stat -c "%A %U:%G" /etc/etcd-lifeboat')).stdout).toBe('drwxr-x--- root:etcd');
    expect((await host.run('ls -A /etc/etcd-lifeboat')).stdout).toBe('');
    expect((await host.run('systemctl is-enabled lifeboat.service')).stdout).toBe('enabled');
  },
);

test.skipIf(!mayMount)(
  `an administrator's mode and a disabled agent outlive an upgrade${where}`,
  async () => {
    await using host = await overlayHost();
    await host.run('dpkg -i /srv/packages/*.deb');
    await host.run(
      'systemctl disable lifeboat.service; dpkg-statoverride --update --add root root 0700 /etc/etcd-lifeboat',
    );
    expect(await host.run('dpkg -i /srv/packages/*.deb')).toMatchObject({ exitCode: 0 });
    expect((await host.run('systemctl is-enabled lifeboat.service')).stdout).toBe('disabled');
    expect((await host.run('stat -c "%A %U:%G" /etc/etcd-lifeboat')).stdout).toBe('drwx------ root:root');
  },
);

test.skipIf(!mayMount).each(['etcd-lifeboat/hold', 'etcd-lifeboat-b/hold'])(
  `the .deb is not removed while /var/lib/%s is there, and what keeps etcd from starting stays${where}`,
  async (hold) => {
    await using host = await overlayHost();
    await host.run('dpkg -i /srv/packages/*.deb');
    await host.run(`install -D /dev/null /var/lib/${hold}`);
    const removal = await host.run('dpkg --remove etcd-lifeboat');
    expect(removal.exitCode).not.toBe(0);
    expect(removal.stderr).toContain(`/var/lib/${hold}`);
    expect(await host.run('test -e /lib/systemd/system/etcd.service.d/50-lifeboat-hold.conf')).toMatchObject({
      exitCode: 0,
    });
    expect(await host.run('lifeboat --version')).toMatchObject({ exitCode: 0 });
    await host.run(`rm /var/lib/${hold}`);
    expect(await host.run('dpkg --remove etcd-lifeboat')).toMatchObject({ exitCode: 0 });
  },
);

test.skipIf(!mayMount)(
  `a purge deletes neither snapshots nor configuration, and says where they are${where}`,
  async () => {
    await using host = await overlayHost();
    await host.run('dpkg -i /srv/packages/*.deb');
    await host.run(
      'install -D /dev/null /var/lib/etcd-lifeboat/snapshots/a.db; touch /etc/etcd-lifeboat/config.yaml',
    );
    const purge = await host.run('dpkg --purge etcd-lifeboat');
    expect(purge.exitCode).toBe(0);
    expect(purge.stderr).toContain('/var/lib/etcd-lifeboat stays, with the snapshots');
    const left = 'ls /var/lib/etcd-lifeboat/snapshots/a.db /etc/etcd-lifeboat/config.yaml';
    expect(await host.run(left)).toMatchObject({ exitCode: 0 });
    expect(
      (await host.run('ls /usr/lib/etcd-lifeboat /lib/systemd/system/lifeboat.service')).exitCode,
    ).not.toBe(0);
    expect((await host.run('ls /etc/systemd/system/*/lifeboat.service')).exitCode).not.toBe(0);
    expect((await host.run('getent passwd etcd')).exitCode).toBe(0);
  },
);

test.skipIf(!mayMount)(
  `a purge leaves nothing of an agent that never had a configuration${where}`,
  async () => {
    await using host = await overlayHost();
    await host.run('dpkg -i /srv/packages/*.deb');
    expect(await host.run('dpkg --purge etcd-lifeboat')).toMatchObject({ exitCode: 0 });
    expect((await host.run('ls -d /etc/etcd-lifeboat')).exitCode).not.toBe(0);
  },
);
