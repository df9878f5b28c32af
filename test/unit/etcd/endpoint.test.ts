import { expect, test } from 'vitest';
import { parseEndpoint } from '../../../src/etcd/endpoint.ts';

test.for([
  ['http://localhost:2379', { target: 'dns:localhost:2379', secure: false, host: 'localhost' }],
  [
    'https://etcd-1.example:2379/',
    { target: 'dns:etcd-1.example:2379', secure: true, host: 'etcd-1.example' },
  ],
  ['http://127.0.0.1:80', { target: 'ipv4:127.0.0.1:80', secure: false, host: '127.0.0.1' }],
  ['https://[::1]:2379', { target: 'ipv6:[::1]:2379', secure: true, host: '::1' }],
  ['unix:///run/etcd.sock', { target: 'unix:/run/etcd.sock', secure: false, host: 'localhost' }],
  ['unixs:///run/etcd.sock', { target: 'unix:/run/etcd.sock', secure: true, host: 'localhost' }],
  ['unix:/run/etcd.sock', { target: 'unix:/run/etcd.sock', secure: false, host: 'localhost' }],
] as const)('%s is understood', ([endpoint, expected]) => {
  expect(parseEndpoint(endpoint)).toEqual(expected);
});

test.for([
  'localhost:2379',
  'http://localhost',
  'http://a:99999',
  'http://a:1/path',
  'ftp://a:1',
  'unix:x',
  '',
])('"%s" is refused as an endpoint', (endpoint) => {
  expect(() => parseEndpoint(endpoint)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
});
