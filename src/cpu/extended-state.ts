/**
 * FXSAVE, FXRSTOR, XSAVE, XSAVEOPT, XRSTOR, LDMXCSR.
 *
 * XINUSE is exact: a component is in use when it differs from its initial configuration, so XSTATE_BV is a function of
 * the state. XSAVEOPT makes the init optimisation and not the modified one, which would need a history.
 *
 * Source: SDM Vol. 1 10.5, 13.7 to 13.9; Vol. 2, the instructions.
 * NOT IMPLEMENTED: compaction, XSAVES (CPUID.0DH.1:EAX offers XSAVEOPT alone).
 */
import { VECTOR } from '../isa/semantics';
import type { Outcome } from '../isa/slow';
import type { Core } from './core';
import {
  AREA_BYTES,
  FX,
  HEADER_BYTES,
  LEGACY_BYTES,
  MXCSR_INITIAL,
  MXCSR_MASK,
  STATE_COMPONENTS,
} from './extended-state-layout';
import type { ImageFormat } from './extended-state-layout';
import { STATE } from './layout';
import { CURRENT } from './linear-memory';
import { CR0, CR4 } from './mode';
import { linearAddress } from './segmentation';
import { GuestFault } from './signals';

const HEADER = { xstateBv: 512, xcompBv: 520 } as const;
/** Components whose saving or loading involves MXCSR: SSE, and AVX once it exists. */
const MXCSR_COMPONENTS = 6n;

function imageFormat(cpu: Core, flags: number): ImageFormat {
  return { widePointers: (flags & 1) !== 0, xmmRegisters: cpu.is64 ? 16 : 8 };
}

function checkTaskSwitched(cpu: Core): void {
  if (cpu.state.word(STATE.cr0) & CR0.TS) throw new GuestFault(VECTOR.NM);
}

/** FXSAVE and FXRSTOR: #UD for CR0.EM, #NM for CR0.TS, #GP(0) unless on a 16-byte boundary. */
function legacyAddress(cpu: Core, segment: number, offset: bigint, access: 'read' | 'write'): bigint {
  if (cpu.state.word(STATE.cr0) & CR0.EM) throw new GuestFault(VECTOR.UD);
  checkTaskSwitched(cpu);
  return alignedAddress(cpu, segment, offset, LEGACY_BYTES, 16n, access);
}

/** XSAVE and XRSTOR: #UD without CR4.OSXSAVE, #NM for CR0.TS, #GP(0) unless on a 64-byte boundary. */
function areaAddress(cpu: Core, segment: number, offset: bigint, access: 'read' | 'write'): bigint {
  if (!(cpu.state.word(STATE.cr4) & CR4.OSXSAVE)) throw new GuestFault(VECTOR.UD);
  checkTaskSwitched(cpu);
  return alignedAddress(cpu, segment, offset, AREA_BYTES, 64n, access);
}

function alignedAddress(
  cpu: Core,
  segment: number,
  offset: bigint,
  bytes: number,
  alignment: bigint,
  access: 'read' | 'write',
): bigint {
  const linear = linearAddress(cpu, segment, offset, bytes, access);
  if (linear & (alignment - 1n)) throw new GuestFault(VECTOR.GP, 0);
  return linear;
}

function checkMxcsr(value: number): void {
  if (value & ~MXCSR_MASK) throw new GuestFault(VECTOR.GP, 0);
}

function saveMxcsr(cpu: Core, view: DataView): void {
  view.setUint32(FX.mxcsr, cpu.state.word(STATE.mxcsr), true);
  view.setUint32(FX.mxcsrMask, MXCSR_MASK, true);
}

/** `flags` bit 0: REX.W. */
export function fxsave(cpu: Core, segment: number, offset: bigint, flags: number): Outcome {
  const linear = legacyAddress(cpu, segment, offset, 'write');
  const format = imageFormat(cpu, flags);
  cpu.memory.prove(linear, LEGACY_BYTES, true, CURRENT);
  // What lies above the last XMM register is left as it is.
  const bytes = new Uint8Array(FX.xmm + format.xmmRegisters * 16);
  const view = new DataView(bytes.buffer);
  for (const component of STATE_COMPONENTS) component.save(cpu.state, view, format);
  saveMxcsr(cpu, view);
  cpu.memory.writeBytes(linear, bytes, CURRENT);
  return cpu.done();
}

