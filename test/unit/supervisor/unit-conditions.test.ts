import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { whyHoldIsIgnored } from '../../../src/supervisor/unit-conditions.ts';

const HOLD = '/var/lib/etcd-lifeboat/hold';
const PERMIT = '/run/etcd-lifeboat/start-permit';
const ETCD = { unit: 'etcd.service', holdFile: HOLD, permitFile: PERMIT };
const UNIT = '[Unit]\nDescription=etcd\n[Service]\nExecStart=/usr/bin/etcd\n';
const DROP_IN = readFileSync(new URL('../../../systemd/etcd-hold.conf', import.meta.url), 'utf8');
const BOTH = `ConditionPathExists=|!${HOLD}\nConditionPathExists=|${PERMIT}\n`;

test('the drop-in of this repository makes a unit respect the hold', () => {
  expect(whyHoldIsIgnored([UNIT, DROP_IN], ETCD)).toBeUndefined();
});

const NO_HOLD = `no ConditionPathExists=|!${HOLD} is in force`;
const NO_PERMIT = `no ConditionPathExists=|${PERMIT} is in force`;

test.each([
  ['there is no condition', UNIT, NO_HOLD],
  ['the condition names another file', BOTH.replace(HOLD, '/var/lib/other/hold'), NO_HOLD],
  ['the condition is not negated', BOTH.replace('!', ''), NO_HOLD],
  ['the conditions stand in the wrong section', `[Service]\n${BOTH}`, NO_HOLD],
  ['the condition is commented out', `#${BOTH}`, NO_HOLD],
  ['a later drop-in clears conditions of every kind', `${BOTH}ConditionHost=\n`, NO_HOLD],
  ['they are assertions', BOTH.replaceAll('Condition', 'Assert'), NO_HOLD],
  ['nothing permits a start of the agent', `ConditionPathExists=|!${HOLD}\n`, NO_PERMIT],
  ['the permit is that of another agent', BOTH.replace('/run/etcd', '/run/other'), NO_PERMIT],
  [
    'the hold of an older drop-in has no permit',
    `ConditionPathExists=!${HOLD}\n`,
    `ConditionPathExists=!${HOLD} keeps the agent's own start back as well`,
  ],
  [
    'something else would do instead',
    `${BOTH}ConditionPathExists=| !/etc/no-etcd\n`,
    'ConditionPathExists=|!/etc/no-etcd would let etcd start under the hold',
  ],
])('a unit does not respect the hold when %s', (_, text, reason) => {
  expect(whyHoldIsIgnored([UNIT, `[Unit]\n${text}`], ETCD)).toBe(reason);
});

test('a condition after the one that clears all others is in force, and other kinds do not matter', () => {
  const others = '[Unit]\nConditionPathExists=|/etc/other\nConditionPathExists=\n';
  expect(whyHoldIsIgnored([others, DROP_IN, '[Unit]\nConditionHost=!x\n'], ETCD)).toBeUndefined();
  expect(whyHoldIsIgnored([DROP_IN, '[Unit]\nAssertHost=|x\nAssertHost=\n'], ETCD)).toBeUndefined();
});

test('a line that goes on after a backslash is one line, and spaces do not matter', () => {
  const text = `[Unit]\nConditionPathExists=\\\n  | ! ${HOLD}\nConditionPathExists = | ${PERMIT}\n`;
  expect(whyHoldIsIgnored([text], ETCD)).toBeUndefined();
});

test('the drop-in for several etcds names the hold of each instance, and of no other', () => {
  const dropIn = readFileSync(new URL('../../../systemd/etcd-hold@.conf', import.meta.url), 'utf8');
  const holdFile = '/var/lib/etcd-lifeboat-two/hold';
  const permitFile = '/run/etcd-lifeboat-two/start-permit';
  const two = { unit: 'etcd@two.service', holdFile, permitFile };
  expect(whyHoldIsIgnored([UNIT, dropIn], two)).toBeUndefined();
  expect(whyHoldIsIgnored([UNIT, dropIn], { ...two, unit: 'etcd@three.service' })).toMatch(/^no /);
});

test.each([
  ['%n', 'etcd@a-b.service'],
  ['%N', 'etcd@a-b'],
  ['%p', 'etcd'],
  ['%i', 'a-b'],
  ['%%i', '%i'],
])('%s in a condition stands for %s', (specifier, name) => {
  const text = `[Unit]\n${BOTH.replace(HOLD, `/var/${specifier}/hold`)}`;
  const instance = { ...ETCD, unit: 'etcd@a-b.service', holdFile: `/var/${name}/hold` };
  expect(whyHoldIsIgnored([text], instance)).toBeUndefined();
});

test('a specifier whose meaning is not known protects nothing', () => {
  const text = `[Unit]\n${BOTH.replace('/var/lib', '%S')}`;
  expect(whyHoldIsIgnored([text], ETCD)).toBe(NO_HOLD);
});
