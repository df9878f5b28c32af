import { expect, test } from 'vitest';
import { unitOf } from '../../../src/discovery/etcd-processes.ts';
import {
  expandVariables,
  parseEnvironmentFile,
  parseUnitLaunch,
} from '../../../src/discovery/unit-launch.ts';

/** As systemd 252 prints Debian's etcd.service. */
const DEBIAN = `LoadState=loaded
MainPID=0
ExecStart={ path=/usr/bin/etcd ; argv[]=/usr/bin/etcd $DAEMON_ARGS ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
Environment=DAEMON_ARGS= ETCD_NAME=h1 ETCD_DATA_DIR=/var/lib/etcd/default "ETCD_LOG_OUTPUTS=a b"
EnvironmentFiles=/etc/default/etcd (ignore_errors=yes)
EnvironmentFiles=/etc/etcd/more (ignore_errors=no)
WorkingDirectory=
User=etcd
Group=
`;

test('what systemctl shows of a unit is read, quotes and all', () => {
  expect(parseUnitLaunch(DEBIAN)).toEqual({
    loadState: 'loaded',
    mainPid: 0,
    argv: ['/usr/bin/etcd', '$DAEMON_ARGS'],
    environment: {
      DAEMON_ARGS: '',
      ETCD_NAME: 'h1',
      ETCD_DATA_DIR: '/var/lib/etcd/default',
      ETCD_LOG_OUTPUTS: 'a b',
    },
    environmentFiles: [
      { path: '/etc/default/etcd', optional: true },
      { path: '/etc/etcd/more', optional: false },
    ],
    workingDirectory: '',
    user: 'etcd',
    group: '',
  });
});

test('a unit that is not there has nothing', () => {
  expect(parseUnitLaunch('LoadState=not-found\nMainPID=0\n')).toMatchObject({
    loadState: 'not-found',
    argv: [],
    environmentFiles: [],
  });
});

test('variables become words of a command as systemd splits them', () => {
  const variables = { DAEMON_ARGS: `--name 'a b' --data-dir=/d`, HOST: 'h1' };
  expect(expandVariables(['etcd', '$DAEMON_ARGS', '$NONE', '--url=http://${HOST}:1'], variables)).toEqual([
    ...['etcd', '--name', 'a b', '--data-dir=/d', '--url=http://h1:1'],
  ]);
});

test('an environment file keeps its quotes to itself', () => {
  const text = `# comment\n; another\nETCD_NAME="m 1"\nETCD_DATA_DIR='/d'\nETCD_LIST=a,\\\nb\n\nexport NO=1\n ETCD_LATE = x \n`;
  expect(parseEnvironmentFile(text)).toEqual({
    ETCD_NAME: 'm 1',
    ETCD_DATA_DIR: '/d',
    ETCD_LIST: 'a,b',
    ETCD_LATE: 'x',
  });
});

test.each([
  ['0::/system.slice/etcd.service\n', { name: 'etcd.service', ofUser: false }],
  ['0::/system.slice/system-etcd.slice/etcd@a.service\n', { name: 'etcd@a.service', ofUser: false }],
  [
    '4:memory:/x.service\n1:name=systemd:/system.slice/etcd.service\n0::/\n',
    { name: 'etcd.service', ofUser: false },
  ],
  [
    '0::/user.slice/user-0.slice/user@0.service/app.slice/etcd.service\n',
    { name: 'etcd.service', ofUser: true },
  ],
  ['0::/user.slice/user-0.slice/session-3.scope\n', undefined],
  ['0::/user.slice/user-0.slice/user@0.service/init.scope\n', undefined],
])('the control group %j is told apart', (cgroups, unit) => {
  expect(unitOf(cgroups)).toEqual(unit);
});
