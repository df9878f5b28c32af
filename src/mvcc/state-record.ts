import type { KeyState } from './live-key.ts';

/** The lengths of key and hash come first, then the numbers, then both texts. */
const HEAD_BYTES = 57;

/** How many bytes `writeState` takes. */
export function recordBytes({ key, valueHash }: Pick<KeyState, 'key' | 'valueHash'>): number {
  return HEAD_BYTES + key.length + valueHash.length;
}

/** Writes a state at `at`, for `readState` of this same process: of no use to anybody else. */
export function writeState(buffer: Buffer, at: number, state: KeyState): void {
  buffer.writeUInt32LE(state.key.length, at);
  buffer.writeUInt32LE(state.valueHash.length, at + 4);
  buffer.writeUInt8(state.isDeleted ? 1 : 0, at + 8);
  buffer.writeDoubleLE(state.modRevision, at + 9);
  buffer.writeDoubleLE(state.sub, at + 17);
  buffer.writeDoubleLE(state.createRevision, at + 25);
  buffer.writeDoubleLE(state.version, at + 33);
  buffer.writeDoubleLE(state.valueSizeBytes, at + 41);
  buffer.writeBigInt64LE(state.lease, at + 49);
  buffer.write(state.key, at + HEAD_BYTES, 'latin1');
  buffer.write(state.valueHash, at + HEAD_BYTES + state.key.length, 'latin1');
}

/** The state at `at`; or how many bytes from there on it takes, when not all of them are there before `end`. */
export function readState(buffer: Buffer, at: number, end: number): KeyState | number {
  if (end - at < HEAD_BYTES) return HEAD_BYTES;
  const keyEnd = at + HEAD_BYTES + buffer.readUInt32LE(at);
  const hashEnd = keyEnd + buffer.readUInt32LE(at + 4);
  if (hashEnd > end) return hashEnd - at;
  return {
    key: buffer.toString('latin1', at + HEAD_BYTES, keyEnd),
    isDeleted: buffer.readUInt8(at + 8) === 1,
    modRevision: buffer.readDoubleLE(at + 9),
    sub: buffer.readDoubleLE(at + 17),
    createRevision: buffer.readDoubleLE(at + 25),
    version: buffer.readDoubleLE(at + 33),
    valueSizeBytes: buffer.readDoubleLE(at + 41),
    lease: buffer.readBigInt64LE(at + 49),
    valueHash: buffer.toString('latin1', keyEnd, hashEnd),
  };
}
