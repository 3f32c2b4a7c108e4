/**
 * The MSRs: one row each, with reset value and rules. What has no row does not exist: RDMSR and WRMSR raise #GP(0).
 *
 * A row without `read` reads its stored value; `write` gives the value to store, or undefined for #GP(0); a row without
 * `write` is read-only.
 *
 * Source: SDM Vol. 4 chapter 2, Vol. 3A 11.11 (MTRRs), 11.12 (PAT), 15.3 (machine check), 17.17 (TSC).
 * NOT IMPLEMENTED: performance counters, last-branch records, BTF, microcode updates, thermal and power MSRs.
 */
import { SEGMENT } from '../isa/semantics';
import { isCanonical } from './core';
import type { Core } from './core';
import { writeEfer } from './control-registers';
import { STATE } from './layout';
import { VMX_MSR_NAMES, x2apicMsrName } from './msr-names';
import { MSR } from './msr-numbers';
import { PHYSICAL_BITS } from './paging/ept-walker';

/** One MSR. Values are unsigned 64 bits. */
export interface MsrRow {
  /** The SDM's name. */
  readonly name: string;
  /** Stored at RESET; 0 if absent. */
  readonly reset?: bigint;
  readonly read?: (cpu: Core) => bigint | undefined;
  /** The value to store, `true` when the row's own code took it, undefined for #GP(0). */
  readonly write?: (cpu: Core, value: bigint) => bigint | true | undefined;
}

const LOW32 = 0xffffffffn;

/** A write that may set only the bits of `mask`. */
const only =
  (mask: bigint) =>
  (_: Core, value: bigint): bigint | undefined =>
    value & ~mask ? undefined : value;
const canonical = (_: Core, value: bigint): bigint | undefined => (isCanonical(value) ? value : undefined);

/** Memory types of MTRRs (UC, WC, WT, WP, WB) and of PAT, which also has UC-. */
const MTRR_TYPES: ReadonlySet<bigint> = new Set([0n, 1n, 4n, 5n, 6n]);
const PAT_TYPES: ReadonlySet<bigint> = new Set([...MTRR_TYPES, 7n]);

const everyByteIs =
  (types: ReadonlySet<bigint>) =>
  (_: Core, value: bigint): bigint | undefined => {
    for (let shift = 0n; shift < 64n; shift += 8n) if (!types.has((value >> shift) & 0xffn)) return undefined;
    return value;
  };

const PHYSICAL_MASK = (1n << BigInt(PHYSICAL_BITS)) - 0x1000n;
const VARIABLE_MTRRS = 8;
const MC_BANKS = 4;

function mtrrRows(): [number, MsrRow][] {
  const rows: [number, MsrRow][] = [];
  for (let i = 0; i < VARIABLE_MTRRS; i++) {
    const base = only(PHYSICAL_MASK | 0xffn);
    rows.push([
      MSR.MTRR_PHYSBASE0 + i * 2,
      {
        name: `IA32_MTRR_PHYSBASE${i}`,
        write: (cpu, value) => (MTRR_TYPES.has(value & 0xffn) ? base(cpu, value) : undefined),
      },
    ]);
    const mask = only(PHYSICAL_MASK | 0x800n);
    rows.push([MSR.MTRR_PHYSBASE0 + i * 2 + 1, { name: `IA32_MTRR_PHYSMASK${i}`, write: mask }]);
  }
  const fixed: [number, string][] = [
    [MSR.MTRR_FIX64K_00000, '64K_00000'],
    [MSR.MTRR_FIX16K_80000, '16K_80000'],
    [MSR.MTRR_FIX16K_A0000, '16K_A0000'],
    ...Array.from({ length: 8 }, (_, i): [number, string] => [
      MSR.MTRR_FIX4K_C0000 + i,
      `4K_${(0xc0 + i * 8).toString(16).toUpperCase()}000`,
    ]),
  ];
  for (const [index, place] of fixed) {
    rows.push([index, { name: `IA32_MTRR_FIX${place}`, write: everyByteIs(MTRR_TYPES) }]);
  }
  return rows;
}

