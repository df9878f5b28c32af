import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { respectsHold } from '../../../src/supervisor/unit-conditions.ts';

const HOLD = '/var/lib/etcd-lifeboat/hold';
const ETCD = { unit: 'etcd.service', holdFile: HOLD };
const UNIT = '[Unit]\nDescription=etcd\n[Service]\nExecStart=/usr/bin/etcd\n';
const DROP_IN = readFileSync(new URL('../../../systemd/etcd-hold.conf', import.meta.url), 'utf8');

test('the drop-in of this repository makes a unit respect the hold', () => {
  expect(respectsHold([UNIT, DROP_IN], ETCD)).toBe(true);
});

test.each([
  ['there is no condition', UNIT],
  ['the condition names another file', `[Unit]\nConditionPathExists=!/var/lib/other/hold\n`],
  ['the condition is not negated', `[Unit]\nConditionPathExists=${HOLD}\n`],
  ['the condition is one alternative of several', `[Unit]\nConditionPathExists=|!${HOLD}\n`],
  ['the condition stands in the wrong section', `[Service]\nConditionPathExists=!${HOLD}\n`],
  ['the condition is commented out', `[Unit]\n#ConditionPathExists=!${HOLD}\n`],
  ['a later drop-in clears conditions of every kind', `${DROP_IN}[Unit]\nConditionHost=\n`],
])('a unit does not respect the hold when %s', (_, text) => {
  expect(respectsHold([UNIT, text], ETCD)).toBe(false);
});

test('a condition after the one that clears all others is in force', () => {
  expect(respectsHold([UNIT, '[Unit]\nConditionPathExists=\n', DROP_IN], ETCD)).toBe(true);
});

test('a line that goes on after a backslash is one line', () => {
  expect(respectsHold([`[Unit]\nConditionPathExists=\\\n  !${HOLD}\n`], ETCD)).toBe(true);
});

test('the drop-in for several etcds names the hold of each instance, and of no other', () => {
  const dropIn = readFileSync(new URL('../../../systemd/etcd-hold@.conf', import.meta.url), 'utf8');
  const holdFile = '/var/lib/etcd-lifeboat-two/hold';
  expect(respectsHold([UNIT, dropIn], { unit: 'etcd@two.service', holdFile })).toBe(true);
  expect(respectsHold([UNIT, dropIn], { unit: 'etcd@three.service', holdFile })).toBe(false);
});

test.each([
  ['%n', 'etcd@a-b.service'],
  ['%N', 'etcd@a-b'],
  ['%p', 'etcd'],
  ['%i', 'a-b'],
  ['%%i', '%i'],
])('%s in a condition stands for %s', (specifier, name) => {
  const text = `[Unit]\nConditionPathExists=!/var/${specifier}/hold\n`;
  expect(respectsHold([text], { unit: 'etcd@a-b.service', holdFile: `/var/${name}/hold` })).toBe(true);
});

test('a specifier whose meaning is not known protects nothing', () => {
  const text = '[Unit]\nConditionPathExists=!%S/etcd-lifeboat/hold\n';
  expect(respectsHold([text], ETCD)).toBe(false);
});
