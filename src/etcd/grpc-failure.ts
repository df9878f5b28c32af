import { status as grpcStatus } from '@grpc/grpc-js';
import { AgentError } from '../base/agent-error.ts';
import type { ErrorCode } from '../base/error-codes.ts';

/** A call that did not end with gRPC's OK. */
export interface GrpcFailure {
  readonly endpoint: string;
  /** As on the wire: `/etcdserverpb.KV/Range`. */
  readonly method: string;
  /** gRPC's status number. */
  readonly status: number;
  /** etcd's words, or grpc-js's own. */
  readonly words: string;
  readonly cause?: unknown;
}

const STALE_TOKEN = /invalid auth token|user name is empty|revision of auth store is old/;

/** etcd's words first: it gives several of these the same status. From etcd-io/etcd:api/v3rpc/rpctypes/error.go. */
const BY_WORDS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^etcdserver: request timed out|no leader$|leader changed$|unhealthy cluster$/, 'ETCD_TIMEOUT'],
  // The server's side of our own deadline, when it is the first to notice.
  [/context deadline exceeded$/, 'ETCD_TIMEOUT'],
  [/^etcdserver: mvcc: database space exceeded$/, 'ETCD_NO_SPACE'],
  // The latter is said by gRPC, before etcd sees the request.
  [/^etcdserver: (request is too large|too many operations in txn request)$/, 'ETCD_REQUEST_TOO_LARGE'],
  [/^grpc: received message (after decompression )?larger than max/, 'ETCD_REQUEST_TOO_LARGE'],
  [/required revision has been compacted$/, 'ETCD_COMPACTED'],
  [/^etcdserver: too many requests$/, 'TOO_MANY_REQUESTS'],
  // UNAVAILABLE on 3.4 and 3.5, as if the member were gone; FAILED_PRECONDITION from 3.6 on.
  [/^etcdserver: rpc not supported for learner$/, 'ETCD_LEARNER'],
  [/can only promote a learner member which is in sync with leader$/, 'ETCD_LEARNER_BEHIND'],
  [STALE_TOKEN, 'ETCD_AUTH_FAILED'],
  [/permission denied|authentication failed, invalid user ID or password/, 'ETCD_AUTH_FAILED'],
  // HashKV and the like, for a certificate whose name is no user; without the prefix and UNKNOWN on 3.4 and 3.5.
  [/^(auth: user|etcdserver: user name) not found$/, 'ETCD_AUTH_FAILED'],
  // How grpc-js reports a connection that broke in the middle of an answer.
  [/RST_STREAM|Connection dropped|ECONNRESET|EPIPE/, 'ETCD_UNREACHABLE'],
];

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  [grpcStatus.DEADLINE_EXCEEDED]: 'ETCD_TIMEOUT',
  [grpcStatus.UNAVAILABLE]: 'ETCD_UNREACHABLE',
  // Not by our signal (that never comes here): the member is going down.
  [grpcStatus.CANCELLED]: 'ETCD_UNREACHABLE',
  [grpcStatus.UNAUTHENTICATED]: 'ETCD_AUTH_FAILED',
  [grpcStatus.PERMISSION_DENIED]: 'ETCD_AUTH_FAILED',
};

const REASONS: Partial<Record<ErrorCode, string>> = {
  ETCD_TIMEOUT: 'no answer in time',
  ETCD_UNREACHABLE: 'not reachable',
  ETCD_AUTH_FAILED: 'not allowed',
  ETCD_LEARNER: 'the member is a learner',
};

/** The failure as this program reports it, with etcd's own words in the message and gRPC's status name in the details. */
export function explainGrpcFailure(failure: GrpcFailure): AgentError {
  const code = codeOf(failure);
  const statusName = grpcStatus[failure.status] ?? String(failure.status);
  return new AgentError(
    code,
    `${REASONS[code] ?? 'refused'}: ${shortMethod(failure.method)} at ${failure.endpoint}: ${failure.words} (${statusName})`,
    {
      cause: failure.cause,
      details: { endpoint: failure.endpoint, method: shortMethod(failure.method), grpcStatus: statusName },
    },
  );
}

/**
 * The failure of a call that the caller's signal ended: `CANCELLED`, or `ETCD_TIMEOUT` when the signal was one of
 * `AbortSignal.timeout`. `cause` is the signal's reason.
 */
export function explainAbort(endpoint: string, method: string, signal: AbortSignal): AgentError {
  const reason: unknown = signal.reason;
  const timedOut = reason instanceof DOMException && reason.name === 'TimeoutError';
  return new AgentError(
    timedOut ? 'ETCD_TIMEOUT' : 'CANCELLED',
    `${timedOut ? 'no answer in time' : 'cancelled'}: ${shortMethod(method)} at ${endpoint}`,
    { cause: reason, details: { endpoint, method: shortMethod(method) } },
  );
}

/** True when a new token may help: etcd forgets tokens that are old, and those of a user whose password changes. */
export function isStaleToken(error: unknown): boolean {
  if (!(error instanceof AgentError) || error.code !== 'ETCD_AUTH_FAILED') return false;
  return error.details['grpcStatus'] === 'UNAUTHENTICATED' || STALE_TOKEN.test(error.message);
}

/** True when etcd knows who asks, by certificate or not at all, and does not allow it to them. */
export function isNotAllowed(error: unknown): boolean {
  return error instanceof AgentError && error.code === 'ETCD_AUTH_FAILED';
}

/** True when etcd has no authentication switched on, and therefore gives no tokens. */
export function isAuthOff(error: unknown): boolean {
  return error instanceof AgentError && error.message.includes('authentication is not enabled');
}

function codeOf(failure: GrpcFailure): ErrorCode {
  const byWords = BY_WORDS.find(([pattern]) => pattern.test(failure.words))?.[1];
  return byWords ?? BY_STATUS[failure.status] ?? 'ETCD_REFUSED';
}

/** `/etcdserverpb.KV/Range` → `KV/Range`. */
function shortMethod(method: string): string {
  return method.replace(/^\/etcdserverpb\./, '');
}
