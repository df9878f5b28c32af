import { expect, test } from 'vitest';
import { etcdStateOf, parseUnitFacts } from '../../../src/supervisor/unit-facts.ts';

const RUNNING = `MainPID=12248
Result=success
ExecMainStartTimestamp=Mon 2026-11-23 14:54:02 UTC
ExecMainStatus=0
LoadState=loaded
ActiveState=active
SubState=running
FragmentPath=/lib/systemd/system/etcd.service
DropInPaths=/etc/systemd/system/etcd.service.d/10-a.conf /etc/systemd/system/etcd.service.d/50-hold.conf
Job=
NeedDaemonReload=no
ConditionResult=yes
AssertResult=yes
`;

function withLines(changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce(
    (text, [name, value]) => text.replace(new RegExp(`^${name}=.*$`, 'm'), `${name}=${value}`),
    RUNNING,
  );
}

test('what systemctl prints of a running unit is read', () => {
  expect(parseUnitFacts(RUNNING)).toEqual({
    loadState: 'loaded',
    activeState: 'active',
    subState: 'running',
    result: 'success',
    mainPid: 12248,
    exitStatus: 0,
    conditionsMet: true,
    jobPending: false,
    needsReload: false,
    files: [
      '/lib/systemd/system/etcd.service',
      '/etc/systemd/system/etcd.service.d/10-a.conf',
      '/etc/systemd/system/etcd.service.d/50-hold.conf',
    ],
    startedAt: '2026-11-23T14:54:02Z',
  });
  expect(etcdStateOf(parseUnitFacts(RUNNING))).toMatchObject({
    state: 'running',
    pid: 12248,
    startedAt: '2026-11-23T14:54:02Z',
  });
});

test('a queued job is seen, and so is a unit that changed on disk', () => {
  const facts = parseUnitFacts(withLines({ Job: '371', NeedDaemonReload: 'yes' }));
  expect(facts).toMatchObject({ jobPending: true, needsReload: true });
});

test.each(['ConditionResult', 'AssertResult'])('a start that %s prevented is seen', (property) => {
  expect(parseUnitFacts(withLines({ [property]: 'no' })).conditionsMet).toBe(false);
});

test.each([
  ['activating', 'start', 'starting'],
  ['activating', 'auto-restart', 'starting'],
  ['deactivating', 'stop-sigterm', 'running'],
  ['reloading', 'reload', 'running'],
  ['failed', 'failed', 'failed'],
  ['inactive', 'dead', 'stopped'],
])('a unit that is %s (%s) is %s', (activeState, subState, state) => {
  const facts = parseUnitFacts(withLines({ ActiveState: activeState, SubState: subState }));
  expect(etcdStateOf(facts).state).toBe(state);
});

test('a unit that stays active without a process is stopped, and a failed one says why', () => {
  expect(etcdStateOf(parseUnitFacts(withLines({ SubState: 'exited', MainPID: '0' }))).state).toBe('stopped');
  const failed = withLines({ ActiveState: 'failed', Result: 'exit-code', ExecMainStatus: '1', MainPID: '0' });
  expect(etcdStateOf(parseUnitFacts(failed)).detail).toMatch(/exit-code.*1/);
});
