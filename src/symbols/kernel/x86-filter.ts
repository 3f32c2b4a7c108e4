/**
 * XZ's filter for x86 code: packers make the targets of calls and jumps (E8, E9 with 32 bits) absolute, since equal bytes
 * pack better; this makes them relative again. Source: "The .xz File Format" 1.1, 5.3.2, and the filter's own definition in
 * the public-domain LZMA SDK, which tells by the bytes around an opcode whether it is one.
 */

/** Recent E8 and E9, a bit for each of the last three bytes; in these constellations an opcode may be a new one. */
const MAY_BEGIN = [true, true, true, false, true, false, false, false] as const;
/** Which byte of the target the opcode before it overlaps, from the highest one on. */
const OVERLAPPED = [0, 1, 2, 2, 3, 3, 3, 3] as const;

/** Undoes the filter in place; the first byte counts as address 0. */
export function undoX86Filter(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let recent = 0;
  let last = -1;
  for (let at = 0; at + 5 <= bytes.length; at += 1) {
    if ((bytes[at]! & 0xfe) !== 0xe8) continue;
    const distance = at - last;
    last = at;
    recent = distance > 3 ? 0 : (recent << (distance - 1)) & 7;
    const overlapped = OVERLAPPED[recent]!;
    const isNone = recent !== 0 && (!MAY_BEGIN[recent] || isSign(bytes[at + 4 - overlapped]!));
    if (isNone || !isSign(bytes[at + 4]!)) {
      recent = (recent << 1) | 1;
      continue;
    }
    view.setInt32(at + 1, relative(view.getInt32(at + 1, true), at + 5, recent === 0 ? 0 : overlapped), true);
    at += 4;
  }
}

/** The distance to a target from the address behind the instruction, 25 bits with sign. */
function relative(target: number, address: number, overlapped: number): number {
  let distance = (target - address) | 0;
  if (overlapped > 0 && isSign((distance >>> (24 - 8 * overlapped)) & 0xff)) {
    // The packer has changed those bits of a target that would have looked like an opcode's.
    distance = ((distance ^ ((1 << (32 - 8 * overlapped)) - 1)) - address) | 0;
  }
  return (distance << 7) >> 7;
}

/** Targets reach 16 MiB up or down: the highest byte is all sign. */
function isSign(byte: number): boolean {
  return byte === 0 || byte === 0xff;
}
