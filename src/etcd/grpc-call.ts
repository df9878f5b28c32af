import {
  Metadata,
  status,
  type CallOptions,
  type Client,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { AgentError, messageOf } from '../base/agent-error.ts';
import { systemClock } from '../base/clock.ts';
import { explainAbort, explainGrpcFailure } from './grpc-failure.ts';

const DEADLINE_TOLERANCE_MS = 100;

interface CallContext {
  readonly endpoint: string;
  readonly channel: Client;
  readonly token: string | undefined;
  readonly signal: AbortSignal;
  /** When gRPC gives up; `undefined` for never. */
  readonly deadline: Date | undefined;
}

/**
 * One request, one answer, tried once.
 *
 * @throws {AgentError} See `explainGrpcFailure` and `explainAbort`. etcd may have done the work all the same.
 */
export async function callUnary<Request, Response>(
  method: MethodDefinition<Request, Response>,
  request: Request,
  context: CallContext,
): Promise<Response> {
  const { endpoint, channel, signal } = context;
  if (signal.aborted) throw explainAbort(endpoint, method.path, signal);
  const { promise, resolve, reject } = settleable<Response>();
  const call = channel.makeUnaryRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
    metadataWith(context.token),
    optionsWith(context.deadline),
    (error, answer) => {
      if (error !== null) reject(explainCallError(error, { ...context, method: method.path }));
      else if (answer === undefined)
        reject(new AgentError('ETCD_REFUSED', `${method.path}: an empty answer`));
      else resolve(answer);
    },
  );
  const cancel = (): void => {
    call.cancel();
  };
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

interface FailedCall {
  readonly endpoint: string;
  readonly method: string;
  readonly signal: AbortSignal;
  readonly deadline?: Date | undefined;
}

/** What grpc-js threw or emitted, as this program reports it. */
export function explainCallError(thrown: unknown, call: FailedCall): AgentError {
  if (thrown instanceof AgentError) return thrown;
  const { endpoint, method, signal } = call;
  if (signal.aborted) return explainAbort(endpoint, method, signal);
  if (isServiceError(thrown)) {
    const code = isLate(thrown, call.deadline) ? status.DEADLINE_EXCEEDED : thrown.code;
    return explainGrpcFailure({ endpoint, method, status: code, words: thrown.details, cause: thrown });
  }
  return new AgentError('INTERNAL', `${method} at ${endpoint}: ${messageOf(thrown)}`, { cause: thrown });
}

/** The server knows the deadline too, and may be the first to give up: that arrives as a cancelled call. */
function isLate(error: ServiceError, deadline: Date | undefined): boolean {
  if (error.code !== status.CANCELLED || deadline === undefined) return false;
  return systemClock.now() >= deadline.getTime() - DEADLINE_TOLERANCE_MS;
}

/** etcd takes the token from the metadata key `token`: etcd-io/etcd:api/v3rpc/rpctypes/metadatafields.go. */
export function metadataWith(token: string | undefined): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('token', token);
  return metadata;
}

function optionsWith(deadline: Date | undefined): CallOptions {
  return deadline === undefined ? {} : { deadline };
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return (
    thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number' && 'details' in thrown
  );
}

function settleable<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: AgentError) => void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: AgentError) => void = () => undefined;
  const promise = new Promise<T>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  return { promise, resolve, reject };
}
