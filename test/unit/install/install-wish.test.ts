import { expect, test } from 'vitest';
import { checkWish } from '../../../src/install/install-wish.ts';

const WISH = { prefix: '/usr/local', unit: 'etcd.service', user: 'etcd' };

test.each([
  'relative',
  '/home/me/lifeboat',
  '/tmp/x',
  '/usr',
  '/opt/a b',
  '/opt/../home/x',
  '/',
  "/opt/a'b",
  '/opt/',
])('the prefix %s is refused', (prefix) => {
  expect(() => {
    checkWish({ ...WISH, prefix });
  }).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
});

test.each(['etcd', '../etcd.service', 'a b.service', 'etcd.socket'])('the unit %s is refused', (unit) => {
  expect(() => {
    checkWish({ ...WISH, unit });
  }).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
});

test.each(['', 'root:0', '-u', 'Etcd'])('the user "%s" is refused', (user) => {
  expect(() => {
    checkWish({ ...WISH, user });
  }).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
});

test.each(['/usr/local', '/opt/lifeboat', '/usr/local/lifeboat-0.1'])('the prefix %s is fine', (prefix) => {
  expect(() => {
    checkWish({ prefix, unit: 'etcd@kv-1.service', user: 'etcd' });
  }).not.toThrow();
});
