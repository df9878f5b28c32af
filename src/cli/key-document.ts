import { idToHex } from '../etcd/wire-numbers.ts';
import { keyText } from '../mvcc/key-text.ts';

interface KeyFacts {
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: bigint;
}

/** A key in JSON: `key` is for people and for this command line, `keyBase64` for programs. */
export function keyFields(key: Buffer): { readonly key: string; readonly keyBase64: string } {
  return { key: keyText(key), keyBase64: key.toString('base64') };
}

/** What is known of a key beside its value. A lease is written as etcdctl shows it; it is absent where there is none. */
export function keyFacts({ createRevision, modRevision, version, lease }: KeyFacts): object {
  return { createRevision, modRevision, version, ...(lease === 0n ? {} : { lease: idToHex(lease) }) };
}
