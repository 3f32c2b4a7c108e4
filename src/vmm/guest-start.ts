/**
 * Puts the state in which a guest begins into the guest-state area and the general registers. Source: SDM Vol. 3C 25.4,
 * 27.3.1.
 */
import { STATE } from '../cpu/layout';
import { CR0, CR4, EFER, RIGHTS } from '../cpu/mode';
import { ENTRY } from '../cpu/vmx/controls';
import type { SegmentRegister } from '../cpu/vmx/fields';
import type { Vmcs } from '../cpu/vmx/vmcs';
import { F } from '../cpu/vmx/vmcs-layout';
import type { VmcsField } from '../cpu/vmx/vmcs-layout';
import type { ProcessorState } from '../cpu/state';

/** A segment register of the beginning guest. */
export interface StartSegment {
  readonly selector: number;
  readonly base: bigint;
  /** Bytes, granularity applied. */
  readonly limit: number;
  /** VMCS format. */
  readonly access: number;
}

/** GDTR or IDTR of the beginning guest. */
export interface StartTable {
  readonly base: bigint;
  readonly limit: number;
}

/** What a boot loader leaves in the processor. All values unsigned. */
export interface GuestStart {
  readonly registers: Readonly<Record<string, bigint>>;
  readonly rip: bigint;
  readonly rflags: bigint;
  readonly segments: Readonly<Record<'es' | 'cs' | 'ss' | 'ds' | 'fs' | 'gs', StartSegment>>;
  readonly ldtr: StartSegment;
  readonly tr: StartSegment;
  readonly gdtr: StartTable;
  readonly idtr: StartTable;
  readonly cr0: bigint;
  readonly cr2: bigint;
  readonly cr3: bigint;
  readonly cr4: bigint;
  readonly efer: bigint;
}

const GENERAL = [
  ...['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi'],
  ...['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'],
] as const;
const RSP = 4;
const PAT_AFTER_RESET = 0x0007_0406_0007_0406n;
const DR7_AFTER_RESET = 0x400n;

function writeSegment(vmcs: Vmcs, register: SegmentRegister, segment: StartSegment): void {
  const put = (field: VmcsField, value: bigint | number): unknown => vmcs.write(field.encoding, BigInt(value));
  put(F[`GUEST_${register}_SELECTOR`], segment.selector);
  put(F[`GUEST_${register}_BASE`], segment.base);
  put(F[`GUEST_${register}_LIMIT`], segment.limit >>> 0);
  put(F[`GUEST_${register}_ACCESS_RIGHTS`], segment.access);
}

/** Writes `start`; the masked bits of CR0 and CR4 go to the read shadows. */
export function writeGuestStart(vmcs: Vmcs, state: ProcessorState, start: GuestStart): void {
  const put = (field: VmcsField, value: bigint): unknown => vmcs.write(field.encoding, value);
  GENERAL.forEach((name, number) => state.setGeneral(number, start.registers[name] ?? 0n));
  put(F.GUEST_RSP, state.general(RSP));
  put(F.GUEST_RIP, start.rip);
  put(F.GUEST_RFLAGS, start.rflags | 2n);
  for (const [name, segment] of Object.entries(start.segments))
    writeSegment(vmcs, name.toUpperCase() as SegmentRegister, segment);
  writeSegment(vmcs, 'LDTR', start.ldtr);
  writeSegment(vmcs, 'TR', start.tr.access & RIGHTS.unusable ? { ...start.tr, access: 0x8b } : start.tr);
  put(F.GUEST_GDTR_BASE, start.gdtr.base);
  put(F.GUEST_GDTR_LIMIT, BigInt(start.gdtr.limit));
  put(F.GUEST_IDTR_BASE, start.idtr.base);
  put(F.GUEST_IDTR_LIMIT, BigInt(start.idtr.limit));
  put(F.GUEST_CR0, start.cr0 | BigInt(CR0.NE));
  put(F.CR0_READ_SHADOW, start.cr0);
  put(F.GUEST_CR3, start.cr3);
  put(F.GUEST_CR4, start.cr4 | BigInt(CR4.VMXE));
  put(F.CR4_READ_SHADOW, start.cr4);
  put(F.GUEST_EFER, start.efer);
  put(F.GUEST_PAT, PAT_AFTER_RESET);
  put(F.GUEST_DR7, DR7_AFTER_RESET);
  state.setQuad(STATE.cr2, start.cr2);
  const entry = vmcs.low(F.ENTRY_CONTROLS);
  const isLong = (start.efer & BigInt(EFER.LMA)) !== 0n;
  vmcs.writeField(F.ENTRY_CONTROLS, isLong ? entry | ENTRY.IA32E_MODE_GUEST : entry & ~ENTRY.IA32E_MODE_GUEST);
}
