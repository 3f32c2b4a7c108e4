// The registers that are compared, as our machine has them and as QEMU's stub sends them.
import { STATE } from '../../src/cpu/layout';
import type { Machine } from '../../src/machine/machine';

export const GENERAL = [
  ...['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi'],
  ...['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'],
] as const;
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const;

/** Register values by name, unsigned. */
export type Registers = Readonly<Record<string, bigint>>;

/** EFLAGS.RF: TCG does not keep it as the SDM says, and no instruction reads it without a fault in between. */
const RESUME_FLAG = 0x10000n;

/** Our machine's registers, bare. */
export function ourRegisters({ state }: Machine): Registers {
  const values: Record<string, bigint> = {};
  for (let i = 0; i < 16; i++) values[GENERAL[i]!] = state.general(i);
  values.rip = state.rip;
  values.eflags = BigInt(state.rflags) & ~RESUME_FLAG;
  for (let i = 0; i < 6; i++) values[SEGMENTS[i]!] = BigInt(state.segment(i).selector);
  values.cr0 = state.quad(STATE.cr0);
  values.cr2 = state.quad(STATE.cr2);
  values.cr3 = state.quad(STATE.cr3);
  values.cr4 = state.quad(STATE.cr4);
  values.efer = state.quad(STATE.efer);
  return values;
}

/** QEMU's order of the `g` packet for x86-64: name and bytes. */
const PACKET: readonly (readonly [name: string, bytes: number])[] = [
  ...['rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'rsp'].map((name) => [name, 8] as const),
  ...['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'rip'].map((name) => [name, 8] as const),
  ...['eflags', 'cs', 'ss', 'ds', 'es', 'fs', 'gs'].map((name) => [name, 4] as const),
  ...['fs_base', 'gs_base', 'k_gs_base', 'cr0', 'cr2', 'cr3', 'cr4', 'cr8', 'efer'].map((name) => [name, 8] as const),
];

/** A register's number in `p` and `P` packets, and its size. */
export function stubRegister(name: string): { readonly number: number; readonly bytes: number } {
  const number = PACKET.findIndex(([one]) => one === name);
  return { number, bytes: PACKET[number]![1] };
}

/** `value` as the stub wants it: little-endian hexadecimal. */
export function toStub(value: bigint, bytes: number): string {
  let hex = '';
  for (let i = 0; i < bytes; i++)
    hex += Number((value >> BigInt(i * 8)) & 0xffn)
      .toString(16)
      .padStart(2, '0');
  return hex;
}

/** Reads a `g` packet. */
export function stubRegisters(packet: string): Registers {
  const bytes = Buffer.from(packet, 'hex');
  const values: Record<string, bigint> = {};
  let at = 0;
  for (const [name, size] of PACKET) {
    values[name] = size === 8 ? bytes.readBigUInt64LE(at) : BigInt(bytes.readUInt32LE(at));
    at += size;
  }
  values.eflags! &= ~RESUME_FLAG;
  return values;
}

/** Names of the registers that differ. Outside 64-bit mode the stub sends 32 bits and no R8 to R15. */
export function differences(ours: Registers, theirs: Registers, is64: boolean): string[] {
  const names: string[] = [];
  for (const name in ours) {
    const isGeneral = (GENERAL as readonly string[]).includes(name);
    if (!is64 && isGeneral && /^r(8|9|1\d)$/.test(name)) continue;
    const mask = !is64 && (isGeneral || name === 'rip') ? 0xffff_ffffn : ~0n;
    if ((ours[name]! & mask) !== (theirs[name]! & mask)) names.push(name);
  }
  return names;
}
