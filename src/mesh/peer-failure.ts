import { AgentError, asAgentError } from '../base/agent-error.ts';
import { isErrorCode } from '../base/error-codes.ts';
import type { FailureFrame } from '../formats/mesh-frame.ts';

const LONGEST_MESSAGE_CHARS = 8192;
const LONGEST_DETAILS_CHARS = 65_536;

/** What a peer is told of an error: code, message and details; no stack, no cause. */
export function failureFrame(id: number | undefined, thrown: unknown): FailureFrame {
  const error = asAgentError(thrown);
  const fits = JSON.stringify(error.details).length <= LONGEST_DETAILS_CHARS;
  return {
    kind: 'failure',
    ...(id === undefined ? {} : { id }),
    code: error.code,
    message: error.message.slice(0, LONGEST_MESSAGE_CHARS),
    details: fits ? copyOf(error.details) : {},
    retryable: error.retryable,
  };
}

/**
 * The peer's error as one of ours. `details.answeredBy` tells it from an error of the link itself; a code of a newer
 * release becomes `PEER_REFUSED` with the word in `details.code`.
 */
export function errorFromPeer(peer: string, frame: FailureFrame): AgentError {
  const details = { ...frame.details, answeredBy: peer };
  if (isErrorCode(frame.code)) return new AgentError(frame.code, `${peer}: ${frame.message}`, { details });
  return new AgentError('PEER_REFUSED', `${peer}: ${frame.code}: ${frame.message}`, {
    details: { ...details, code: frame.code, retryable: frame.retryable },
  });
}

function copyOf(details: AgentError['details']): FailureFrame['details'] {
  return Object.fromEntries(
    Object.entries(details).map(([key, value]) => [
      key,
      Array.isArray(value) ? [...(value as string[])] : value,
    ]),
  ) as FailureFrame['details'];
}
