// What QEMU starts from so that it begins exactly where our machine begins: the RAM that our boot loader filled, and a
// BIOS of ours that puts the processor into the loader's state and then waits in a loop.
import { load } from '../../src/machine/boot/load';
import type { InitialState } from '../../src/machine/boot/initial-state';
import type { BootOptions } from '../../src/machine/boot/options';

const BIOS_BASE = 0xe0000;
const CODE = 0x1f000;
const WAIT = 0x1f800;
const TABLES = 0x1ff00;
const RESET_VECTOR = 0x1fff0;
const TSS_SELECTOR = 0x20;
const EFER_LME = 0x100;
const LONG_MODE_ACTIVE = 0x400n;

export interface StartImage {
  readonly state: InitialState;
  /** 128 KiB at the top of the first megabyte. */
  readonly bios: Uint8Array;
  /** RAM by guest-physical address. */
  readonly ranges: readonly { readonly start: number; readonly bytes: Uint8Array }[];
  /** Address of the loop in which the BIOS waits. */
  readonly waitsAt: bigint;
}

const u16 = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff];
const u32 = (value: bigint | number): number[] => {
  const bits = Number(BigInt.asUintN(32, BigInt(value)));
  return [...u16(bits), ...u16(bits >>> 16)];
};

/** Real-address mode to the loader's mode: A20, tables, CR4, CR3, EFER, CR0, far jump. */
function enterMode({ cr0, cr3, cr4, efer }: InitialState): number[] {
  const eax = (value: bigint | number): number[] => [0x66, 0xb8, ...u32(value)];
  const isLong = (efer & LONG_MODE_ACTIVE) !== 0n;
  const longMode = [
    ...[...eax(cr4), 0x0f, 0x22, 0xe0],
    ...[...eax(cr3), 0x0f, 0x22, 0xd8],
    ...[0x66, 0xb9, ...u32(0xc000_0080), ...eax(EFER_LME), 0x66, 0x31, 0xd2, 0x0f, 0x30],
  ];
  return [
    ...[0xfa, 0xe4, 0x92, 0x0c, 0x02, 0xe6, 0x92],
    ...[0x2e, 0x66, 0x0f, 0x01, 0x16, ...u16(TABLES - 0x10000)],
    ...[0x2e, 0x66, 0x0f, 0x01, 0x1e, ...u16(TABLES - 0x10000 + 8)],
    ...(isLong ? longMode : []),
    ...[...eax(cr0), 0x0f, 0x22, 0xc0],
    ...[0x66, 0xea, ...u32(BIOS_BASE + WAIT), ...u16(0x10)],
  ];
}

/** Data segments, LTR, and a loop. The same bytes do in 32-bit and 64-bit mode. */
const LOAD_SEGMENTS = [
  ...[0xb8, ...u32(0x18), 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0x8e, 0xe0, 0x8e, 0xe8],
  ...[0xb8, ...u32(TSS_SELECTOR), 0x0f, 0x00, 0xd8],
];

/** Loads `kernel` as our machine does and makes QEMU's start of it. Protected-mode and 64-bit entries only. */
export function startImage(kernel: Uint8Array, boot: BootOptions, memoryBytes: number): StartImage {
  const ram = new Uint8Array(memoryBytes);
  let end = 0x100000;
  const state = load(kernel, boot, {
    size: memoryBytes,
    write: (at: number, bytes: Uint8Array) => {
      ram.set(bytes, at);
      end = Math.max(end, at + bytes.length);
    },
  });
  // LTR wants an available TSS and makes it busy, as the loader left it.
  ram[Number(state.gdtr.base) + TSS_SELECTOR + 5]! &= ~2;
  const bios = ram.slice(BIOS_BASE, BIOS_BASE + 0x20000);
  bios.set(enterMode(state), CODE);
  bios.set([...LOAD_SEGMENTS, 0xeb, 0xfe], WAIT);
  bios.set([...u16(state.gdtr.limit), ...u32(state.gdtr.base)], TABLES);
  bios.set([...u16(state.idtr.limit), ...u32(state.idtr.base)], TABLES + 8);
  bios.set([0xea, ...u16(CODE - 0x10000), ...u16(0xf000)], RESET_VECTOR);
  return {
    state,
    bios,
    ranges: [
      { start: 0, bytes: ram.subarray(0, 0xa0000) },
      { start: 0x100000, bytes: ram.subarray(0x100000, end) },
    ],
    waitsAt: BigInt(BIOS_BASE + WAIT + LOAD_SEGMENTS.length),
  };
}
