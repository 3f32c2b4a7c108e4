/**
 * The virtual processor as exit handlers see it: VM-exit information, guest state in the VMCS, general registers (which
 * VM exits leave in the processor), and what a handler may decide. Source: SDM Vol. 3C 25.4, 25.9, 28.2.
 */
import { STATE } from '../cpu/layout';
import { EFLAGS } from '../cpu/mode';
import type { ProcessorState } from '../cpu/state';
import { BLOCKING, PENDING_DEBUG } from '../cpu/vmx/entry-checks/guest-state-rules';
import type { Vmcs } from '../cpu/vmx/vmcs';
import { F } from '../cpu/vmx/vmcs-layout';
import type { VmcsField } from '../cpu/vmx/vmcs-layout';
import type { ExitCheck } from '../isa/exits';
import type { Injection } from './injection';
import type { MachineClock } from './ports';

const DEBUGCTL_BTF = 2;

/** One instruction (or event delivery) of the guest that runs with some interception off. */
export interface Emulation {
  /** Checks that do not exit meanwhile. */
  readonly checks: readonly ExitCheck[];
  /** Task switches do not exit meanwhile. */
  readonly taskSwitch: boolean;
  /** Guest-physical page numbers that go to the bus; the first at least is not RAM. */
  readonly pages: readonly number[];
  /** Only the event that VM entry injects, no instruction. */
  readonly deliveryOnly: boolean;
  /** Fields to put back if the instruction does not complete, with their values (unsigned 32 bits). */
  readonly undo: readonly { readonly encoding: number; readonly value: number }[];
}

/** Why the hypervisor gives up. */
export type StopReason =
  /** The budget is spent. */
  | { readonly kind: 'budget' }
  /** A debugger or the machine asked; the guest may be in the middle of a run. */
  | { readonly kind: 'stop' }
  /** HLT with nothing due now: sleep until tick `wake`, or until input comes if it is undefined. */
  | { readonly kind: 'idle'; readonly wake: number | undefined }
  /** The guest cannot go on. */
  | { readonly kind: 'crash'; readonly reason: CrashReason; readonly detail: string };

/** Why a guest cannot go on. */
export type CrashReason =
  'triple-fault' | 'never-wakes' | 'entry-failure' | 'no-memory' | 'no-progress' | 'unknown-exit';

export class GuestProcessor {
  /** True after HLT, until something wakes the guest. */
  isHalted = false;
  /** The emulation that the next entry carries out. */
  emulation: Emulation | undefined;
  /** Pages of the emulation that the present exit cut off without progress; empty else. */
  unfinishedPages: readonly number[] = [];
  /** Set by a handler that ends the machine. */
  crash: Extract<StopReason, { kind: 'crash' }> | undefined;

  constructor(
    readonly vmcs: Vmcs,
    readonly state: ProcessorState,
    readonly clock: MachineClock,
    readonly injection: Injection,
  ) {}

  /** VMREAD of a field's low 32 bits, unsigned. */
  low(field: VmcsField): number {
    return this.vmcs.low(field);
  }

  /** VMREAD of a whole field. */
  read(field: VmcsField): bigint {
    return this.vmcs.get(field);
  }

  /** VMWRITE of a whole field. */
  write(field: VmcsField, value: bigint): void {
    this.vmcs.write(field.encoding, value);
  }

  /** VMWRITE of a field of at most 32 bits, if it differs. */
  update(field: VmcsField, value: number): void {
    if (this.vmcs.low(field) !== value >>> 0) this.vmcs.writeField(field, value);
  }

  /** Completes the exiting instruction: it counts, RIP moves behind it, shadows and RF end, single-step traps. */
  complete(): void {
    const { vmcs } = this;
    const length = vmcs.low(F.EXIT_INSTRUCTION_LENGTH);
    const low = vmcs.low(F.GUEST_RIP) + length;
    const high = vmcs.high(F.GUEST_RIP) + (low > 0xffff_ffff ? 1 : 0);
    vmcs.writeField(F.GUEST_RIP, low, this.isLongCode ? high : 0);
    const flags = vmcs.low(F.GUEST_RFLAGS);
    if (flags & EFLAGS.RF) vmcs.writeField(F.GUEST_RFLAGS, flags & ~EFLAGS.RF);
    const blocking = vmcs.low(F.GUEST_INTERRUPTIBILITY_STATE);
    if (blocking & (BLOCKING.STI | BLOCKING.MOV_SS))
      vmcs.writeField(F.GUEST_INTERRUPTIBILITY_STATE, blocking & ~(BLOCKING.STI | BLOCKING.MOV_SS));
    if (flags & EFLAGS.TF && !(vmcs.low(F.GUEST_DEBUGCTL) & DEBUGCTL_BTF))
      vmcs.writeField(F.GUEST_PENDING_DEBUG_EXCEPTIONS, vmcs.low(F.GUEST_PENDING_DEBUG_EXCEPTIONS) | PENDING_DEBUG.BS);
    this.clock.retire();
  }

  /** Takes back the RF that an EPT violation has set: the instruction begins again as it began before. */
  clearResumeFlag(): void {
    this.update(F.GUEST_RFLAGS, this.vmcs.low(F.GUEST_RFLAGS) & ~EFLAGS.RF);
  }

  /** Lets the instruction at hand run once without these checks; see `Emulation`. */
  runOne(emulation: Partial<Emulation>): void {
    this.emulation = { checks: [], taskSwitch: false, pages: [], deliveryOnly: false, undo: [], ...emulation };
  }

  stop(reason: CrashReason, detail: string): void {
    this.crash = { kind: 'crash', reason, detail };
  }

  /** Low 32 bits of general register `number`, unsigned. */
  general32(number: number): number {
    return this.state.general32(number);
  }

  /** Writes the low `bytes` (1, 2 or 4) of RAX as IN does. */
  setAccumulator(value: number, bytes: number): void {
    if (bytes === 1) this.state.u8[STATE.general] = value;
    else if (bytes === 2) this.state.view.setUint16(STATE.general, value, true);
    else this.state.setGeneral32(0, value);
  }

  private get isLongCode(): boolean {
    return this.vmcs.high(F.GUEST_RIP) !== 0 || (this.low(F.GUEST_CS_ACCESS_RIGHTS) & 0x2000) !== 0;
  }
}
