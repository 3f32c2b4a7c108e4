/**
 * `STATE.intercepts` in VMX non-root operation: which instructions may cause VM exits (or #UD) under the present
 * controls. Source: SDM Vol. 3C 26.1.2, 26.1.3, 26.3.
 */
import { exitBit } from '../../isa/exits';
import type { ExitCheck } from '../../isa/exits';
import { PRIMARY, SECONDARY } from './controls';
import { F } from './vmcs-layout';
import type { VmxCore } from './vmx-core';

const bits = (...checks: ExitCheck[]): number => checks.reduce((word, check) => word | exitBit(check), 0);

const ALWAYS = bits('CPUID', 'INVD', 'VMX', 'XSETBV', 'GETSEC', 'RSM', 'VMFUNC', 'CR_ACCESS');

/** Bits that one primary control switches on. */
const BY_PRIMARY: readonly (readonly [mask: number, bits: number])[] = [
  [PRIMARY.HLT_EXITING, bits('HLT')],
  [PRIMARY.INVLPG_EXITING, bits('INVLPG', 'INVPCID')],
  [PRIMARY.MWAIT_EXITING, bits('MWAIT')],
  [PRIMARY.RDPMC_EXITING, bits('RDPMC')],
  [PRIMARY.RDTSC_EXITING, bits('RDTSC', 'RDTSCP')],
  [PRIMARY.MOV_DR_EXITING, bits('DR_ACCESS')],
  [PRIMARY.UNCONDITIONAL_IO_EXITING, bits('IO')],
  [PRIMARY.USE_IO_BITMAPS, bits('IO')],
  [PRIMARY.MONITOR_EXITING, bits('MONITOR')],
  [PRIMARY.PAUSE_EXITING, bits('PAUSE')],
];
const BY_SECONDARY: readonly (readonly [mask: number, bits: number])[] = [
  [SECONDARY.DESCRIPTOR_TABLE_EXITING, bits('DESCRIPTOR_TABLE')],
  [SECONDARY.WBINVD_EXITING, bits('WBINVD')],
  [SECONDARY.RDRAND_EXITING, bits('RDRAND')],
  [SECONDARY.RDSEED_EXITING, bits('RDSEED')],
];
const MSR_BITS = bits('RDMSR', 'WRMSR');
/** Instructions that are undefined while their control is 0. */
const ENABLED: readonly (readonly [mask: number, bits: number])[] = [
  [SECONDARY.ENABLE_RDTSCP, bits('RDTSCP')],
  [SECONDARY.ENABLE_INVPCID, bits('INVPCID')],
];

/** The intercept word for these controls. */
export function interceptWord(primary: number, secondary: number): number {
  // Without MSR bitmaps every access exits; with them, some may.
  let word = ALWAYS | MSR_BITS;
  for (const [mask, set] of BY_PRIMARY) if (primary & mask) word |= set;
  const active = primary & PRIMARY.ACTIVATE_SECONDARY_CONTROLS ? secondary : 0;
  for (const [mask, set] of BY_SECONDARY) if (active & mask) word |= set;
  for (const [mask, set] of ENABLED) if (!(active & mask)) word |= set;
  return word >>> 0;
}

/** Keeps the intercept word of the last controls, which seldom change from entry to entry. */
export class InterceptWord {
  private primary = -1;
  private secondary = -1;
  private word = 0;

  constructor(private readonly core: VmxCore) {}

  /** The word for the current VMCS. */
  current(): number {
    const primary = this.core.vmcs.low(F.PRIMARY_CONTROLS);
    const secondary = this.core.vmcs.low(F.SECONDARY_CONTROLS);
    if (primary !== this.primary || secondary !== this.secondary) {
      this.primary = primary;
      this.secondary = secondary;
      this.word = interceptWord(primary, secondary);
    }
    return this.word;
  }
}
