import type { IncomingMessage } from 'node:http';
import { AgentError } from '../base/agent-error.ts';
import { CONTROL_METHODS, type ControlMethod, type ControlParams } from '../formats/control.ts';

const MAX_BODY_BYTES = 64 * 1024;

/**
 * Reads a request's JSON; no body at all stands for no parameters.
 *
 * @throws {AgentError} `USAGE` when it is longer than 64 KiB or not JSON; `CANCELLED` when it was cut off.
 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const text = (await readBody(request)).toString('utf8');
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch (cause) {
    throw new AgentError('USAGE', `the request is not JSON (${text.length} characters)`, { cause });
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (sizeBytes > MAX_BODY_BYTES) {
        throw new AgentError('USAGE', `the request is longer than ${MAX_BODY_BYTES} bytes`);
      }
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    throw new AgentError('CANCELLED', `the request was cut off after ${sizeBytes} bytes`, { cause });
  }
  return Buffer.concat(chunks);
}

/** @throws {AgentError} `USAGE` naming each field that does not fit the method. */
export function parseParams<M extends ControlMethod>(method: M, body: unknown): ControlParams<M> {
  const parsed = CONTROL_METHODS[method].params.safeParse(body);
  if (parsed.success) return parsed.data as ControlParams<M>;
  const problems = parsed.error.issues.map(
    (issue) => `${['params', ...issue.path.map(String)].join('.')}: ${issue.message}`,
  );
  throw new AgentError('USAGE', `${method}: ${problems.slice(0, 5).join('; ')}`);
}
