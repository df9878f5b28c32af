import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { explainAbort, explainGrpcFailure, isAuthOff, isStaleToken } from '../../../src/etcd/grpc-failure.ts';

function explain(grpcStatus: number, words: string): ReturnType<typeof explainGrpcFailure> {
  return explainGrpcFailure({
    endpoint: 'http://10.0.0.1:2379',
    method: '/etcdserverpb.KV/Range',
    status: grpcStatus,
    words,
  });
}

test.for([
  [status.UNAVAILABLE, 'No connection established', 'ETCD_UNREACHABLE'],
  [status.UNAVAILABLE, 'etcdserver: server stopped', 'ETCD_UNREACHABLE'],
  [status.UNAVAILABLE, 'Connection dropped', 'ETCD_UNREACHABLE'],
  [status.INTERNAL, 'Received RST_STREAM with code 2 (Internal server error)', 'ETCD_UNREACHABLE'],
  [status.CANCELLED, 'Call cancelled', 'ETCD_UNREACHABLE'],
  [status.DEADLINE_EXCEEDED, 'Deadline exceeded after 2.0s', 'ETCD_TIMEOUT'],
  [status.UNAVAILABLE, 'etcdserver: request timed out', 'ETCD_TIMEOUT'],
  [
    status.UNAVAILABLE,
    'etcdserver: request timed out, possibly due to previous leader failure',
    'ETCD_TIMEOUT',
  ],
  [status.UNKNOWN, 'context deadline exceeded', 'ETCD_TIMEOUT'],
  [status.UNAVAILABLE, 'etcdserver: no leader', 'ETCD_TIMEOUT'],
  [status.UNAVAILABLE, 'etcdserver: leader changed', 'ETCD_TIMEOUT'],
  [status.UNAUTHENTICATED, 'etcdserver: invalid auth token', 'ETCD_AUTH_FAILED'],
  [status.PERMISSION_DENIED, 'etcdserver: permission denied', 'ETCD_AUTH_FAILED'],
  [status.UNKNOWN, 'etcdserver: permission denied', 'ETCD_AUTH_FAILED'],
  [status.INVALID_ARGUMENT, 'etcdserver: user name is empty', 'ETCD_AUTH_FAILED'],
  [
    status.INVALID_ARGUMENT,
    'etcdserver: authentication failed, invalid user ID or password',
    'ETCD_AUTH_FAILED',
  ],
  [status.RESOURCE_EXHAUSTED, 'etcdserver: mvcc: database space exceeded', 'ETCD_NO_SPACE'],
  [status.RESOURCE_EXHAUSTED, 'etcdserver: too many requests', 'TOO_MANY_REQUESTS'],
  [status.RESOURCE_EXHAUSTED, 'Received message larger than max (9 vs 8)', 'ETCD_REFUSED'],
  [status.INVALID_ARGUMENT, 'etcdserver: request is too large', 'ETCD_REQUEST_TOO_LARGE'],
  [status.INVALID_ARGUMENT, 'etcdserver: too many operations in txn request', 'ETCD_REQUEST_TOO_LARGE'],
  [
    status.RESOURCE_EXHAUSTED,
    'grpc: received message larger than max (3145773 vs. 2097152)',
    'ETCD_REQUEST_TOO_LARGE',
  ],
  [status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision has been compacted', 'ETCD_COMPACTED'],
  [status.OUT_OF_RANGE, 'etcdserver: mvcc: required revision is a future revision', 'ETCD_REFUSED'],
  [status.UNAVAILABLE, 'etcdserver: rpc not supported for learner', 'ETCD_LEARNER'],
  [status.FAILED_PRECONDITION, 'etcdserver: rpc not supported for learner', 'ETCD_LEARNER'],
  [status.UNIMPLEMENTED, 'unknown service', 'ETCD_REFUSED'],
] as const)('gRPC status %i with "%s" is %s', ([grpcStatus, words, code]) => {
  expect(explain(grpcStatus, words).code).toBe(code);
});

test('the message names the reason, the call, the endpoint and etcd’s own words', () => {
  const error = explain(status.UNAVAILABLE, 'etcdserver: request timed out');
  expect(error.message).toBe(
    'no answer in time: KV/Range at http://10.0.0.1:2379: etcdserver: request timed out (UNAVAILABLE)',
  );
  expect(error.details).toEqual({
    endpoint: 'http://10.0.0.1:2379',
    method: 'KV/Range',
    grpcStatus: 'UNAVAILABLE',
  });
});

test('only what a new token may cure counts as a stale token', () => {
  const stale = [
    explain(status.UNAUTHENTICATED, 'etcdserver: invalid auth token'),
    explain(status.INVALID_ARGUMENT, 'etcdserver: revision of auth store is old'),
    explain(status.INVALID_ARGUMENT, 'etcdserver: user name is empty'),
  ];
  const lasting = [
    explain(status.PERMISSION_DENIED, 'etcdserver: permission denied'),
    explain(status.UNAVAILABLE, 'etcdserver: no leader'),
    new Error('invalid auth token'),
  ];
  expect([...stale, ...lasting].map(isStaleToken)).toEqual([true, true, true, false, false, false]);
});

test('etcd without authentication is told apart from a wrong password', () => {
  expect(isAuthOff(explain(status.FAILED_PRECONDITION, 'etcdserver: authentication is not enabled'))).toBe(
    true,
  );
  expect(isAuthOff(explain(status.INVALID_ARGUMENT, 'etcdserver: authentication failed'))).toBe(false);
});

test('an aborted call is cancelled, and a timeout signal is a timeout', () => {
  const controller = new AbortController();
  const reason = new Error('shutting down');
  controller.abort(reason);
  const cancelled = explainAbort('http://a:1', '/etcdserverpb.KV/Put', controller.signal);
  expect(cancelled).toMatchObject({
    code: 'CANCELLED',
    message: 'cancelled: KV/Put at http://a:1',
    cause: reason,
  });
  controller.abort();
  const timeout = AbortSignal.abort(new DOMException('late', 'TimeoutError'));
  expect(explainAbort('http://a:1', '/etcdserverpb.KV/Put', timeout).code).toBe('ETCD_TIMEOUT');
});
