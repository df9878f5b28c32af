import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/agent-error.ts';
import { loadConfig, parseConfig } from '../../../src/config/load-config.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const SMALLEST = `
agent: {name: host1}
etcd:
  memberName: m1
  endpoint: http://127.0.0.1:2379
  peerUrls: ['http://10.0.0.1:2380']
  dataDir: /var/lib/etcd/
supervisor: {kind: systemd}
`;

test('the smallest file is a whole configuration', () => {
  const config = parseConfig(SMALLEST, 'c.yaml');
  expect(config.etcd.dataDir).toBe('/var/lib/etcd');
  expect(config.snapshots.directory).toBe('/var/lib/etcd-lifeboat/snapshots');
  expect(config.mesh.listen).toEqual({ host: '127.0.0.1', port: 7400 });
  expect(config.supervisor).toEqual({
    kind: 'systemd',
    unit: 'etcd.service',
    stopTimeoutSeconds: 90,
    startTimeoutSeconds: 30,
  });
});

test('paths that follow from the state directory follow it', () => {
  const text = SMALLEST.replace('name: host1', 'name: host1, stateDir: /srv/boat').replace(
    '{kind: systemd}',
    '{kind: process, command: [/usr/bin/etcd]}',
  );
  const config = parseConfig(text, 'c.yaml');
  expect(config.snapshots.directory).toBe('/srv/boat/snapshots');
  expect(config.supervisor).toMatchObject({ logFile: '/srv/boat/etcd.log', onAgentStop: 'stop' });
});

test('a section whose keys are all commented out means its defaults', () => {
  expect(parseConfig(`${SMALLEST}restore:\n  # tool: /x\nmesh:\n`, 'c.yaml').restore.gateTimeoutSeconds).toBe(
    180,
  );
});

test('all problems are shown at once, each with its place', () => {
  const text = [
    'agent:',
    '  name: Host_1',
    '  colour: blue',
    'etcd:',
    '  memberName: 5',
    '  endpoint: https://127.0.0.1:2379/',
    '  peerUrls: []',
    '  dataDir: var/lib/etcd',
    'supervisor:',
    '  kind: docker',
    'mesh:',
    '  heartbeatSeconds: 0',
    '  peers:',
    '    - name: host2',
    'snapshots:',
    '  keep: many',
    '  schedule:',
    '    cron: "61 * * * *"',
    '    timeZone: Mars/Olympus',
    'extra: 1',
  ].join('\n');
  expect(problemsOf(text)).toMatchInlineSnapshot(`
    [
      "c.yaml:2:9 agent.name: must be made of lower-case letters, digits, inner hyphens and dots, like a host name",
      "c.yaml:3:3 agent.colour: unknown key",
      "c.yaml:5:15 etcd.memberName: must be text: quote what looks like a number or a date",
      "c.yaml:6:13 etcd.endpoint: must be http://host:port, https://host:port, unix:///path or unixs:///path",
      "c.yaml:7:13 etcd.peerUrls: must hold at least one URL",
      "c.yaml:8:12 etcd.dataDir: must be an absolute path",
      "c.yaml:10:9 supervisor.kind: must be systemd or process or command",
      "c.yaml:12:21 mesh.heartbeatSeconds: must be at least 1 (found 0)",
      "c.yaml:14:7 mesh.peers.0.url: is missing",
      "c.yaml:16:9 snapshots.keep: must be a whole number",
      "c.yaml:18:11 snapshots.schedule.cron: field 1 (minute) must be *, a number from 0 to 59, a range, a list of these, or one with a /step",
      "c.yaml:19:15 snapshots.schedule.timeZone: must be a time zone of the IANA database, like UTC or Europe/Berlin",
      "c.yaml:20:1 extra: unknown key",
    ]
  `);
});

test('an empty file lacks the three sections that have no defaults', () => {
  expect(problemsOf('')).toEqual([
    'c.yaml:1:1 agent: is missing',
    'c.yaml:1:1 etcd: is missing',
    'c.yaml:1:1 supervisor: is missing',
  ]);
});

