/**
 * Instructions that cause VM exits: for each check of `isa/exits.ts`, whether the instruction at hand exits under the
 * present controls, and what the exit then says. Source: SDM Vol. 3C 26.1.2, 26.1.3, 28.2.1, 28.2.5.
 */
import type { Decoded } from '../../isa/decoded';
import type { ExitCheck } from '../../isa/exits';
import { VECTOR } from '../../isa/semantics';
import { MODE, STATE } from '../layout';
import { GuestFault } from '../signals';
import { ioBitmapsExit, ioDecision, msrBitmapsExit } from './bitmaps';
import { PRIMARY, SECONDARY } from './controls';
import { controlRegisterExits } from './control-register-intercepts';
import type { ExitRecord } from './exit-record';
import { RESUME_FLAG } from './exit-record';
import { EXIT_REASON } from './exit-reasons';
import { movDrQualification, mwaitQualification } from './exit-qualification';
import {
  addressSizeCode,
  DESCRIPTOR_TABLE_IDENTITY,
  descriptorTableInformation,
  invalidateInformation,
  randomInformation,
  stringIoInformation,
  TASK_REGISTER_IDENTITY,
  taskRegisterInformation,
  vmcsPointerInformation,
  vmreadInformation,
} from './instruction-information';
import { displacementOf, effectiveAddress, linearOf, memoryFields, memoryOf, registerOf } from './operands';
import { F } from './vmcs-layout';
import type { VmxCore } from './vmx-core';

/** Decides about one check; true when the exit is recorded. */
export type Intercept = (core: VmxCore, decoded: Decoded) => boolean;

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RSI = 6;
const RDI = 7;
const ES = 0;

/** Begins the record of an exit that an instruction causes. */
export function beginInstructionExit(core: VmxCore, decoded: Decoded, reason: number): ExitRecord {
  const exit = core.exit.begin(reason, RESUME_FLAG.CLEAR);
  exit.instructionLength = decoded.length;
  return exit;
}

const always =
  (reason: number): Intercept =>
  (core, decoded) => {
    beginInstructionExit(core, decoded, reason);
    return true;
  };

const byPrimary =
  (mask: number, reason: number): Intercept =>
  (core, decoded) =>
    core.primary(mask) && always(reason)(core, decoded);

/** Notes displacement and addressing of the memory operand: gives the information's fields. */
function describeMemory(core: VmxCore, decoded: Decoded, exit: ExitRecord): ReturnType<typeof memoryFields> | object {
  const memory = memoryOf(decoded);
  if (!memory) return {};
  exit.qualify(displacementOf(core.processor.state, decoded, memory));
  return memoryFields(decoded, memory);
}

const VMX_REASONS: Readonly<Record<string, number>> = {
  VMCALL: EXIT_REASON.VMCALL,
  VMLAUNCH: EXIT_REASON.VMLAUNCH,
  VMRESUME: EXIT_REASON.VMRESUME,
  VMXOFF: EXIT_REASON.VMXOFF,
  VMCLEAR: EXIT_REASON.VMCLEAR,
  VMPTRLD: EXIT_REASON.VMPTRLD,
  VMPTRST: EXIT_REASON.VMPTRST,
  VMXON: EXIT_REASON.VMXON,
  VMREAD: EXIT_REASON.VMREAD,
  VMWRITE: EXIT_REASON.VMWRITE,
  INVEPT: EXIT_REASON.INVEPT,
  INVVPID: EXIT_REASON.INVVPID,
};

const vmx: Intercept = (core, decoded) => {
  const { name } = decoded.instruction;
  const exit = beginInstructionExit(core, decoded, VMX_REASONS[name]!);
  const memory = describeMemory(core, decoded, exit);
  if (name === 'VMREAD' || name === 'VMWRITE') {
    // VMREAD: r/m, encoding; VMWRITE: encoding, r/m.
    const [encoding, value] = name === 'VMREAD' ? [1, 0] : [0, 1];
    const isRegister = decoded.memory ? 0 : 1;
    const register1 = isRegister ? registerOf(decoded, value) : 0;
    const register2 = registerOf(decoded, encoding);
    exit.instructionInformation = vmreadInformation.encode({ ...memory, isRegister, register1, register2 });
  } else if (name === 'INVEPT' || name === 'INVVPID') {
    exit.instructionInformation = invalidateInformation.encode({ ...memory, register2: registerOf(decoded, 0) });
  } else if (decoded.memory) {
    exit.instructionInformation = vmcsPointerInformation.encode(memory);
  }
  return true;
};

