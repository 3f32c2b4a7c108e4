/**
 * CR0, CR2, CR3, CR4, CR8, EFER and XCR0: what may be written when, and what follows from it.
 *
 * Source: SDM Vol. 2B, MOV to and from control registers, LMSW, CLTS, XSETBV; Vol. 3A 2.5, 4.1.1 (mode changes), 4.4.1
 * (PDPTEs), 4.10.1 (PCIDs), 9.8.5 (IA-32e mode); Vol. 3C 26.3 (under VMX).
 */
import { SEGMENT, VECTOR } from '../isa/semantics';
import { Outcome } from '../isa/slow';
import type { Core } from './core';
import { STATE } from './layout';
import { CR0, CR4, EFER, RIGHTS } from './mode';
import { PHYSICAL_BITS } from './paging/ept-walker';
import { GuestFault } from './signals';

/** Bits of CR0 that exist; writes to the others are ignored. ET is always 1. */
const CR0_BITS = BigInt(CR0.PE + CR0.MP + CR0.EM + CR0.TS + CR0.NE + CR0.WP + CR0.AM + CR0.NW + CR0.CD + CR0.PG);
const CR0_ET = BigInt(CR0.ET);

/** Bits of CR4 that software may set. No VME, PVI, UMIP, SMXE: CPUID does not offer them. */
export const CR4_BITS =
  CR4.TSD |
  CR4.DE |
  CR4.PSE |
  CR4.PAE |
  CR4.MCE |
  CR4.PGE |
  CR4.PCE |
  CR4.OSFXSR |
  CR4.OSXMMEXCPT |
  CR4.VMXE |
  CR4.FSGSBASE |
  CR4.PCIDE |
  CR4.OSXSAVE |
  CR4.SMEP |
  CR4.SMAP;

/** Bits of IA32_EFER that software may set. */
export const EFER_BITS = EFER.SCE | EFER.LME | EFER.NXE;

/** State components that XCR0 may enable: x87 and SSE. */
export const XCR0_BITS = 3n;

/** Changes of these reload the PDPTEs in PAE paging (SDM Vol. 3A, 4.4.1). */
const CR0_PAE_BITS = BigInt(CR0.PG + CR0.CD + CR0.NW);
const CR4_PAE_BITS = BigInt(CR4.PAE | CR4.PGE | CR4.PSE | CR4.SMEP);

const CR3_ADDRESS = 0xffffffffff000n;
const CR3_RESERVED = ((1n << 64n) - 1n) & ~((1n << BigInt(PHYSICAL_BITS)) - 1n);
const NO_FLUSH = 1n << 63n;

function generalProtection(): never {
  throw new GuestFault(VECTOR.GP, 0);
}

/** Reserved bits of a present PDPTE. */
const PDPTE_RESERVED = (CR3_RESERVED | 0x1e6n) & ((1n << 64n) - 1n);

/** Reads the PDPTEs at `cr3`; undefined when a present one has a reserved bit set. */
export function readPageDirectoryPointers(cpu: Core, cr3: bigint): bigint[] | undefined {
  const base = cr3 & 0xffffffe0n;
  const entries = [0n, 8n, 16n, 24n].map((offset) => cpu.memory.readGuestPhysical64(base + offset));
  return entries.some((entry) => entry & 1n && entry & PDPTE_RESERVED) ? undefined : entries;
}

/** The PDPTEs that a change to PAE paging or within it loads; #GP(0) for reserved bits. */
function pointersFor(cpu: Core, cr3: bigint): bigint[] {
  return readPageDirectoryPointers(cpu, cr3) ?? generalProtection();
}

export function storePageDirectoryPointers(cpu: Core, entries: readonly bigint[]): void {
  entries.forEach((entry, index) => cpu.state.setQuad(STATE.pdpte + index * 8, entry));
}

/** Recomputes the mode after a paging control changed; all translations go when the paging word did. */
function pagingChanged(cpu: Core): void {
  const before = cpu.state.word(STATE.paging);
  cpu.updateMode();
  if (cpu.state.word(STATE.paging) !== before) cpu.memory.flush();
}

/** MOV from CR0-CR4 and CR8, and SMSW. */
export function readControl(cpu: Core, number: number): Outcome {
  const { state } = cpu;
  state.setQuad(STATE.result, controlRegister(cpu, number));
  return Outcome.Done;
}

