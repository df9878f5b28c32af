/** What a process did since it began. */
export interface Activity {
  /** Time in which it ran or waited for a processor, of all its threads. */
  readonly wantedMs: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** An etcd that has nothing to do wants far less than this of a processor. */
const BUSY_SHARE = 0.1;
const BUSY_BYTES = 1024 * 1024;

/** Whether a process worked between two looks. One that is starved of processor time by others wants it, and so works. */
export function wasBusy(before: Activity, after: Activity, elapsedMs: number): boolean {
  return (
    after.wantedMs - before.wantedMs > elapsedMs * BUSY_SHARE ||
    after.readBytes - before.readBytes > BUSY_BYTES ||
    after.writtenBytes - before.writtenBytes > BUSY_BYTES
  );
}
