import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

const KEY = 'authRevision';
const TRAILER_BYTES = 32;

/**
 * Cuts the revision of the authentication store short, in every page of a database that holds it, and renews the trailer where the
 * file has one. Nothing that a proof reads is wrong then, and the restore tools take the file; etcd panics when it starts on it
 * (etcd-io/etcd: auth/store.go, getRevision).
 */
export async function makeUnbootable(path: string): Promise<void> {
  const bytes = await readFile(path);
  let found = 0;
  for (let key = bytes.indexOf(KEY); key >= 0; key = bytes.indexOf(KEY, key + 1)) {
    const element = elementOf(bytes, key);
    if (element === undefined) continue;
    bytes.writeUInt32LE(3, element + 12);
    found += 1;
  }
  if (found === 0) throw new Error(`${path} holds no ${KEY}`);
  if (bytes.length % 512 === TRAILER_BYTES) {
    const body = bytes.subarray(0, -TRAILER_BYTES);
    createHash('sha256').update(body).digest().copy(bytes, body.length);
  }
  await writeFile(path, bytes);
}

/** The leaf element (bbolt: flags, position, sizes of key and value, four bytes each) whose key begins at `key`. */
function elementOf(bytes: Buffer, key: number): number | undefined {
  for (let at = key - 16; at >= Math.max(0, key - 4096); at -= 1) {
    const isIt = bytes.readUInt32LE(at + 4) === key - at && bytes.readUInt32LE(at + 8) === KEY.length;
    if (isIt && bytes.readUInt32LE(at + 12) === 8) return at;
  }
  return undefined;
}
