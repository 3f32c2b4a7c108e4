/**
 * Instructions that can cause a VM exit before they act (SDM Vol. 3C, 26.1.2 and 26.1.3), by the name of the check.
 * The numbers are bits of the processor's intercept word: a bit is set while the current controls may make that
 * instruction exit, so that code in which nothing is intercepted pays one test.
 */
export const EXIT_CHECKS = [
  'CPUID',
  'HLT',
  'INVD',
  'INVLPG',
  'RDPMC',
  'RDTSC',
  'VMX',
  'CR_ACCESS',
  'DR_ACCESS',
  'IO',
  'RDMSR',
  'WRMSR',
  'MWAIT',
  'MONITOR',
  'PAUSE',
  'DESCRIPTOR_TABLE',
  'RDTSCP',
  'WBINVD',
  'XSETBV',
  'RDRAND',
  'INVPCID',
  'RDSEED',
  'TASK_SWITCH',
  'GETSEC',
  'RSM',
  'VMFUNC',
] as const;

export type ExitCheck = (typeof EXIT_CHECKS)[number];

/** The bit of `check` in the intercept word. */
export function exitBit(check: ExitCheck): number {
  return 1 << EXIT_CHECKS.indexOf(check);
}
