import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { respectsHold } from '../../../src/supervisor/unit-conditions.ts';

const HOLD = '/var/lib/etcd-lifeboat/hold';
const UNIT = '[Unit]\nDescription=etcd\n[Service]\nExecStart=/usr/bin/etcd\n';
const DROP_IN = readFileSync(new URL('../../../systemd/etcd-hold.conf', import.meta.url), 'utf8');

test('the drop-in of this repository makes a unit respect the hold', () => {
  expect(respectsHold([UNIT, DROP_IN], HOLD)).toBe(true);
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
  expect(respectsHold([UNIT, text], HOLD)).toBe(false);
});

test('a condition after the one that clears all others is in force', () => {
  expect(respectsHold([UNIT, '[Unit]\nConditionPathExists=\n', DROP_IN], HOLD)).toBe(true);
});

test('a line that goes on after a backslash is one line', () => {
  expect(respectsHold([`[Unit]\nConditionPathExists=\\\n  !${HOLD}\n`], HOLD)).toBe(true);
});
