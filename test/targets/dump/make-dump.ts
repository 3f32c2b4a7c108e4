// Makes memory dumps of four pages: the layouts as their sources say (QEMU's dump/dump.c and target/i386/arch_dump.c,
// makedumpfile's diskdump_mod.h), written down a second time.

export const PAGE = 4096;

/** One ELF note. */
export function note(name: string, type: number, contents: Uint8Array): Buffer {
  const padded = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  const head = Buffer.alloc(12);
  head.writeUInt32LE(name.length + 1, 0);
  head.writeUInt32LE(contents.length, 4);
  head.writeUInt32LE(type, 8);
  return Buffer.concat([head, padded(Buffer.from(`${name}\0`)), padded(contents)]);
}

/** What QEMU tells of a processor. */
export interface QemuCpu {
  readonly rip: bigint;
  readonly rsp: bigint;
  readonly cr0: bigint;
  readonly cr3: bigint;
  readonly cr4: bigint;
  readonly cs: number;
}

/** QEMU's note of a processor in 64-bit mode. */
export function qemuNote({ rip, rsp, cr0, cr3, cr4, cs }: QemuCpu): Buffer {
  const bytes = Buffer.alloc(440);
  bytes.writeUInt32LE(1, 0);
  bytes.writeUInt32LE(440, 4);
  bytes.writeBigUInt64LE(rsp, 8 + 6 * 8);
  bytes.writeBigUInt64LE(rip, 8 + 16 * 8);
  bytes.writeBigUInt64LE(2n, 8 + 17 * 8);
  const segments = 8 + 18 * 8;
  bytes.writeUInt32LE(cs, segments);
  bytes.writeUInt32LE(0xffff_ffff, segments + 4);
  bytes.writeUInt32LE(0x00af_9b00, segments + 8);
  const control = segments + 10 * 24;
  [cr0, 0n, 0n, cr3, cr4].forEach((value, index) => bytes.writeBigUInt64LE(value, control + index * 8));
  return note('QEMU', 0, bytes);
}

/** The kernel's note of a processor. */
export function linuxNote(rip: bigint): Buffer {
  const bytes = Buffer.alloc(336);
  bytes.writeBigUInt64LE(rip, 112 + 16 * 8);
  bytes.writeBigUInt64LE(0x10n, 112 + 17 * 8);
  return note('CORE', 1, bytes);
}

/** An ELF core file; `manyHeaders`: their number is in section 0. */
export function elfCore({
  notes,
  memory,
  manyHeaders = false,
}: {
  readonly notes: Uint8Array;
  readonly memory: Uint8Array;
  readonly manyHeaders?: boolean;
}): Buffer {
  const head = Buffer.alloc(64);
  head.write('\x7fELF\x02\x01\x01', 'latin1');
  head.writeUInt16LE(4, 16);
  head.writeUInt16LE(62, 18);
  head.writeBigUInt64LE(64n, 32);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(manyHeaders ? 0xffff : 2, 56);
  const section = Buffer.alloc(manyHeaders ? 64 : 0);
  if (manyHeaders) {
    head.writeBigUInt64LE(64n + 112n, 40);
    section.writeUInt32LE(2, 44);
  }
  const first = 64 + 112 + section.length;
  const header = (type: number, offset: number, bytes: number): Buffer => {
    const program = Buffer.alloc(56);
    program.writeUInt32LE(type, 0);
    program.writeBigUInt64LE(BigInt(offset), 8);
    program.writeBigUInt64LE(BigInt(bytes), 32);
    program.writeBigUInt64LE(BigInt(bytes), 40);
    return program;
  };
  return Buffer.concat([
    ...[head, header(4, first, notes.length), header(1, first + notes.length, memory.length), section],
    ...[notes, memory],
  ]);
}

/** A compressed kdump; `pack` gives a page's bytes and flags. */
export function kdump({
  notes,
  memory,
  info = '',
  pack,
}: {
  readonly notes: Uint8Array;
  readonly memory: Uint8Array;
  readonly info?: string;
  readonly pack: (page: Uint8Array) => readonly [bytes: Uint8Array, flags: number];
}): Buffer {
  const pages = memory.length / PAGE;
  const block = (): Buffer => Buffer.alloc(PAGE);
  const head = block();
  head.write('KDUMP   ', 'latin1');
  head.writeUInt32LE(6, 8);
  // Block size, blocks of the second header, blocks of both bit maps.
  [PAGE, 1, 2].forEach((value, index) => head.writeUInt32LE(value, 428 + index * 4));
  const map = block();
  for (let page = 0; page < pages; page++) map[page >> 3]! |= 1 << (page & 7);
  const descriptors = Buffer.alloc(pages * 24);
  const texts = [Buffer.from(info), Buffer.from(notes)] as const;
  let end = 4 * PAGE + descriptors.length;
  const sub = block();
  texts.forEach((text, index) => {
    sub.writeBigUInt64LE(BigInt(end), 32 + index * 16);
    sub.writeBigUInt64LE(BigInt(text.length), 40 + index * 16);
    end += text.length;
  });
  const packed: Uint8Array[] = [];
  for (let page = 0; page < pages; page++) {
    const [bytes, flags] = pack(memory.subarray(page * PAGE, (page + 1) * PAGE));
    descriptors.writeBigUInt64LE(BigInt(end), page * 24);
    descriptors.writeUInt32LE(bytes.length, page * 24 + 8);
    descriptors.writeUInt32LE(flags, page * 24 + 12);
    packed.push(bytes);
    end += bytes.length;
  }
  return Buffer.concat([head, sub, map, map, descriptors, ...texts, ...packed]);
}

/** The same file as it goes through a pipe: pieces of 1000 bytes, the last one first. */
export function flattened(file: Uint8Array): Buffer {
  const head = Buffer.alloc(PAGE);
  head.write('makedumpfile');
  head.writeBigInt64BE(1n, 16);
  head.writeBigInt64BE(1n, 24);
  const pieces: Buffer[] = [];
  const piece = (offset: number, bytes: Uint8Array): void => {
    const own = Buffer.alloc(16);
    own.writeBigInt64BE(BigInt(offset), 0);
    own.writeBigInt64BE(BigInt(bytes.length), 8);
    pieces.unshift(Buffer.concat([own, bytes]));
  };
  for (let offset = 0; offset < file.length; offset += 1000) piece(offset, file.subarray(offset, offset + 1000));
  const end = Buffer.alloc(16, 0xff);
  return Buffer.concat([head, ...pieces, end]);
}
