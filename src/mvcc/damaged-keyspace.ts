import { AgentError } from '../base/agent-error.ts';

/** The pages are sound, and what etcd keeps in them is not. */
export function damagedKeyspace(found: string): AgentError {
  return new AgentError('SNAPSHOT_DAMAGED', `the keyspace is damaged: ${found}`);
}

/** The first few in hex: they may be many, or secret. */
export function shownBytes(bytes: Buffer): string {
  return `0x${bytes.toString('hex', 0, 20)} (${bytes.length} bytes)`;
}
