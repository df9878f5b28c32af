import { expect, test } from 'vitest';
import { isLoopback, parseListenAddress } from '../../../src/config/listen-address.ts';

test.each([
  ['127.0.0.1:7400', { host: '127.0.0.1', port: 7400 }],
  ['[::1]:7400', { host: '::1', port: 7400 }],
  ['0.0.0.0:65535', { host: '0.0.0.0', port: 65_535 }],
])('%s is an address to listen on', (text, expected) => {
  expect(parseListenAddress(text)).toEqual(expected);
});

test.each([
  'host:7400',
  '127.0.0.1',
  '::1:7400',
  '[127.0.0.1]:7400',
  '127.0.0.1:0',
  '127.0.0.1:65536',
  ':7400',
  '',
])('%j is none', (text) => {
  expect(parseListenAddress(text)).toBeUndefined();
});

test('loopback is what only this host reaches', () => {
  expect(
    ['127.0.0.1', '127.9.9.9', '::1', '[::1]', '0:0:0:0:0:0:0:1', 'localhost'].filter(isLoopback),
  ).toHaveLength(6);
  expect(
    ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.org', '::ffff:10.0.0.1', ''].filter(isLoopback),
  ).toEqual([]);
});
