/**
 * The exit qualification: one layout per format, used to make it at a VM exit and to explain it to people. Source: SDM
 * Vol. 3C 28.2.1 and its tables.
 *
 * NOT IMPLEMENTED: the formats of APIC accesses, APIC writes, SIPIs, EOI virtualization and SPP, whose exits do not
 * occur; advanced VM-exit information for EPT violations (IA32_VMX_EPT_VPID_CAP[22] = 0).
 */
import { BitLayout } from './bit-layout';
import { EXIT_REASON } from './exit-reasons';
import { decodeInterruption } from './interruption-information';

/** Debug exceptions (Table 28-1); bits as in DR6, RTM inverted. */
export const debugQualification = new BitLayout({
  b0: [0, 0],
  b1: [1, 1],
  b2: [2, 2],
  b3: [3, 3],
  bd: [13, 13],
  bs: [14, 14],
});

/** Task switches (Table 28-2). */
export const taskSwitchQualification = new BitLayout({ selector: [15, 0], source: [31, 30] });
/** What started a task switch. */
export const TASK_SWITCH_SOURCE = { CALL: 0, IRET: 1, JMP: 2, TASK_GATE: 3 } as const;

/** Control-register accesses (Table 28-3). */
export const controlRegisterQualification = new BitLayout({
  number: [3, 0],
  accessType: [5, 4],
  lmswMemory: [6, 6],
  register: [11, 8],
  lmswSource: [31, 16],
});
/** How a control register was accessed. */
export const CR_ACCESS = { MOV_TO_CR: 0, MOV_FROM_CR: 1, CLTS: 2, LMSW: 3 } as const;

/** MOV DR (Table 28-4); `fromDr` is 1 for MOV from a debug register. */
export const movDrQualification = new BitLayout({ number: [2, 0], fromDr: [4, 4], register: [11, 8] });

/** I/O instructions (Table 28-5); `sizeMinusOne` is 0, 1 or 3, `in` is 1 for IN and INS. */
export const ioQualification = new BitLayout({
  sizeMinusOne: [2, 0],
  in: [3, 3],
  string: [4, 4],
  rep: [5, 5],
  immediate: [6, 6],
  port: [31, 16],
});

/** EPT violations (Table 28-7). */
export const eptViolationQualification = new BitLayout({
  read: [0, 0],
  write: [1, 1],
  fetch: [2, 2],
  readable: [3, 3],
  writable: [4, 4],
  executable: [5, 5],
  linearAddressValid: [7, 7],
  /** 1: the access is to the translation of the linear address; 0: to a paging-structure entry on the way. */
  finalAccess: [8, 8],
  nmiUnblocking: [12, 12],
});

/** MWAIT: `armed` is 1 if address-range monitoring hardware was armed. */
export const mwaitQualification = new BitLayout({ armed: [0, 0] });

/** Exit qualifications of VM-entry failures due to invalid guest state (SDM 27.8). */
export const ENTRY_FAILURE = { DEFAULT: 0, PDPTE: 2, NMI_WITH_STI_BLOCKING: 3, LINK_POINTER: 4 } as const;

/** General-purpose registers by their number in qualifications and instruction information. */
export const REGISTER_NAMES = [
  ...['RAX', 'RCX', 'RDX', 'RBX', 'RSP', 'RBP', 'RSI', 'RDI'],
  ...['R8', 'R9', 'R10', 'R11', 'R12', 'R13', 'R14', 'R15'],
] as const;

/** An exit qualification, explained. */
export interface QualificationMeaning {
  /** The format's fields by name; empty if the qualification is one value or unused. */
  readonly fields: Readonly<Record<string, number>>;
  /** A phrase for people. */
  readonly text: string;
}

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;
const register = (index: number): string => REGISTER_NAMES[index]!;

function controlRegister(word: number): QualificationMeaning {
  const fields = controlRegisterQualification.decode(word);
  const texts = {
    [CR_ACCESS.MOV_TO_CR]: `MOV to CR${fields.number} from ${register(fields.register)}`,
    [CR_ACCESS.MOV_FROM_CR]: `MOV from CR${fields.number} to ${register(fields.register)}`,
    [CR_ACCESS.CLTS]: 'CLTS',
    [CR_ACCESS.LMSW]: `LMSW ${hex(fields.lmswSource)} from ${fields.lmswMemory ? 'memory' : 'a register'}`,
  };
  return { fields, text: texts[fields.accessType as keyof typeof texts] };
}

function movDr(word: number): QualificationMeaning {
  const fields = movDrQualification.decode(word);
  const gpr = register(fields.register);
  return {
    fields,
    text: fields.fromDr ? `MOV from DR${fields.number} to ${gpr}` : `MOV to DR${fields.number} from ${gpr}`,
  };
}

