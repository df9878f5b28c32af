/**
 * What one request to etcd may hold: its default of --max-txn-ops, and less than its default of --max-request-bytes
 * (1.5 MiB; etcd: server/embed/config.go).
 */
export const REQUEST_LIMITS: BatchLimits = { items: 128, bytes: 1_000_000 };

export interface BatchLimits {
  readonly items: number;
  readonly bytes: number;
}

/** Field tags, lengths and revisions around the keys and values of one guarded write. */
const FRAME_BYTES = 64;

/** What an operation on a key adds to a request at most: the key stands in its guard, in what it does, and in what is asked when the guard fails. */
export function requestBytes(keyBytes: number, valueBytes: number): number {
  return 3 * keyBytes + valueBytes + FRAME_BYTES;
}

/** Groups items in their order, each group within the limits. What is larger than a whole group goes alone. */
export async function* batchesOf<T>(
  items: AsyncIterable<T> | Iterable<T>,
  bytesOf: (item: T) => number,
  limits: BatchLimits = REQUEST_LIMITS,
): AsyncGenerator<T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for await (const item of items) {
    const itemBytes = bytesOf(item);
    if (batch.length > 0 && (batch.length === limits.items || bytes + itemBytes > limits.bytes)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(item);
    bytes += itemBytes;
  }
  if (batch.length > 0) yield batch;
}
