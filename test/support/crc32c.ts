const CASTAGNOLI_REVERSED = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1)
    rest = (rest & 1) === 1 ? (rest >>> 1) ^ CASTAGNOLI_REVERSED : rest >>> 1;
  return rest >>> 0;
});

/** The checksum of `snapshot status` and HashKV. */
export class Crc32c {
  #state = 0xffffffff;

  add(bytes: Uint8Array): void {
    for (const byte of bytes) this.#state = (TABLE[(this.#state ^ byte) & 0xff] ?? 0) ^ (this.#state >>> 8);
  }

  get value(): number {
    return (this.#state ^ 0xffffffff) >>> 0;
  }
}