function controlRegister(cpu: Core, number: number): bigint {
  const { state } = cpu;
  switch (number) {
    case 0:
    case 4: {
      const { mask, shadow } = cpu.vmx.controlRegister(number);
      return (state.quad(number === 0 ? STATE.cr0 : STATE.cr4) & ~mask) | (shadow & mask);
    }
    case 2:
      return state.quad(STATE.cr2);
    case 3:
      return state.quad(STATE.cr3);
    default:
      return BigInt(cpu.vmx.taskPriority() ?? cpu.environment.apic.taskPriority >> 4);
  }
}

/** MOV to CR0-CR4 and CR8. */
export function writeControl(cpu: Core, number: number, operand: bigint): Outcome {
  const value = BigInt.asUintN(64, operand);
  if (number === 0) writeCr0(cpu, value);
  else if (number === 2) cpu.state.setQuad(STATE.cr2, value);
  else if (number === 3) writeCr3(cpu, value);
  else if (number === 4) writeCr4(cpu, value);
  else writeTaskPriority(cpu, value);
  return cpu.done();
}

/** Does what the guest's write of `value` to CR0 does; throws #GP(0). */
function writeCr0(cpu: Core, value: bigint): void {
  const { state } = cpu;
  if (value >> 32n) generalProtection();
  const old = state.quad(STATE.cr0);
  const { mask } = cpu.vmx.controlRegister(0);
  const next = (((value & ~mask) | (old & mask)) & CR0_BITS) | CR0_ET;
  const has = (bit: number): boolean => (next & BigInt(bit)) !== 0n;
  if ((has(CR0.PG) && !has(CR0.PE)) || (has(CR0.NW) && !has(CR0.CD))) generalProtection();
  if (!cpu.vmx.controlRegisterAllowed(0, next)) generalProtection();

  const efer = state.word(STATE.efer);
  const cr4 = state.word(STATE.cr4);
  const hadPaging = (old & BigInt(CR0.PG)) !== 0n;
  const activates = has(CR0.PG) && !hadPaging && (efer & EFER.LME) !== 0;
  if (activates) checkActivation(cpu);
  if (!has(CR0.PG) && hadPaging && (cpu.is64 || cr4 & CR4.PCIDE)) generalProtection();
  const isPae = has(CR0.PG) && (cr4 & CR4.PAE) !== 0 && !(efer & EFER.LME);
  const pointers = isPae && (old ^ next) & CR0_PAE_BITS ? pointersFor(cpu, state.quad(STATE.cr3)) : undefined;

  if (pointers) storePageDirectoryPointers(cpu, pointers);
  state.setQuad(STATE.cr0, next);
  const isActive = has(CR0.PG) && (efer & EFER.LME) !== 0;
  state.setQuad(STATE.efer, BigInt(isActive ? efer | EFER.LMA : efer & ~EFER.LMA));
  pagingChanged(cpu);
  if (pointers) cpu.memory.flush();
  if (has(CR0.PG) && !hadPaging) cpu.observer.addressSpaceLoaded?.();
}

/** Entering IA-32e mode: PAE, no L bit in CS yet, a 32-bit TSS. */
function checkActivation(cpu: Core): void {
  const { state } = cpu;
  const has16BitTask = !(state.segmentRights(SEGMENT.TR) & (8 | RIGHTS.unusable));
  const isLongCode = (state.segmentRights(SEGMENT.CS) & RIGHTS.long) !== 0;
  if (!(state.word(STATE.cr4) & CR4.PAE) || isLongCode || has16BitTask) generalProtection();
}

function writeCr3(cpu: Core, value: bigint): void {
  const { state } = cpu;
  const hasPcid = (state.word(STATE.cr4) & CR4.PCIDE) !== 0;
  const next = hasPcid ? value & ~NO_FLUSH : value;
  if (cpu.isLong && next & CR3_RESERVED) generalProtection();
  loadCr3(cpu, next);
}

