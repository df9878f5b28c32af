import { AgentError } from '../base/agent-error.ts';

/** A cluster, member or lease ID as etcd's own tools print it, always 16 digits: `8e9e05c52164694d`. */
export function idToHex(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16).padStart(16, '0');
}

/** An ID that is unsigned on the wire (members). @throws {AgentError} `USAGE` when it is not 1 to 16 hex digits. */
export function unsignedIdOf(hex: string): bigint {
  if (!/^[0-9a-f]{1,16}$/i.test(hex)) {
    throw new AgentError('USAGE', `an etcd ID has 1 to 16 hexadecimal digits; this is "${hex}"`);
  }
  return BigInt(`0x${hex}`);
}

/** An ID that is signed on the wire (leases). @throws {AgentError} As `unsignedIdOf`. */
export function signedIdOf(hex: string): bigint {
  return BigInt.asIntN(64, unsignedIdOf(hex));
}

/**
 * A 64-bit number from etcd as a number that is exact.
 *
 * @param what - Names it in the error.
 * @throws {AgentError} `ETCD_REFUSED` beyond 2^53 - 1, where counting would go wrong in silence.
 */
export function exactNumber(value: bigint, what: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new AgentError('ETCD_REFUSED', `etcd says that ${what} is ${value}, which is beyond exact counting`);
}
