/**
 * CPUID: one table of what this processor is and has. The feature bits are exactly what is implemented.
 *
 * Source: SDM Vol. 2A, CPUID (tables 3-8 to 3-17). Leaves 0x40000000 and up are the convention of hypervisors: KVM's
 * signature, with no paravirtual feature, because Linux takes x2APIC without interrupt remapping only from a hypervisor
 * that it knows.
 */
import { Outcome } from '../isa/slow';
import type { Core } from './core';
import { AREA_BYTES } from './extended-state-layout';
import { XCR0_BITS } from './control-registers';
import { STATE } from './layout';
import { CR4 } from './mode';
import { MSR } from './msr-numbers';
import { PHYSICAL_BITS } from './paging/ept-walker';

/** EAX, EBX, ECX, EDX, unsigned. */
export type CpuidLeaf = readonly [eax: number, ebx: number, ecx: number, edx: number];

const bits = (...numbers: number[]): number => numbers.reduce((mask, bit) => mask + 2 ** bit, 0);

/** Three registers, or one, of ASCII. */
function text(value: string, at: number): number {
  return [3, 2, 1, 0].reduce((word, byte) => word * 256 + (value.charCodeAt(at + byte) || 0), 0);
}

/** Family 6, model 0xf0 (no real part, so that nobody applies a real part's errata), stepping 1. */
export const PROCESSOR_SIGNATURE = 0x000f0601;
const CACHE_LINE = 64;
const LINEAR_BITS = 48;
const BRAND = 'VMXray Virtual Processor @ 1.00GHz'.padEnd(48, '\0');
const HERTZ = 1_000_000_000;

const FEATURES_ECX = bits(
  0, // SSE3
  3, // MONITOR
  5, // VMX
  9, // SSSE3
  13, // CMPXCHG16B
  17, // PCID
  19, // SSE4.1
  20, // SSE4.2
  21, // x2APIC
  22, // MOVBE
  23, // POPCNT
  24, // TSC-Deadline
  26, // XSAVE
  30, // RDRAND
  31, // hypervisor present
);
const OSXSAVE = bits(27);
const FEATURES_EDX = bits(
  0, // FPU
  2, // DE
  3, // PSE
  4, // TSC
  5, // MSR
  6, // PAE
  7, // MCE
  8, // CX8
  11, // SEP
  12, // MTRR
  13, // PGE
  14, // MCA
  15, // CMOV
  16, // PAT
  17, // PSE-36
  19, // CLFSH
  23, // MMX
  24, // FXSR
  25, // SSE
  26, // SSE2
);
const APIC = bits(9);
const STRUCTURED_EBX = bits(
  0, // FSGSBASE
  1, // IA32_TSC_ADJUST
  7, // SMEP
  10, // INVPCID
  18, // RDSEED
  20, // SMAP
);
const STRUCTURED_EDX = bits(
  26, // IBRS and IBPB
  27, // STIBP
  29, // IA32_ARCH_CAPABILITIES
);
const EXTENDED_ECX = bits(
  0, // LAHF and SAHF in 64-bit mode
  8, // PREFETCHW
);
const EXTENDED_EDX = bits(
  20, // NX
  26, // 1-GByte pages
  27, // RDTSCP
  29, // Intel 64
);
const SYSCALL = bits(11);

const ZERO: CpuidLeaf = [0, 0, 0, 0];

/** Leaf 4: deterministic cache parameters. */
function cache(type: 1 | 2 | 3, level: number, ways: number, sets: number): CpuidLeaf {
  const SELF_INITIALISING = 0x100;
  const isInclusive = level === 3 ? 2 : 0;
  return [type | (level << 5) | SELF_INITIALISING, (ways - 1) * 2 ** 22 + (CACHE_LINE - 1), sets - 1, isInclusive];
}

const CACHES: readonly CpuidLeaf[] = [
  cache(1, 1, 8, 64),
  cache(2, 1, 8, 64),
  cache(3, 2, 8, 512),
  cache(3, 3, 16, 8192),
];

/** Leaf 0BH: one thread of one core. */
function topology(subleaf: number): CpuidLeaf {
  const TYPES = [1, 2]; // SMT, core
  const type = TYPES[subleaf];
  return type ? [0, 1, subleaf | (type << 8), 0] : [0, 0, subleaf & 0xff, 0];
}

/** Leaf 0DH. Sub-leaf 1 offers XSAVEOPT; there is no component above SSE. */
function extendedState(subleaf: number): CpuidLeaf {
  if (subleaf === 0) return [Number(XCR0_BITS), AREA_BYTES, AREA_BYTES, 0];
  return subleaf === 1 ? [1, 0, 0, 0] : ZERO;
}

