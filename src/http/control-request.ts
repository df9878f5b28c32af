import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AgentError, asAgentError } from '../base/agent-error.ts';
import type { Clock } from '../base/clock.ts';
import { CONTROL_METHODS, type ControlLine, type ControlMethod } from '../formats/control.ts';
import type { Log } from '../observe/log.ts';
import { openAnswerLines, type AnswerLines } from './answer-lines.ts';
import type { ControlContext, ControlHandlers } from './control-handlers.ts';
import { parseParams, readJsonBody } from './request-body.ts';

export interface RequestSurroundings {
  readonly handlers: ControlHandlers;
  readonly log: Log;
  readonly clock: Clock;
  /** Aborted when the agent stops. */
  readonly stopping: AbortSignal;
}

/** Answers one request of the control socket, and resolves when its client has it or is gone. What goes wrong is an error line. */
export async function answerControlRequest(
  request: IncomingMessage,
  response: ServerResponse,
  surroundings: RequestSurroundings,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) gone.abort(new AgentError('CANCELLED', 'the client went away'));
  });
  // A client that vanishes while it is written to is no failure of the agent: 'close' says all.
  response.on('error', () => undefined);
  const lines = openAnswerLines(response, surroundings.clock);
  const signal = AbortSignal.any([gone.signal, surroundings.stopping]);
  try {
    const call = await prepareCall(request, surroundings.handlers);
    begin(response, 200);
    const result = await call({
      signal,
      onProgress: (progress) => {
        lines.progress(progress);
      },
    });
    lines.finish({ type: 'result', result });
  } catch (thrown) {
    const error = asAgentError(thrown);
    report(error, request, { ...surroundings, gone: gone.signal });
    refuse(response, lines, surroundings.stopping.aborted ? stopped(error) : error);
  }
  if (!response.closed) await once(response, 'close');
}

type Call = (context: ControlContext) => Promise<unknown>;

async function prepareCall(request: IncomingMessage, handlers: ControlHandlers): Promise<Call> {
  const method = methodOf(request);
  return bind(method, handlers, await readJsonBody(request));
}

/** @throws {AgentError} `METHOD_UNKNOWN` */
function methodOf(request: IncomingMessage): ControlMethod {
  const word = /^\/v1\/([a-z.]{1,64})$/.exec(request.url ?? '')?.[1] ?? '';
  if (request.method === 'POST' && isControlMethod(word)) return word;
  throw new AgentError(
    'METHOD_UNKNOWN',
    `this agent does not know ${request.method ?? ''} ${(request.url ?? '').slice(0, 80)}`,
  );
}

function isControlMethod(word: string): word is ControlMethod {
  return Object.hasOwn(CONTROL_METHODS, word);
}

function bind(method: ControlMethod, handlers: ControlHandlers, body: unknown): Call {
  const params = parseParams(method, body);
  // The parameters are those of this very method, which the type of a union cannot say.
  const handle = handlers[method] as (params: unknown, context: ControlContext) => Promise<unknown>;
  return (context) => handle(params, context);
}

function begin(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'application/x-ndjson', connection: 'close' });
  // The client learns at once that the agent lives, however long the work takes.
  response.flushHeaders();
}

function refuse(response: ServerResponse, lines: AnswerLines, error: AgentError): void {
  if (!response.headersSent) begin(response, error.code === 'METHOD_UNKNOWN' ? 404 : 400);
  lines.finish(errorLine(error));
}

function errorLine(error: AgentError): ControlLine {
  const { code, message, hint, details } = error;
  return { type: 'error', error: { code, message: message.slice(0, 8192), hint, details } };
}

function stopped(error: AgentError): AgentError {
  return new AgentError('AGENT_UNREACHABLE', `the agent stopped meanwhile: ${error.message}`, {
    cause: error,
  });
}

/** Defects are logged. So is a failure that no client is left to hear of, unless it is only that it left. */
function report(
  error: AgentError,
  request: IncomingMessage,
  surroundings: RequestSurroundings & { readonly gone: AbortSignal },
): void {
  const fields = { err: error, url: request.url };
  if (error.code === 'INTERNAL') surroundings.log.error(fields, 'a request on the control socket failed');
  else if (surroundings.gone.aborted && error.code !== 'CANCELLED')
    surroundings.log.warn(fields, 'a request on the control socket failed after its client went away');
}
