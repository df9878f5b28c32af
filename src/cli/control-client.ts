import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { AgentError, messageOf, systemCodeOf } from '../base/agent-error.ts';
import { isErrorCode } from '../base/error-codes.ts';
import {
  CONTROL_METHODS,
  controlLine,
  type ControlLine,
  type ControlMethod,
  type ControlParams,
  type ControlResult,
  type Progress,
} from '../formats/control.ts';
import { splitLines } from './split-lines.ts';

export interface ControlCall<M extends ControlMethod> {
  readonly socketPath: string;
  readonly method: M;
  readonly params: ControlParams<M>;
  /** Ends the request. For a restore that only ends the watching. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** The agent answers with its headers as soon as it has read the request, before any work. */
const SIGN_OF_LIFE_MS = 30_000;

/**
 * Asks the agent of this host and follows its answer to the end.
 *
 * @throws {AgentError} what the agent answered; `AGENT_UNREACHABLE` where it did not; `CANCELLED` when the
 *   signal ends it; `PROTOCOL_MISMATCH` for an answer of another release.
 */
export async function callAgent<M extends ControlMethod>(call: ControlCall<M>): Promise<ControlResult<M>> {
  try {
    const response = await send(call);
    for await (const text of splitLines(response)) {
      const line = parseLine(text);
      if (line.type === 'progress') call.onProgress?.(line.progress);
      else return finalOf(call.method, line);
    }
  } catch (error) {
    if (call.signal.aborted)
      throw new AgentError('CANCELLED', `${call.method} was cancelled`, { cause: error });
    if (error instanceof AgentError) throw error;
    throw unreachable(call.socketPath, error);
  }
  throw unreachable(call.socketPath, new Error('the answer has no end'), CUT_OFF);
}

async function send<M extends ControlMethod>(call: ControlCall<M>): Promise<IncomingMessage> {
  const body = JSON.stringify(call.params);
  const outgoing = request({
    socketPath: call.socketPath,
    path: `/v1/${call.method}`,
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    signal: call.signal,
    agent: false,
  });
  outgoing.end(body);
  return await firstResponse(outgoing, call.socketPath);
}

async function firstResponse(outgoing: ClientRequest, socketPath: string): Promise<IncomingMessage> {
  outgoing.setTimeout(SIGN_OF_LIFE_MS, () => {
    outgoing.destroy(
      new AgentError(
        'AGENT_UNREACHABLE',
        `the agent on ${socketPath} gave no sign of life within ${SIGN_OF_LIFE_MS / 1000} s`,
      ),
    );
  });
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  outgoing.setTimeout(0);
  // From now on the reader of the response sees every failure.
  outgoing.on('error', () => undefined);
  return response;
}

function parseLine(text: string): ControlLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AgentError('PROTOCOL_MISMATCH', 'the agent answered with a line that is not JSON', { cause });
  }
  const parsed = controlLine.safeParse(value);
  if (parsed.success) return parsed.data;
  throw notUnderstood('a line', parsed.error.issues);
}

function finalOf<M extends ControlMethod>(
  method: M,
  line: Exclude<ControlLine, { type: 'progress' }>,
): ControlResult<M> {
  if (line.type === 'error') throw remoteError(line.error);
  const parsed = CONTROL_METHODS[method].result.safeParse(line.result);
  if (parsed.success) return parsed.data as ControlResult<M>;
  throw notUnderstood(`the result of ${method}`, parsed.error.issues);
}

function remoteError(error: Extract<ControlLine, { type: 'error' }>['error']): AgentError {
  const { code, message } = error;
  if (isErrorCode(code)) {
    return new AgentError(code, message, { details: (error.details ?? {}) as AgentError['details'] });
  }
  return new AgentError(
    'PROTOCOL_MISMATCH',
    `the agent failed with ${code}, which this release does not know: ${message}`,
  );
}

function notUnderstood(
  what: string,
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): AgentError {
  const problems = issues.slice(0, 3).map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`);
  return new AgentError(
    'PROTOCOL_MISMATCH',
    `${what} is not what this release expects: ${problems.join('; ')}`,
  );
}

type Explanation = (socketPath: string) => string;

const CUT_OFF: Explanation = (path) => `the agent on ${path} closed the connection before it had answered`;

const UNREACHABLE: Readonly<Record<string, Explanation>> = {
  ENOENT: (path) => `there is no control socket at ${path}`,
  ECONNREFUSED: (path) => `no agent listens on ${path}: the file is what a dead one left`,
  EACCES: (path) => `this user may not open the control socket ${path} (EACCES)`,
  EPERM: (path) => `this user may not open the control socket ${path} (EPERM)`,
  ECONNRESET: CUT_OFF,
  EPIPE: CUT_OFF,
};

function unreachable(socketPath: string, cause: unknown, known?: Explanation): AgentError {
  const explain = known ?? UNREACHABLE[systemCodeOf(cause) ?? ''];
  const message = explain?.(socketPath) ?? `the agent on ${socketPath} cannot be asked: ${messageOf(cause)}`;
  return new AgentError('AGENT_UNREACHABLE', message, { cause, details: { socketPath } });
}
