/**
 * SYSENTER, SYSEXIT, SYSCALL, SYSRET and SWAPGS, as Intel parts have them.
 *
 * Source: SDM Vol. 2B, the instructions; Vol. 3A 5.8.7, 5.8.8.
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import { Outcome } from '../isa/slow';
import { isCanonical } from './core';
import type { Core, Width } from './core';
import { STATE } from './layout';
import { CR0, EFER, EFLAGS } from './mode';
import { MSR } from './msr-numbers';
import { GuestFault } from './signals';
import type { Segment } from './state';

const RCX = 1;
const RDX = 2;
const RSP = 4;
const R11 = 11;

/** Accessed code and data with limit 4 GiB, present, DPL 0, in the VMCS format; `LEVEL3` adds DPL 3. */
const CODE64 = 0xa09b;
const CODE32 = 0xc09b;
const DATA = 0xc093;
const LEVEL3 = 0x60;

/** RFLAGS bits that SYSRET loads from R11. */
const SYSRET_FLAGS = 0x3c7fd7;

/** Loads CS and SS with the flat segments that these instructions imply. */
function loadFlat(cpu: Core, codeSelector: number, stackSelector: number, code: number, cpl: 0 | 3): void {
  const level = cpl === 3 ? LEVEL3 : 0;
  const flat = (selector: number, rights: number): Segment => ({
    selector: selector & 0xffff,
    base: 0n,
    limit: 0xffffffff,
    rights: rights | level,
  });
  cpu.setSegment(SEGMENT.CS, flat(codeSelector, code));
  cpu.setSegment(SEGMENT.SS, flat(stackSelector, DATA));
}

function leave(cpu: Core, flags: number, is64: boolean): Outcome {
  cpu.setFlags(flags);
  if (!is64) cpu.memory.nextFetch();
  return cpu.jumped();
}

/** SYSENTER's and SYSEXIT's #GP(0): real mode, or no code segment set up. */
function sysenterSelector(cpu: Core): number {
  const selector = Number(cpu.storedMsrs.get(MSR.SYSENTER_CS)! & 0xfffcn);
  if (!(cpu.state.word(STATE.cr0) & CR0.PE) || selector === 0) throw new GuestFault(VECTOR.GP, 0);
  return selector;
}

export function sysenter(cpu: Core): Outcome {
  const { state, isLong } = cpu;
  const selector = sysenterSelector(cpu);
  const width = isLong ? 64 : 32;
  state.rip = BigInt.asUintN(width, cpu.storedMsrs.get(MSR.SYSENTER_EIP)!);
  state.setGeneral(RSP, BigInt.asUintN(width, cpu.storedMsrs.get(MSR.SYSENTER_ESP)!));
  loadFlat(cpu, selector, selector + 8, isLong ? CODE64 : CODE32, 0);
  return leave(cpu, state.rflags & ~(EFLAGS.VM | EFLAGS.IF), isLong);
}

export function sysexit(cpu: Core, size: Width): Outcome {
  const { state } = cpu;
  const selector = sysenterSelector(cpu);
  const is64 = size === 64;
  const width = is64 ? 64 : 32;
  const rip = BigInt.asUintN(width, state.general(RDX));
  const rsp = BigInt.asUintN(width, state.general(RCX));
  if (is64 && !(isCanonical(rip) && isCanonical(rsp))) throw new GuestFault(VECTOR.GP, 0);
  state.rip = rip;
  state.setGeneral(RSP, rsp);
  const code = (selector + (is64 ? 32 : 16)) | 3;
  loadFlat(cpu, code, code + 8, is64 ? CODE64 : CODE32, 3);
  return leave(cpu, state.rflags, is64);
}

/** #UD unless in 64-bit mode with EFER.SCE. */
function needSyscall(cpu: Core): void {
  if (!cpu.is64 || !(cpu.state.word(STATE.efer) & EFER.SCE)) throw new GuestFault(VECTOR.UD);
}

export function syscall(cpu: Core): Outcome {
  needSyscall(cpu);
  const { state } = cpu;
  const flags = state.rflags;
  state.setGeneral(RCX, cpu.nextRip());
  state.setGeneral(R11, BigInt(flags));
  state.rip = cpu.storedMsrs.get(MSR.LSTAR)!;
  const selector = Number((cpu.storedMsrs.get(MSR.STAR)! >> 32n) & 0xfffcn);
  loadFlat(cpu, selector, selector + 8, CODE64, 0);
  const mask = Number(cpu.storedMsrs.get(MSR.FMASK)!);
  cpu.suppressesSingleStep = (mask & EFLAGS.TF) !== 0;
  return leave(cpu, flags & ~mask, true);
}

export function sysret(cpu: Core, size: Width): Outcome {
  needSyscall(cpu);
  const { state } = cpu;
  const rip = size === 64 ? state.general(RCX) : BigInt.asUintN(32, state.general(RCX));
  if (cpu.cpl !== 0 || !isCanonical(rip)) throw new GuestFault(VECTOR.GP, 0);
  const selector = Number((cpu.storedMsrs.get(MSR.STAR)! >> 48n) & 0xffffn);
  state.rip = rip;
  const code = (selector + (size === 64 ? 16 : 0)) | 3;
  loadFlat(cpu, code, (selector + 8) | 3, size === 64 ? CODE64 : CODE32, 3);
  return leave(cpu, Number(state.general(R11) & BigInt(SYSRET_FLAGS)), size === 64);
}

export function swapGs(cpu: Core): Outcome {
  const base = cpu.state.segmentBase(SEGMENT.GS);
  cpu.state.setSegmentBase(SEGMENT.GS, cpu.storedMsrs.get(MSR.KERNEL_GS_BASE)!);
  cpu.storedMsrs.set(MSR.KERNEL_GS_BASE, base);
  return Outcome.Done;
}