const io: Intercept = (core, decoded) => {
  const { state } = core.processor;
  const { name } = decoded.instruction;
  const isString = name === 'INS' || name === 'OUTS';
  const isIn = name === 'IN' || name === 'INS';
  const bits = decoded.size === 64 ? 32 : decoded.size;
  const immediate = decoded.operands.find((operand) => operand.kind === 'immediate');
  const port = immediate ? Number(immediate.value) & 0xff : state.general32(RDX) & 0xffff;
  const decision = ioDecision(core.vmcs.low(F.PRIMARY_CONTROLS));
  if (decision === 'pass') return false;
  if (decision === 'look' && !ioBitmapsExit(core.page(F.IO_BITMAP_A), core.page(F.IO_BITMAP_B), port, bits / 8))
    return false;
  const exit = beginInstructionExit(core, decoded, EXIT_REASON.IO_INSTRUCTION);
  const sizeMinusOne = bits / 8 - 1;
  const isRepeated = isString && decoded.repeat !== 0;
  const kind = (isIn ? 8 : 0) | (isString ? 0x10 : 0) | (isRepeated ? 0x20 : 0) | (immediate ? 0x40 : 0);
  exit.qualificationLow = (sizeMinusOne | kind | (port << 16)) >>> 0;
  if (isString) recordStringIo(core, decoded, exit, isIn);
  return true;
};

function recordStringIo(core: VmxCore, decoded: Decoded, exit: ExitRecord, isIn: boolean): void {
  const { state } = core.processor;
  const segment = isIn ? ES : decoded.dataSegment;
  const offset = BigInt.asUintN(decoded.addressSize, state.general(isIn ? RDI : RSI));
  exit.at(linearOf(state, segment, offset));
  exit.instructionInformation = stringIoInformation.encode({
    addressSize: addressSizeCode(decoded.addressSize),
    segment: isIn ? 0 : segment,
  });
}

const msr =
  (reason: number, isWrite: boolean): Intercept =>
  (core, decoded) => {
    const index = core.processor.state.general32(RCX);
    if (core.primary(PRIMARY.USE_MSR_BITMAPS) && !msrBitmapsExit(core.page(F.MSR_BITMAPS), index, isWrite))
      return false;
    beginInstructionExit(core, decoded, reason);
    return true;
  };

const movDr: Intercept = (core, decoded) => {
  if (!core.primary(PRIMARY.MOV_DR_EXITING)) return false;
  const fromDr = decoded.form.operands[1]!.letter === 'D';
  const exit = beginInstructionExit(core, decoded, EXIT_REASON.MOV_DR);
  exit.qualificationLow = movDrQualification.encode({
    number: registerOf(decoded, fromDr ? 1 : 0),
    fromDr: fromDr ? 1 : 0,
    register: registerOf(decoded, fromDr ? 0 : 1),
  });
  return true;
};

const invlpg: Intercept = (core, decoded) => {
  if (!core.primary(PRIMARY.INVLPG_EXITING)) return false;
  const { state } = core.processor;
  const memory = memoryOf(decoded)!;
  const offset = effectiveAddress(state, decoded, memory);
  beginInstructionExit(core, decoded, EXIT_REASON.INVLPG).qualify(linearOf(state, memory.segment, offset));
  return true;
};

const descriptorTable: Intercept = (core, decoded) => {
  if (!core.secondary(SECONDARY.DESCRIPTOR_TABLE_EXITING)) return false;
  const name = decoded.instruction.name;
  if (name in DESCRIPTOR_TABLE_IDENTITY) {
    const exit = beginInstructionExit(core, decoded, EXIT_REASON.GDTR_IDTR_ACCESS);
    const memory = describeMemory(core, decoded, exit);
    const identity = DESCRIPTOR_TABLE_IDENTITY[name as keyof typeof DESCRIPTOR_TABLE_IDENTITY];
    const is64 = (core.processor.state.word(STATE.mode) & MODE.codeMask) === MODE.code64;
    const operandSize32 = decoded.size === 16 || is64 ? 0 : 1;
    exit.instructionInformation = descriptorTableInformation.encode({ ...memory, identity, operandSize32 });
    return true;
  }
  const exit = beginInstructionExit(core, decoded, EXIT_REASON.LDTR_TR_ACCESS);
  const memory = describeMemory(core, decoded, exit);
  const identity = TASK_REGISTER_IDENTITY[name as keyof typeof TASK_REGISTER_IDENTITY];
  const register = decoded.memory ? {} : { isRegister: 1, register1: registerOf(decoded, 0) };
  exit.instructionInformation = taskRegisterInformation.encode({ ...memory, ...register, identity });
  return true;
};