export function fxrstor(cpu: Core, segment: number, offset: bigint, flags: number): Outcome {
  const linear = legacyAddress(cpu, segment, offset, 'read');
  const format = imageFormat(cpu, flags);
  const bytes = cpu.memory.readBytes(linear, LEGACY_BYTES, CURRENT);
  const view = new DataView(bytes.buffer, bytes.byteOffset, LEGACY_BYTES);
  const mxcsr = view.getUint32(FX.mxcsr, true);
  checkMxcsr(mxcsr);
  for (const component of STATE_COMPONENTS) component.load(cpu.state, view, format);
  cpu.state.setWord(STATE.mxcsr, mxcsr);
  return cpu.done();
}

/** `flags` bit 0: REX.W, bit 1: XSAVEOPT. `requested` is EDX:EAX. */
export function xsave(cpu: Core, segment: number, offset: bigint, requested: bigint, flags: number): Outcome {
  const { state, memory } = cpu;
  const linear = areaAddress(cpu, segment, offset, 'write');
  const format = imageFormat(cpu, flags);
  const mask = BigInt.asUintN(64, requested) & state.quad(STATE.xcr0);
  const isOptimised = (flags & 2) !== 0;
  memory.prove(linear, AREA_BYTES, true, CURRENT);
  const view = new DataView(new ArrayBuffer(LEGACY_BYTES));
  const old = memory.read64(linear + BigInt(HEADER.xstateBv), CURRENT);
  const put = (start: number, end: number): void =>
    memory.writeBytes(linear + BigInt(start), new Uint8Array(view.buffer, start, end - start), CURRENT);
  let inUse = 0n;
  for (const component of STATE_COMPONENTS) {
    if (!(mask & component.bit)) continue;
    const isInitial = component.isInitial(state);
    if (!isInitial) inUse |= component.bit;
    if (isInitial && isOptimised) continue;
    component.save(state, view, format);
    for (const [start, end] of component.stretches(format)) put(start, end);
  }
  if (mask & MXCSR_COMPONENTS) {
    saveMxcsr(cpu, view);
    put(FX.mxcsr, FX.st);
  }
  memory.write64(linear + BigInt(HEADER.xstateBv), (old & ~mask) | inUse, CURRENT);
  return cpu.done();
}

/** The header's XSTATE_BV; #GP(0) for a compacted image, reserved bytes, and components that XCR0 does not enable. */
function checkedHeader(cpu: Core, view: DataView): bigint {
  const present = view.getBigUint64(HEADER.xstateBv, true);
  const isReserved =
    view.getBigUint64(HEADER.xcompBv, true) !== 0n || view.getBigUint64(HEADER.xcompBv + 8, true) !== 0n;
  if (isReserved || present & ~cpu.state.quad(STATE.xcr0)) throw new GuestFault(VECTOR.GP, 0);
  return present;
}

export function xrstor(cpu: Core, segment: number, offset: bigint, requested: bigint, flags: number): Outcome {
  const { state } = cpu;
  const linear = areaAddress(cpu, segment, offset, 'read');
  const format = imageFormat(cpu, flags);
  const mask = BigInt.asUintN(64, requested) & state.quad(STATE.xcr0);
  const bytes = cpu.memory.readBytes(linear, LEGACY_BYTES + HEADER_BYTES, CURRENT);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const present = checkedHeader(cpu, view);
  const mxcsr = view.getUint32(FX.mxcsr, true);
  if (mask & MXCSR_COMPONENTS) {
    checkMxcsr(mxcsr);
    state.setWord(STATE.mxcsr, mxcsr);
  }
  for (const component of STATE_COMPONENTS) {
    if (!(mask & component.bit)) continue;
    if (present & component.bit) component.load(state, view, format);
    else component.initialise(state, format);
  }
  return cpu.done();
}

export function loadMxcsr(cpu: Core, value: number): Outcome {
  checkMxcsr(value);
  cpu.state.setWord(STATE.mxcsr, value);
  return cpu.done();
}

/** Initial configuration of all components (RESET). x87 after RESET differs: see `reset.ts`. */
export function initialiseExtendedState(cpu: Core): void {
  for (const component of STATE_COMPONENTS) {
    component.initialise(cpu.state, { widePointers: true, xmmRegisters: 16 });
  }
  cpu.state.setWord(STATE.mxcsr, MXCSR_INITIAL);
}
