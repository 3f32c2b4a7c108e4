// Which forms vectors are made of, and which cannot run in user mode on a host: those are listed with the reason.

import { variants } from '../../../src/isa/assemble/enumerate';
import type { Variant } from '../../../src/isa/assemble/enumerate';
import { INSTRUCTIONS } from '../../../src/isa/records/index';

/** Names a variant apart from its mode: vectors are counted by it. */
export function variantKey({ instruction, form, size, memory }: Variant): string {
  const operands = form.operands.map(({ code }) => code).join(',');
  return `${instruction.name} ${form.text} ${operands} ${size} ${memory ? 'memory' : 'register'}`;
}

const NAMES: Readonly<Record<string, string>> = {
  'INT INT3 INT1 INTO': 'delivered through the IDT of the host’s kernel',
  'SYSCALL SYSENTER RDPMC XSETBV': 'enters, or depends on, the host’s kernel',
  'CPUID RDTSC RDTSCP RDRAND RDSEED XGETBV': 'its result is another CPU’s, or random',
  'SGDT SIDT SLDT STR SMSW': 'UMIP: the host’s kernel emulates them',
  'LAR LSL VERR VERW': 'looks at the host’s descriptor tables',
  'LES LDS LSS LFS LGS': 'loads a segment register from the host’s descriptor tables',
  'RDFSBASE RDGSBASE WRFSBASE WRGSBASE': 'FS and GS belong to the harness',
  'IRET RETF IN OUT INS OUTS CLI STI': 'needs a CPL, an IOPL or descriptors that user mode has not',
  POPF: 'ID and NT would stay set in the harness',
  'UD0 UD1 UD2 RSM GETSEC VMCALL VMFUNC MONITOR MWAIT STAC CLAC': '#UD in user mode: decoder and fold tests have them',
  FSTPNCE: 'undocumented: CPUs differ when ST(0) is empty',
  'XSAVE XSAVEOPT XRSTOR XSAVE64 XSAVEOPT64 XRSTOR64': 'the host has more state components',
};

/** Why no vectors are made of the variant; undefined when they are. */
export function reasonWithout({ instruction, form, memory }: Variant): string | undefined {
  if (instruction.privilege === 0) return 'privileged';
  if (instruction.feature === 'VMX') return 'VMX';
  for (const [names, reason] of Object.entries(NAMES)) {
    if (names.split(' ').includes(instruction.name)) return reason;
  }
  if (instruction.name === 'NOP' && form.text === '0f 0d' && !memory) return 'undefined on AMD';
  const codes = form.operands.map(({ code }) => code);
  if (codes.includes('Ap') || codes.includes('Mp')) return 'loads CS from the host’s descriptor tables';
  if (codes.some((code) => /^[CD]/.test(code) && code !== 'CL' && code !== 'CS' && code !== 'DS' && code !== 'DX'))
    return 'privileged';
  const loadsSegment = ['POP', 'MOV'].includes(instruction.name) && /^[DEFGS]S$/.test(codes[0] ?? '');
  return loadsSegment ? 'loads a segment register from the host’s descriptor tables' : undefined;
}

/** All variants by key, each with its modes. */
export function variantsByKey(): Map<string, Variant[]> {
  const byKey = new Map<string, Variant[]>();
  for (const variant of variants(INSTRUCTIONS)) {
    const key = variantKey(variant);
    const others = byKey.get(key);
    if (others) others.push(variant);
    else byKey.set(key, [variant]);
  }
  return byKey;
}