/** #UD while the instruction's own control is 0, else an exit if `exiting` says so. */
function enabledBy(core: VmxCore, control: number): void {
  if (!core.secondary(control)) throw new GuestFault(VECTOR.UD);
}

const rdtscp: Intercept = (core, decoded) => {
  enabledBy(core, SECONDARY.ENABLE_RDTSCP);
  return byPrimary(PRIMARY.RDTSC_EXITING, EXIT_REASON.RDTSCP)(core, decoded);
};

const invpcid: Intercept = (core, decoded) => {
  enabledBy(core, SECONDARY.ENABLE_INVPCID);
  if (!core.primary(PRIMARY.INVLPG_EXITING)) return false;
  const exit = beginInstructionExit(core, decoded, EXIT_REASON.INVPCID);
  const memory = describeMemory(core, decoded, exit);
  exit.instructionInformation = invalidateInformation.encode({ ...memory, register2: registerOf(decoded, 0) });
  return true;
};

const random =
  (control: number, reason: number): Intercept =>
  (core, decoded) => {
    if (!core.secondary(control)) return false;
    const exit = beginInstructionExit(core, decoded, reason);
    const operandSize = decoded.size === 16 ? 0 : decoded.size === 32 ? 1 : 2;
    exit.instructionInformation = randomInformation.encode({ register1: registerOf(decoded, 0), operandSize });
    return true;
  };

const mwait: Intercept = (core, decoded) => {
  if (!core.primary(PRIMARY.MWAIT_EXITING)) return false;
  const exit = beginInstructionExit(core, decoded, EXIT_REASON.MWAIT);
  exit.qualificationLow = mwaitQualification.encode({ armed: core.processor.monitored === undefined ? 0 : 1 });
  return true;
};

const monitor: Intercept = (core, decoded) => {
  if (!core.primary(PRIMARY.MONITOR_EXITING)) return false;
  const { state } = core.processor;
  const offset = BigInt.asUintN(decoded.addressSize, state.general(RAX));
  beginInstructionExit(core, decoded, EXIT_REASON.MONITOR).at(linearOf(state, decoded.dataSegment, offset));
  return true;
};

const wbinvd: Intercept = (core, decoded) =>
  core.secondary(SECONDARY.WBINVD_EXITING) && always(EXIT_REASON.WBINVD)(core, decoded);

/** Instructions that are undefined on this processor: they never come as far as a VM exit. */
const undefinedInstruction: Intercept = () => {
  throw new GuestFault(VECTOR.UD);
};

/** The decision of every check. */
export const INTERCEPTS: Readonly<Record<ExitCheck, Intercept>> = {
  CPUID: always(EXIT_REASON.CPUID),
  HLT: byPrimary(PRIMARY.HLT_EXITING, EXIT_REASON.HLT),
  INVD: always(EXIT_REASON.INVD),
  INVLPG: invlpg,
  RDPMC: byPrimary(PRIMARY.RDPMC_EXITING, EXIT_REASON.RDPMC),
  RDTSC: byPrimary(PRIMARY.RDTSC_EXITING, EXIT_REASON.RDTSC),
  VMX: vmx,
  CR_ACCESS: controlRegisterExits,
  DR_ACCESS: movDr,
  IO: io,
  RDMSR: msr(EXIT_REASON.RDMSR, false),
  WRMSR: msr(EXIT_REASON.WRMSR, true),
  MWAIT: mwait,
  MONITOR: monitor,
  PAUSE: byPrimary(PRIMARY.PAUSE_EXITING, EXIT_REASON.PAUSE),
  DESCRIPTOR_TABLE: descriptorTable,
  RDTSCP: rdtscp,
  WBINVD: wbinvd,
  XSETBV: always(EXIT_REASON.XSETBV),
  RDRAND: random(SECONDARY.RDRAND_EXITING, EXIT_REASON.RDRAND),
  INVPCID: invpcid,
  RDSEED: random(SECONDARY.RDSEED_EXITING, EXIT_REASON.RDSEED),
  TASK_SWITCH: () => false,
  GETSEC: undefinedInstruction,
  RSM: undefinedInstruction,
  VMFUNC: undefinedInstruction,
};