function features(cpu: Core): CpuidLeaf {
  const hasOsXsave = (cpu.state.word(STATE.cr4) & CR4.OSXSAVE) !== 0;
  const apicBase = cpu.environment.apic.readMsr(MSR.APIC_BASE);
  const isApicEnabled = apicBase !== false && (apicBase & 0x800n) !== 0n;
  const ebx = (CACHE_LINE / 8) * 2 ** 8 + 2 ** 16;
  return [
    PROCESSOR_SIGNATURE,
    ebx,
    FEATURES_ECX + (hasOsXsave ? OSXSAVE : 0),
    FEATURES_EDX + (isApicEnabled ? APIC : 0),
  ];
}

const MAX_BASIC = 0x16;
const MAX_HYPERVISOR = 0x40000001;
const MAX_EXTENDED = 0x80000008;
const VENDOR = 'GenuineIntel';
const HYPERVISOR = 'KVMKVMKVM\0\0\0';

type LeafFunction = (cpu: Core, subleaf: number) => CpuidLeaf;

/** A leaf that nothing changes. */
const fixed =
  (...row: CpuidLeaf): LeafFunction =>
  () =>
    row;

const LEAVES: ReadonlyMap<number, LeafFunction> = new Map<number, LeafFunction>([
  [0x0, fixed(MAX_BASIC, text(VENDOR, 0), text(VENDOR, 8), text(VENDOR, 4))],
  [0x1, features],
  // TLBs of 4-KByte and larger pages and 64-byte prefetching; caches are in leaf 4 (descriptor FFH).
  [0x2, fixed(0x76036301, 0x00f0b5ff, 0, 0x00c30000)],
  [0x4, (_, subleaf) => CACHES[subleaf] ?? ZERO],
  // MONITOR lines of 64 bytes; extensions and interrupt break are enumerated; no C-state hints.
  [0x5, fixed(CACHE_LINE, CACHE_LINE, 3, 0)],
  // ARAT: the APIC timer always runs.
  [0x6, fixed(bits(2), 0, 0, 0)],
  [0x7, (_, subleaf) => (subleaf === 0 ? [0, STRUCTURED_EBX, 0, STRUCTURED_EDX] : ZERO)],
  [0xb, (_, subleaf) => topology(subleaf)],
  [0xd, (_, subleaf) => extendedState(subleaf)],
  // TSC and core crystal clock: 1 GHz, 1 to 1.
  [0x15, fixed(1, 1, HERTZ, 0)],
  // Base, maximum and bus frequency in MHz.
  [0x16, fixed(1000, 1000, 100, 0)],
  [0x40000000, fixed(MAX_HYPERVISOR, text(HYPERVISOR, 0), text(HYPERVISOR, 4), text(HYPERVISOR, 8))],
  [0x80000000, fixed(MAX_EXTENDED, 0, 0, 0)],
  // SYSCALL shows in 64-bit mode only.
  [0x80000001, (cpu) => [0, 0, EXTENDED_ECX, EXTENDED_EDX + (cpu.is64 ? SYSCALL : 0)]],
  ...[0, 1, 2].map((part): [number, LeafFunction] => [
    0x80000002 + part,
    () => [0, 4, 8, 12].map((at) => text(BRAND, part * 16 + at)) as unknown as CpuidLeaf,
  ]),
  // L2: 256 KBytes, 8 ways, lines of 64 bytes.
  [0x80000006, fixed(0, 0, (256 << 16) | (6 << 12) | CACHE_LINE, 0)],
  // Invariant TSC.
  [0x80000007, fixed(0, 0, 0, bits(8))],
  [0x80000008, fixed(PHYSICAL_BITS | (LINEAR_BITS << 8), 0, 0, 0)],
]);

/** What CPUID gives for EAX = `leaf` and ECX = `subleaf`. Beyond the highest leaf: the highest basic one. */
export function cpuidLeaf(cpu: Core, leaf: number, subleaf: number): CpuidLeaf {
  const isHypervisor = leaf >= 0x40000000 && leaf < 0x50000000;
  const isKnown = leaf <= MAX_BASIC || isHypervisor || (leaf >= 0x80000000 && leaf <= MAX_EXTENDED);
  const row = LEAVES.get(isKnown ? leaf : MAX_BASIC);
  return row ? row(cpu, subleaf) : ZERO;
}

/** `result` EAX and EBX, `result2` ECX and EDX (high halves). */
export function cpuid(cpu: Core, leaf: number, subleaf: number): Outcome {
  const [eax, ebx, ecx, edx] = cpuidLeaf(cpu, leaf >>> 0, subleaf >>> 0);
  const { state } = cpu;
  state.setWord(STATE.result, eax);
  state.setWord(STATE.result + 4, ebx);
  state.setWord(STATE.result2, ecx);
  state.setWord(STATE.result2 + 4, edx);
  return Outcome.Done;
}
