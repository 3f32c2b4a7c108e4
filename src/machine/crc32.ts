/** CRC-32 as IEEE 802.3 and zlib compute it: reflected polynomial 0xEDB88320, initial and final value all ones. */

const POLYNOMIAL = 0xedb88320;
/** Tables for four bytes at a time: `TABLES[k][b]` is byte b's effect k bytes later. */
const TABLES: readonly Uint32Array[] = makeTables();

function makeTables(): Uint32Array[] {
  const tables = Array.from({ length: 4 }, () => new Uint32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
    tables[0]![byte] = value;
  }
  for (let k = 1; k < 4; k++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = tables[k - 1]![byte]!;
      tables[k]![byte] = (before >>> 8) ^ tables[0]![before & 0xff]!;
    }
  }
  return tables;
}

/** The CRC of `bytes`, unsigned 32 bits. */
export function crc32(bytes: Uint8Array): number {
  const [near, second, third, far] = TABLES as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  let crc = -1;
  let at = 0;
  for (const end = bytes.length - 3; at < end; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = far[crc & 0xff]! ^ third[(crc >>> 8) & 0xff]! ^ second[(crc >>> 16) & 0xff]! ^ near[crc >>> 24]!;
  }
  for (; at < bytes.length; at++) crc = near[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