/** Loads CR3 with a value whose reserved bits were checked; PDPTEs follow in PAE paging. */
function loadCr3(cpu: Core, value: bigint): void {
  const { state } = cpu;
  const isPaging = (state.word(STATE.cr0) & CR0.PG) !== 0;
  const isPae = isPaging && !cpu.isLong && (state.word(STATE.cr4) & CR4.PAE) !== 0;
  const pointers = isPae ? pointersFor(cpu, value) : undefined;
  if (pointers) storePageDirectoryPointers(cpu, pointers);
  const left = state.quad(STATE.cr3) & CR3_ADDRESS;
  const entered = value & CR3_ADDRESS;
  state.setQuad(STATE.cr3, value);
  // Translations are coherent with memory: of the same table again, and of another's, nothing has to be forgotten.
  if (pointers) cpu.memory.flush();
  else if (isPaging && left !== entered) cpu.memory.changeRoot(left, entered);
  cpu.observer.addressSpaceLoaded?.();
}

/** A task switch's CR3. Without paging it is not loaded (SDM Vol. 3A, 7.3). */
export function loadCr3ForTask(cpu: Core, value: bigint): void {
  if (cpu.state.word(STATE.cr0) & CR0.PG) loadCr3(cpu, value);
}

function writeCr4(cpu: Core, value: bigint): void {
  const { state } = cpu;
  if (value & ~BigInt(CR4_BITS)) generalProtection();
  const old = state.quad(STATE.cr4);
  const { mask } = cpu.vmx.controlRegister(4);
  const next = (value & ~mask) | (old & mask);
  const has = (bit: number): boolean => (next & BigInt(bit)) !== 0n;
  if (!cpu.vmx.controlRegisterAllowed(4, next)) generalProtection();
  if (cpu.isLong && !has(CR4.PAE)) generalProtection();
  const setsPcid = has(CR4.PCIDE) && !(old & BigInt(CR4.PCIDE));
  if (setsPcid && (!cpu.isLong || state.quad(STATE.cr3) & 0xfffn)) generalProtection();
  const isPae = (state.word(STATE.cr0) & CR0.PG) !== 0 && !cpu.isLong && has(CR4.PAE);
  const pointers = isPae && (old ^ next) & CR4_PAE_BITS ? pointersFor(cpu, state.quad(STATE.cr3)) : undefined;
  if (pointers) storePageDirectoryPointers(cpu, pointers);
  state.setQuad(STATE.cr4, next);
  pagingChanged(cpu);
  if (pointers) cpu.memory.flush();
}

function writeTaskPriority(cpu: Core, value: bigint): void {
  if (value >> 4n) generalProtection();
  const priority = Number(value);
  if (!cpu.vmx.setTaskPriority(priority)) cpu.environment.apic.taskPriority = priority << 4;
}

/** LMSW: PE can be set, not cleared. */
export function loadMachineStatus(cpu: Core, source: number): Outcome {
  writeCr0(cpu, (cpu.state.quad(STATE.cr0) & ~0xen) | BigInt(source & 0xf));
  return cpu.done();
}

export function clearTaskSwitched(cpu: Core): Outcome {
  const { mask } = cpu.vmx.controlRegister(0);
  const { state } = cpu;
  state.setQuad(STATE.cr0, state.quad(STATE.cr0) & ~(BigInt(CR0.TS) & ~mask));
  return cpu.done();
}

/** WRMSR of IA32_EFER; false for #GP(0). LMA is read-only and its bit ignored. */
export function writeEfer(cpu: Core, value: bigint): boolean {
  const { state } = cpu;
  const old = state.quad(STATE.efer);
  if (value & ~BigInt(EFER_BITS | EFER.LMA)) return false;
  const changesLme = ((value ^ old) & BigInt(EFER.LME)) !== 0n;
  if (changesLme && state.word(STATE.cr0) & CR0.PG) return false;
  state.setQuad(STATE.efer, (value & BigInt(EFER_BITS)) | (old & BigInt(EFER.LMA)));
  pagingChanged(cpu);
  return true;
}

export function xgetbv(cpu: Core, index: number): Outcome {
  if (index !== 0) generalProtection();
  cpu.state.setQuad(STATE.result, cpu.state.quad(STATE.xcr0));
  return Outcome.Done;
}

export function xsetbv(cpu: Core, index: number, operand: bigint): Outcome {
  const value = BigInt.asUintN(64, operand);
  if (index !== 0 || !(value & 1n) || value & ~XCR0_BITS) generalProtection();
  cpu.state.setQuad(STATE.xcr0, value);
  return cpu.done();
}