test.each([
  ['a secret as a value', SMALLEST.replace('{name: host1}', '{name: S3cretPassword}')],
  ['a secret of digits', SMALLEST.replace('m1', '90817263540')],
  ['a secret as a key', `${SMALLEST}S3cretPassword9: {}\n`],
  ['a secret behind a tab', `agent:\n\tname: S3cretPassword\n`],
  ['a secret with a quote missing', `agent: {name: "S3cretPassword}\n`],
  ['a secret as an alias', `agent: {name: *S3cretPassword}\n`],
  ['a secret as a tag', `agent: {name: !S3cretPassword x}\n`],
  ['a secret after the document', `a: b\n"S3cretPassword"\n`],
  ['a secret as an enum', SMALLEST.replace('kind: systemd', 'kind: S3cretPassword')],
])('%s is refused and never echoed', (_, text) => {
  const message = problemsOf(text).join('\n');
  expect(message).not.toMatch(/S3cret|90817263540/);
  expect(message).toMatch(/^c\.yaml:\d+:\d+ /);
});

test.each([
  ['a key given twice', 'agent: {}\nagent: {}\n', 'c.yaml:2:1 this key is given twice'],
  ['a tab', 'agent:\n\tname: x\n', 'c.yaml:2:1 a tab indents this line: YAML takes only spaces'],
  [
    'an unquoted cron expression',
    'snapshots:\n  schedule:\n    cron: */15 * * * *\n',
    'c.yaml:3:16 this does not belong here: a value that begins with * or another sign needs quotes',
  ],
  ['two documents', 'agent: {}\n---\netcd: {}\n', 'c.yaml:2:1 the file must hold one document'],
])('%s is shown with its line', (_, text, expected) => {
  expect(problemsOf(text).join('\n')).toContain(expected);
});

test('aliases that multiply are refused before they fill the memory', () => {
  const levels = Array.from({ length: 12 }, (_, level) => {
    const item = level === 0 ? 'x' : `*l${level - 1}`;
    return `l${level}: &l${level} [${Array.from({ length: 9 }, () => item).join(', ')}]`;
  });
  expect(problemsOf(levels.join('\n'))).toEqual(['c.yaml:1:1 the aliases expand to too much']);
});

test('a file that is not there, is no file, is too large or is not text is unreadable', async () => {
  await using directory = await temporaryDirectory();
  const large = join(directory.path, 'large.yaml');
  await writeFile(large, '#'.repeat(300 * 1024));
  const binary = join(directory.path, 'binary.yaml');
  await writeFile(binary, Buffer.from([0xff, 0xfe, 0x00]));
  for (const path of [join(directory.path, 'absent.yaml'), directory.path, large, binary]) {
    await expect(loadConfig(path)).rejects.toMatchObject({ code: 'FILE_UNREADABLE', details: { path } });
  }
});

test('a readable file is loaded', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'c.yaml');
  await writeFile(path, SMALLEST);
  await chmod(path, 0o400);
  expect((await loadConfig(path)).agent.name).toBe('host1');
});

test("etcd's own configuration file is compared where the command names it", async () => {
  await using directory = await temporaryDirectory();
  const [path, etcdFile] = [join(directory.path, 'c.yaml'), join(directory.path, 'etcd.yaml')];
  const { etcd, ...others } = parseConfig(SMALLEST, 'c.yaml');
  const supervisor = { kind: 'process', command: ['/usr/bin/etcd', '--config-file', etcdFile] };
  await writeFile(path, JSON.stringify({ agent: others.agent, etcd, supervisor }));
  expect((await loadConfig(path)).supervisor.kind).toBe('process');

  await writeFile(etcdFile, `name: ${etcd.memberName}\ndata-dir: /elsewhere\n`);
  await expect(loadConfig(path)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(
      /data-dir in its --config-file is another[^]*peer-urls is not in its/,
    ) as string,
  });
});

function problemsOf(text: string): readonly string[] {
  try {
    parseConfig(text, 'c.yaml');
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'CONFIG_INVALID') throw error;
    return error.message.split('\n');
  }
  return [];
}