function machineCheckRows(): [number, MsrRow][] {
  return Array.from({ length: MC_BANKS }, (_, bank): [number, MsrRow][] => [
    [MSR.MC0_CTL + bank * 4, { name: `IA32_MC${bank}_CTL`, write: (_cpu, value) => value }],
    // Status, address and miscellaneous registers may only be cleared.
    [MSR.MC0_CTL + bank * 4 + 1, { name: `IA32_MC${bank}_STATUS`, write: only(0n) }],
    [MSR.MC0_CTL + bank * 4 + 2, { name: `IA32_MC${bank}_ADDR`, write: only(0n) }],
    [MSR.MC0_CTL + bank * 4 + 3, { name: `IA32_MC${bank}_MISC`, write: only(0n) }],
  ]).flat();
}

/**
 * RDCL_NO, IBRS_ALL, SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO,
 * BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO, ITS_NO: this machine does not speculate.
 */
const ARCH_CAPABILITIES = [0, 1, 3, 4, 5, 6, 8, 13, 14, 15, 20, 24, 26, 27, 62].reduce(
  (value, bit) => value | (1n << BigInt(bit)),
  0n,
);

/** Fast strings; branch trace and PEBS unavailable; MONITOR/MWAIT enabled. */
const MISC_ENABLE = 0x41801n;
const FAST_STRINGS = 1n;
/** Locked; VMX allowed outside SMX. */
const FEATURE_CONTROL = 5n;
const MICROCODE_REVISION = 1n;
/** FIX and WC supported. */
const MTRRCAP = BigInt(VARIABLE_MTRRS) | 0x500n;

/** Adds `delta` to the time-stamp counter. */
function moveTsc(cpu: Core, delta: bigint): void {
  cpu.tscOffset = BigInt.asUintN(64, cpu.tscOffset + delta);
  cpu.environment.apic.setTscOffset(cpu.tscOffset);
}

const timeRows: [number, MsrRow][] = [
  [
    MSR.TIME_STAMP_COUNTER,
    {
      name: 'IA32_TIME_STAMP_COUNTER',
      read: (cpu) => BigInt.asUintN(64, cpu.timeStampCounter() + cpu.vmx.tscOffset()),
      write: (cpu, value) => {
        const delta = value - cpu.timeStampCounter();
        const adjust = cpu.storedMsrs.get(MSR.TSC_ADJUST) ?? 0n;
        cpu.storedMsrs.set(MSR.TSC_ADJUST, BigInt.asUintN(64, adjust + delta));
        moveTsc(cpu, delta);
        return true;
      },
    },
  ],
  [
    MSR.TSC_ADJUST,
    {
      name: 'IA32_TSC_ADJUST',
      write: (cpu, value) => {
        moveTsc(cpu, value - (cpu.storedMsrs.get(MSR.TSC_ADJUST) ?? 0n));
        return value;
      },
    },
  ],
];

function apicRow(index: number, name: string): [number, MsrRow] {
  return [
    index,
    {
      name,
      read: (cpu) => {
        const value = cpu.environment.apic.readMsr(index);
        return value === false ? undefined : value;
      },
      write: (cpu, value) => (cpu.environment.apic.writeMsr(index, value) ? true : undefined),
    },
  ];
}

function baseRow(index: number, name: string, segment: number): [number, MsrRow] {
  return [
    index,
    {
      name,
      read: (cpu) => cpu.state.segmentBase(segment),
      write: (cpu, value) => {
        if (!isCanonical(value)) return undefined;
        cpu.state.setSegmentBase(segment, value);
        return true;
      },
    },
  ];
}