function io(word: number): QualificationMeaning {
  const fields = ioQualification.decode(word);
  const mnemonic = `${fields.rep ? 'REP ' : ''}${fields.in ? 'IN' : 'OUT'}${fields.string ? 'S' : ''}`;
  const size = fields.sizeMinusOne + 1;
  const operand = fields.immediate ? 'immediate' : 'DX';
  return { fields, text: `${mnemonic} port ${hex(fields.port)} (${operand}), ${size} byte${size > 1 ? 's' : ''}` };
}

function taskSwitch(word: number): QualificationMeaning {
  const fields = taskSwitchQualification.decode(word);
  const source = ['CALL', 'IRET', 'JMP', 'a task gate in the IDT'][fields.source]!;
  return { fields, text: `by ${source} to TSS ${hex(fields.selector)}` };
}

function eptViolation(word: number): QualificationMeaning {
  const fields = eptViolationQualification.decode(word);
  const list = (names: (false | string)[]): string => names.filter(Boolean).join(', ');
  const access = list([!!fields.read && 'read', !!fields.write && 'write', !!fields.fetch && 'fetch']);
  const allowed = list([!!fields.readable && 'read', !!fields.writable && 'write', !!fields.executable && 'execute']);
  const target = fields.linearAddressValid && !fields.finalAccess ? ' of a guest paging-structure entry' : '';
  return { fields, text: `${access}${target}; the EPT entries allow ${allowed || 'nothing'}` };
}

function entryFailure(word: number): QualificationMeaning {
  const texts: Readonly<Record<number, string>> = {
    [ENTRY_FAILURE.PDPTE]: 'loading the PDPTEs failed',
    [ENTRY_FAILURE.NMI_WITH_STI_BLOCKING]: 'NMI injected while blocking by STI',
    [ENTRY_FAILURE.LINK_POINTER]: 'invalid VMCS link pointer',
  };
  return { fields: {}, text: texts[word] ?? 'guest state invalid' };
}

function exception(qualification: bigint, interruption: number): QualificationMeaning {
  const vector = decodeInterruption(interruption)?.vector;
  if (vector === 14) return { fields: {}, text: `page fault at linear ${hex(qualification)}` };
  if (vector !== 1) return { fields: {}, text: '' };
  const fields = debugQualification.decode(Number(BigInt.asUintN(32, qualification)));
  const set = Object.entries(fields).filter(([, value]) => value);
  return { fields, text: set.map(([name]) => name.toUpperCase()).join(' ') || 'none of B0-B3, BD, BS' };
}

const displacement = (value: bigint): QualificationMeaning => ({
  fields: {},
  text: `displacement ${BigInt.asIntN(64, value) < 0n ? '-' : ''}${hex(value >> 63n ? -BigInt.asIntN(64, value) : value)}`,
});

const WITH_DISPLACEMENT: ReadonlySet<number> = new Set([
  ...[EXIT_REASON.VMCLEAR, EXIT_REASON.VMPTRLD, EXIT_REASON.VMPTRST, EXIT_REASON.VMREAD, EXIT_REASON.VMWRITE],
  ...[EXIT_REASON.VMXON, EXIT_REASON.GDTR_IDTR_ACCESS, EXIT_REASON.LDTR_TR_ACCESS],
  ...[EXIT_REASON.INVEPT, EXIT_REASON.INVVPID, EXIT_REASON.INVPCID],
]);

/**
 * Explains the exit qualification of an exit with this exit-reason field and VM-exit interruption information. Reasons
 * without a qualification give no fields and an empty text.
 */
export function decodeQualification(
  exitReason: number,
  qualification: bigint,
  exitInterruptionInformation: number,
): QualificationMeaning {
  const word = Number(BigInt.asUintN(32, qualification));
  const reason = exitReason & 0xffff;
  if (WITH_DISPLACEMENT.has(reason)) return displacement(qualification);
  switch (reason) {
    case EXIT_REASON.EXCEPTION_OR_NMI:
      return exception(qualification, exitInterruptionInformation);
    case EXIT_REASON.TASK_SWITCH:
      return taskSwitch(word);
    case EXIT_REASON.INVLPG:
      return { fields: {}, text: `linear ${hex(qualification)}` };
    case EXIT_REASON.CONTROL_REGISTER_ACCESS:
      return controlRegister(word);
    case EXIT_REASON.MOV_DR:
      return movDr(word);
    case EXIT_REASON.IO_INSTRUCTION:
      return io(word);
    case EXIT_REASON.ENTRY_FAILURE_GUEST_STATE:
      return entryFailure(word);
    case EXIT_REASON.ENTRY_FAILURE_MSR_LOADING:
      return { fields: { entry: word }, text: `entry ${word} of the MSR-load area` };
    case EXIT_REASON.MWAIT: {
      const fields = mwaitQualification.decode(word);
      return { fields, text: fields.armed ? 'monitor armed' : 'monitor not armed' };
    }
    case EXIT_REASON.EPT_VIOLATION:
      return eptViolation(word);
    default:
      return { fields: {}, text: '' };
  }
}
