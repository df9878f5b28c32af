import { RECORD_HEAD_BYTES, type BrokenRecord } from './record-reader.ts';
import { FRAME_LENGTH_BYTES } from './record.ts';
import type { SegmentFile } from './segment-file.ts';

/** etcd: server/storage/wal/decoder.go, minSectorSize: disks write this much whole or not at all. */
const SECTOR_BYTES = 512;
/**
 * How far behind the last record something is looked for that was written after it: more than etcd writes between two
 * syncs. All that it has allocated are 64 MB of zeros, which would push other things out of memory.
 */
const LOOK_BEHIND_BYTES = 4 << 20;

/** Whether nothing was written from `offset` on. */
export async function isUnwritten(file: SegmentFile, offset: number): Promise<boolean> {
  return await file.isZero(offset, offset + LOOK_BEHIND_BYTES);
}

/**
 * Whether a broken record at `offset` of the newest segment is what a crash leaves of a write that was under way: the
 * file ends inside it, nothing comes after it, or a whole sector of it was never written. Such a record was promised to
 * nobody. Anything else is damage: etcd refuses to start on it.
 */
export async function isTornEnd(file: SegmentFile, offset: number, broken: BrokenRecord): Promise<boolean> {
  if (!(await file.reaches(broken.end))) return broken.beginsWell;
  const start = offset + FRAME_LENGTH_BYTES;
  const headEnd = start + RECORD_HEAD_BYTES;
  // A size that does not belong to what follows it was not torn: it may reach over records that were written whole.
  const { beginsWell, end } = broken;
  if (await isUnwritten(file, beginsWell ? end : headEnd)) return true;
  const lastSector = beginsWell ? end - SECTOR_BYTES : headEnd;
  let sector = Math.ceil(start / SECTOR_BYTES) * SECTOR_BYTES;
  for (; sector <= lastSector; sector += SECTOR_BYTES) {
    if (await file.isZero(sector, sector + SECTOR_BYTES)) return true;
  }
  return false;
}
