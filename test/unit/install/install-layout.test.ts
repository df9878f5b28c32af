import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { installLayout, type Distribution, type InstallFile } from '../../../src/install/install-layout.ts';

const SYSTEMD = new URL('../../../systemd/', import.meta.url);
const NAMES = (await readdir(SYSTEMD)).toSorted();
const TEXTS = await Promise.all(NAMES.map((name) => readFile(new URL(name, SYSTEMD), 'utf8')));
const DISTRIBUTION: Distribution = {
  root: '/unpacked',
  files: [
    { path: 'bin/lifeboat', mode: 0o755 },
    { path: 'lib/etcd-lifeboat/node', mode: 0o755 },
  ],
  systemd: new Map(NAMES.map((name, index) => [name, TEXTS[index] ?? ''])),
};

function textAt(files: readonly InstallFile[], path: string): string {
  const content = files.find((file) => file.path === path)?.content;
  return content !== undefined && 'text' in content ? content.text : '';
}

test('etcd is kept from starting before the agent that relies on it is there', () => {
  const paths = installLayout(DISTRIBUTION, { prefix: '/usr/local', unit: 'etcd.service', user: 'etcd' }).map(
    ({ path }) => path,
  );
  const hold = paths.indexOf('/etc/systemd/system/etcd.service.d/50-lifeboat-hold.conf');
  const unit = paths.indexOf('/etc/systemd/system/lifeboat.service');
  expect(hold).toBeGreaterThan(-1);
  expect(unit).toBeGreaterThan(hold);
});

test('the units that this repository ships are for the wished prefix and user', () => {
  const files = installLayout(DISTRIBUTION, { prefix: '/opt/x', unit: 'kv.service', user: 'kv' });
  for (const unit of ['lifeboat.service', 'lifeboat@.service']) {
    const text = textAt(files, `/etc/systemd/system/${unit}`);
    expect(text).toContain('\nExecStart=/opt/x/bin/lifeboat agent ');
    expect(text).toContain('\nUser=kv\n');
    expect(text).not.toContain('/usr/bin/lifeboat');
  }
  expect(textAt(files, '/opt/x/bin/lifeboat')).toContain("library='/opt/x/lib/etcd-lifeboat'");
});

test('a unit that is not the one we know is refused rather than installed as it is', () => {
  const systemd = new Map([['lifeboat.service', '[Service]\nExecStart=/bin/true\n']]);
  expect(() =>
    installLayout({ ...DISTRIBUTION, systemd }, { prefix: '/opt/x', unit: 'etcd.service', user: 'etcd' }),
  ).toThrow(expect.objectContaining({ code: 'INTERNAL' }) as Error);
});
