/**
 * The processors in a dump's ELF notes: QEMU's own, which have system registers, else the kernel's NT_PRSTATUS, which have
 * general ones; and VMCOREINFO, which tells where the kernel's page tables are. Sources: QEMU's target/i386/arch_dump.c;
 * Linux arch/x86/include/asm/user_64.h and user_32.h, Documentation/admin-guide/kdump/vmcoreinfo.rst.
 */
import { keyOf, type RegisterValues } from '../foreign-guest/register-values';

/** What the notes say. */
export interface DumpNotes {
  /** Registers of each processor, with system registers only from QEMU. */
  readonly processors: readonly RegisterValues[];
  readonly hasSystemRegisters: boolean;
  /** VMCOREINFO's lines, `NAME=VALUE`. */
  readonly kernel: ReadonlyMap<string, string>;
}

const NT_PRSTATUS = 1;
const MOST_PROCESSORS = 4096;
const MOST_TEXT = 2 ** 20;

const QEMU_BYTES = 440;
const QEMU_GENERAL = [
  ...['RAX', 'RBX', 'RCX', 'RDX', 'RSI', 'RDI', 'RSP', 'RBP'],
  ...['R8', 'R9', 'R10', 'R11', 'R12', 'R13', 'R14', 'R15', 'RIP'],
];
const QEMU_SEGMENTS = ['CS', 'DS', 'ES', 'FS', 'GS', 'SS', 'LDTR', 'TR', 'GDTR', 'IDTR'];
const SEGMENT_BYTES = 24;
const RIGHTS_MASK = 0xf0ff;
const PRESENT = 0x80;
const UNUSABLE = 0x10000n;

/** `struct user_regs_struct` behind the head of `struct elf_prstatus`; `ORIG` is the number of a system call. */
const LINUX_64 = {
  first: 112,
  bytes: 8,
  names: [
    ...['R15', 'R14', 'R13', 'R12', 'RBP', 'RBX', 'R11', 'R10', 'R9', 'R8', 'RAX', 'RCX', 'RDX', 'RSI', 'RDI', 'ORIG'],
    ...['RIP', 'CS', 'RFLAGS', 'RSP', 'SS', 'FS base', 'GS base', 'DS', 'ES', 'FS', 'GS'],
  ],
};
const LINUX_32 = {
  first: 72,
  bytes: 4,
  names: [
    ...['RBX', 'RCX', 'RDX', 'RSI', 'RDI', 'RBP', 'RAX', 'DS', 'ES', 'FS', 'GS', 'ORIG', 'RIP', 'CS', 'RFLAGS'],
    ...['RSP', 'SS'],
  ],
};

/** Reads notes; what is damaged among them is left out. */
export function readNotes(bytes: Uint8Array, bits: 32 | 64): DumpNotes {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const fromQemu: RegisterValues[] = [];
  const fromLinux: RegisterValues[] = [];
  let text = '';
  for (let at = 0; at + 12 <= bytes.length;) {
    const [nameBytes, length, type] = [0, 4, 8].map((offset) => view.getUint32(at + offset, true)) as [
      number,
      number,
      number,
    ];
    const contents = at + 12 + aligned(nameBytes);
    if (contents + length > bytes.length) break;
    const name = Buffer.from(bytes.subarray(at + 12, at + 12 + Math.min(nameBytes, 32)))
      .toString('latin1')
      .split('\0')[0];
    const own = new DataView(bytes.buffer, bytes.byteOffset + contents, length);
    if (name === 'QEMU' && length >= QEMU_BYTES && fromQemu.length < MOST_PROCESSORS) fromQemu.push(qemuProcessor(own));
    else if (name === 'CORE' && type === NT_PRSTATUS && fromLinux.length < MOST_PROCESSORS) {
      const found = linuxProcessor(own, bits);
      if (found) fromLinux.push(found);
    } else if (name === 'VMCOREINFO') {
      text = Buffer.from(bytes.subarray(contents, contents + Math.min(length, MOST_TEXT))).toString('latin1');
    }
    at = contents + aligned(length);
  }
  const hasSystemRegisters = fromQemu.length > 0;
  return { processors: hasSystemRegisters ? fromQemu : fromLinux, hasSystemRegisters, kernel: linesOf(text) };
}

const aligned = (length: number): number => 4 * Math.ceil(length / 4);

/** VMCOREINFO's lines. */
export function linesOf(text: string): ReadonlyMap<string, string> {
  const lines = text.split(/[\n\0]/).map((line) => /^([^=]+)=(.*)$/.exec(line));
  return new Map(lines.flatMap((match) => (match ? [[match[1]!, match[2]!] as const] : [])));
}

function qemuProcessor(view: DataView): RegisterValues {
  const values = new Map<string, bigint>();
  let at = 8;
  const quad = (): bigint => view.getBigUint64((at += 8) - 8, true);
  for (const name of QEMU_GENERAL) values.set(keyOf('General', name), quad());
  values.set(keyOf('Flags', 'RFLAGS'), quad());
  for (const name of QEMU_SEGMENTS) {
    const rights = (view.getUint32(at + 8, true) >>> 8) & RIGHTS_MASK;
    const isTable = name === 'GDTR' || name === 'IDTR';
    if (!isTable) {
      values.set(keyOf('Segments', name), BigInt(view.getUint32(at, true) & 0xffff));
      values.set(keyOf('Segments', `${name} access rights`), BigInt(rights) | (rights & PRESENT ? 0n : UNUSABLE));
    }
    values.set(keyOf('Segments', `${name} limit`), BigInt(view.getUint32(at + 4, true)) & (isTable ? 0xffffn : -1n));
    values.set(keyOf('Segments', `${name} base`), view.getBigUint64(at + 16, true));
    at += SEGMENT_BYTES;
  }
  for (const number of [0, 1, 2, 3, 4]) {
    const value = quad();
    // There is no CR1.
    if (number !== 1) values.set(keyOf('Control', `CR${number}`), value);
  }
  const size = view.getUint32(4, true);
  if (size >= QEMU_BYTES && at + 8 <= view.byteLength) values.set(keyOf('MSRs', 'IA32_KERNEL_GS_BASE'), quad());
  return values;
}

function linuxProcessor(view: DataView, bits: 32 | 64): RegisterValues | undefined {
  const { first, bytes, names } = bits === 64 ? LINUX_64 : LINUX_32;
  if (view.byteLength < first + names.length * bytes) return undefined;
  const values = new Map<string, bigint>();
  names.forEach((name, index) => {
    const at = first + index * bytes;
    const value = bytes === 8 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
    if (name === 'ORIG') return;
    if (name === 'RFLAGS') values.set(keyOf('Flags', name), value);
    else if (name.startsWith('R')) values.set(keyOf('General', name), value);
    else values.set(keyOf('Segments', name), name.length === 2 ? value & 0xffffn : value);
  });
  return values;
}