const rows: [number, MsrRow][] = [
  ...timeRows,
  ...mtrrRows(),
  ...machineCheckRows(),
  apicRow(MSR.APIC_BASE, 'IA32_APIC_BASE'),
  apicRow(MSR.TSC_DEADLINE, 'IA32_TSC_DEADLINE'),
  ...Array.from({ length: MSR.X2APIC_LAST - MSR.X2APIC_FIRST + 1 }, (_, i) =>
    apicRow(MSR.X2APIC_FIRST + i, x2apicMsrName(MSR.X2APIC_FIRST + i)),
  ),
  ...Array.from({ length: MSR.VMX_LAST - MSR.VMX_BASIC + 1 }, (_, i): [number, MsrRow] => [
    MSR.VMX_BASIC + i,
    {
      name: VMX_MSR_NAMES[i]!,
      read: (cpu) => cpu.vmx.readCapabilityMsr(MSR.VMX_BASIC + i),
    },
  ]),
  [MSR.PLATFORM_ID, { name: 'IA32_PLATFORM_ID' }],
  [MSR.FEATURE_CONTROL, { name: 'IA32_FEATURE_CONTROL', reset: FEATURE_CONTROL }],
  [MSR.SPEC_CTRL, { name: 'IA32_SPEC_CTRL', write: only(3n) }],
  [
    MSR.PRED_CMD,
    { name: 'IA32_PRED_CMD', read: () => undefined, write: (_, value) => (value & ~1n ? undefined : true) },
  ],
  // Software writes 0, executes CPUID, and reads the revision: it is always there (SDM Vol. 3A, 9.11.7).
  [MSR.BIOS_SIGN_ID, { name: 'IA32_BIOS_SIGN_ID', reset: MICROCODE_REVISION << 32n, write: () => true }],
  [MSR.MTRRCAP, { name: 'IA32_MTRRCAP', reset: MTRRCAP }],
  [MSR.ARCH_CAPABILITIES, { name: 'IA32_ARCH_CAPABILITIES', reset: ARCH_CAPABILITIES }],
  [MSR.SYSENTER_CS, { name: 'IA32_SYSENTER_CS', write: (_, value) => value & LOW32 }],
  [MSR.SYSENTER_ESP, { name: 'IA32_SYSENTER_ESP', write: canonical }],
  [MSR.SYSENTER_EIP, { name: 'IA32_SYSENTER_EIP', write: canonical }],
  [MSR.MCG_CAP, { name: 'IA32_MCG_CAP', reset: BigInt(MC_BANKS) }],
  [MSR.MCG_STATUS, { name: 'IA32_MCG_STATUS', write: only(7n) }],
  [
    MSR.MISC_ENABLE,
    {
      name: 'IA32_MISC_ENABLE',
      reset: MISC_ENABLE,
      // Fast strings are a matter of speed alone; no other bit can change here.
      write: (_, value) => ((value ^ MISC_ENABLE) & ~FAST_STRINGS ? undefined : value),
    },
  ],
  [MSR.DEBUGCTL, { name: 'IA32_DEBUGCTL', write: only(0n) }],
  [MSR.PAT, { name: 'IA32_PAT', reset: 0x0007040600070406n, write: everyByteIs(PAT_TYPES) }],
  [
    MSR.MTRR_DEF_TYPE,
    {
      name: 'IA32_MTRR_DEF_TYPE',
      write: (cpu, value) => (MTRR_TYPES.has(value & 0xffn) ? only(0xcffn)(cpu, value) : undefined),
    },
  ],
  [
    MSR.EFER,
    {
      name: 'IA32_EFER',
      read: (cpu) => cpu.state.quad(STATE.efer),
      write: (cpu, value) => (writeEfer(cpu, value) ? true : undefined),
    },
  ],
  [MSR.STAR, { name: 'IA32_STAR', write: (_, value) => value }],
  [MSR.LSTAR, { name: 'IA32_LSTAR', write: canonical }],
  [MSR.CSTAR, { name: 'IA32_CSTAR', write: canonical }],
  [MSR.FMASK, { name: 'IA32_FMASK', write: only(LOW32) }],
  baseRow(MSR.FS_BASE, 'IA32_FS_BASE', SEGMENT.FS),
  baseRow(MSR.GS_BASE, 'IA32_GS_BASE', SEGMENT.GS),
  [MSR.KERNEL_GS_BASE, { name: 'IA32_KERNEL_GS_BASE', write: canonical }],
  [MSR.TSC_AUX, { name: 'IA32_TSC_AUX', write: only(LOW32) }],
];

/** All MSRs by number. */
export const MSR_TABLE: ReadonlyMap<number, MsrRow> = new Map(rows);

/** The bits of IA32_DEBUGCTL that software may set. */
export const DEBUGCTL_BITS = 0;
