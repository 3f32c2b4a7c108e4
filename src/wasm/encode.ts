/** LEB128 and section encodings of the WebAssembly binary format (WebAssembly Core 1.0, section 5). */

/** Appends `value` (an unsigned integer below 2^53) as unsigned LEB128. */
export function unsigned(out: number[], value: number): void {
  while (value > 0x7f) {
    out.push((value % 128) | 0x80);
    value = Math.floor(value / 128);
  }
  out.push(value);
}

/** Appends a signed 32-bit integer as signed LEB128. */
export function signed32(out: number[], value: number): void {
  value |= 0;
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    if ((value === 0 && !(low & 0x40)) || (value === -1 && low & 0x40)) {
      out.push(low);
      return;
    }
    out.push(low | 0x80);
  }
}

/** Appends a 64-bit integer (taken modulo 2^64) as signed LEB128. */
export function signed64(out: number[], value: bigint): void {
  value = BigInt.asIntN(64, value);
  for (;;) {
    const low = Number(value & 0x7fn);
    value >>= 7n;
    if ((value === 0n && !(low & 0x40)) || (value === -1n && low & 0x40)) {
      out.push(low);
      return;
    }
    out.push(low | 0x80);
  }
}

/** Appends an ASCII name with its length. */
export function name(out: number[], text: string): void {
  unsigned(out, text.length);
  for (const char of text) out.push(char.charCodeAt(0));
}

/** Appends a section: id, size in bytes, content. */
export function section(out: number[], id: number, content: readonly number[]): void {
  out.push(id);
  unsigned(out, content.length);
  for (const byte of content) out.push(byte);
}
