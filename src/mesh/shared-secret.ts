import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { open } from 'node:fs/promises';
import { AgentError, messageOf } from '../base/agent-error.ts';

/** Everything a proof is bound to, so that it fits one greeting between two named agents and no other. */
export interface Transcript {
  readonly dialler: string;
  readonly acceptor: string;
  readonly diallerNonce: string;
  readonly acceptorNonce: string;
}

const FEWEST_BYTES = 16;
const MOST_BYTES = 4096;
const READABLE_BY_OTHERS = 0o004;

/** 32 random bytes in hex. */
export function newNonce(): string {
  return randomBytes(32).toString('hex');
}

/**
 * Proves that one side of a greeting holds the secret, which itself never crosses the link. The role is part of it, so
 * neither side can answer with the other's proof.
 */
export function prove(secret: Buffer, role: 'dialler' | 'acceptor', transcript: Transcript): string {
  const { dialler, acceptor, diallerNonce, acceptorNonce } = transcript;
  const text = JSON.stringify(['lifeboat-mesh-1', role, dialler, acceptor, diallerNonce, acceptorNonce]);
  return createHmac('sha256', secret).update(text).digest('hex');
}

/** Whether `proof` is the right one, in constant time. */
export function isProof(proof: string | undefined, expected: string): boolean {
  if (proof?.length !== expected.length) return false;
  return timingSafeEqual(Buffer.from(proof), Buffer.from(expected));
}

/**
 * The shared secret, without the line end that editors add. Read for each greeting: a new one needs no restart.
 *
 * @throws {AgentError} `FILE_UNREADABLE`; `CONFIG_INVALID` when it is shorter than 16 bytes, longer than 4 KiB, or
 *   readable by every user of the host, against whom it is the only guard.
 */
export async function readSecret(path: string): Promise<Buffer> {
  const { bytes, mode } = await readWithMode(path);
  if ((mode & READABLE_BY_OTHERS) !== 0) {
    const found = (mode & 0o777).toString(8);
    throw new AgentError(
      'CONFIG_INVALID',
      `${path} has mode ${found}: every user can read it; use 600 or 640`,
    );
  }
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end -= 1;
  if (end < FEWEST_BYTES || end > MOST_BYTES) {
    const found = end > MOST_BYTES ? `more than ${MOST_BYTES}` : String(end);
    throw new AgentError(
      'CONFIG_INVALID',
      `${path} holds ${found} bytes; a secret has at least ${FEWEST_BYTES}`,
    );
  }
  return bytes.subarray(0, end);
}

async function readWithMode(path: string): Promise<{ bytes: Buffer; mode: number }> {
  try {
    await using file = await open(path, 'r');
    const { mode } = await file.stat();
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(MOST_BYTES + 3) });
    return { bytes: buffer.subarray(0, bytesRead), mode };
  } catch (cause) {
    throw new AgentError('FILE_UNREADABLE', `the mesh secret cannot be read: ${messageOf(cause)}`, { cause });
  }
}
