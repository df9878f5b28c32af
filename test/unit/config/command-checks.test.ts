import { expect, test } from 'vitest';
import { commandProblems, notCompared } from '../../../src/config/command-checks.ts';
import { configSchema } from '../../../src/config/config-schema.ts';

const sound = configSchema.parse({
  agent: { name: 'host1' },
  etcd: {
    memberName: 'm1',
    endpoint: 'http://127.0.0.1:2379',
    peerUrls: ['http://10.0.0.1:2380'],
    dataDir: '/var/lib/etcd',
  },
  supervisor: { kind: 'process', command: ['/usr/bin/etcd', '--config-file', '/etc/etcd.yaml'] },
});
const FITTING = {
  name: 'm1',
  'data-dir': '/var/lib/etcd/',
  'initial-advertise-peer-urls': 'http://10.0.0.1:2380',
};

function problemsWith(etcdFile: unknown): string[] {
  return commandProblems(sound, etcdFile).map(({ message }) => message);
}

test('a configuration file that says the same is accepted, and one that cannot be read is not judged', () => {
  expect(problemsWith(FITTING)).toEqual([]);
  expect(problemsWith(undefined)).toEqual([]);
});

test.each([
  ['another name', { ...FITTING, name: 'm2' }, 'name in its --config-file is another'],
  ['another data directory', { ...FITTING, 'data-dir': '/b' }, 'data-dir in its --config-file is another'],
  [
    'a WAL directory that we lack',
    { ...FITTING, 'wal-dir': '/wal' },
    'wal-dir in its --config-file is another',
  ],
  ['no name', { ...FITTING, name: '' }, 'name is not in its --config-file'],
])('a configuration file with %s is refused', (_, file, message) => {
  expect(problemsWith(file)).toEqual([expect.stringContaining(message)]);
});

test('an empty configuration file is refused for all that etcd would take its default for', () => {
  expect(problemsWith({})).toHaveLength(3);
});

test('what was not compared is said, with the reason', () => {
  const by = (...command: string[]) => ({ ...sound, supervisor: { ...sound.supervisor, command } });
  expect(notCompared(sound, FITTING)).toBeUndefined();
  expect(notCompared(sound)).toBe('/etc/etcd.yaml could not be read');
  expect(notCompared(by('/usr/local/bin/run-etcd', '--name=m1'))).toContain(
    'does not show --data-dir, --initial-advertise-peer-urls',
  );
  expect(notCompared({ ...sound, supervisor: { ...sound.supervisor, kind: 'systemd' } as never })).toContain(
    'not seen',
  );
});
