/**
 * What all parts of the processor share: the state, guest memory, the injected environment, the VMX unit, and what lies
 * outside the state area (interruptibility, activity, stored MSRs). The parts are functions over a `Core`.
 *
 * Source: SDM Vol. 3A ch. 2, 6.8 (interruptibility), Vol. 3C 25.4.2 (activity).
 */
import { SEGMENT } from '../isa/semantics';
import { Outcome } from '../isa/slow';
import { ATTENTION } from './attention';
import type { ProcessorEnvironment } from './environment';
import type { ProcessorEvent } from './event';
import { MODE, RETURN_NOTE, SEGMENT_BYTES, SEGMENT_FIELD, STATE } from './layout';
import type { LinearMemory } from './linear-memory';
import type { ProcessorObserver } from './observer';
import { EFLAGS, setSegment, updateMode } from './mode';
import type { ProcessorState, Segment } from './state';
import { StoredMsrs } from './stored-msrs';
import { TimeStamp } from './time';
import type { Activity, Interruptibility, VmxUnit } from './vmx-hooks';

/** An event whose delivery a debugger holds back. */
export interface HeldEvent {
  readonly event: ProcessorEvent;
  /** The event during whose delivery it came up. */
  readonly previous: ProcessorEvent | undefined;
  /** The instruction at RIP raised it and has changed nothing: it can run again instead. */
  readonly restarts: boolean;
}

/** Widths of code, stack and operands in bits. */
export type Width = 16 | 32 | 64;

const CODE_BASE = STATE.segments + SEGMENT.CS * SEGMENT_BYTES + SEGMENT_FIELD.base;

const WIDTHS: readonly Width[] = [16, 32, 64, 64];

export class Core {
  readonly interruptibility: Interruptibility;
  activity: Activity = 'active';
  /** Pending debug exceptions, VMCS format; 0 none. */
  pendingDebug = 0;
  /** The event whose delivery was under way when a fault or exit came. */
  vectoring: ProcessorEvent | undefined;
  nmiUnblockedByIret = false;
  /** An exception that a debugger holds back; it goes on before anything else does. */
  held: HeldEvent | undefined;
  private looksOn: ProcessorObserver = {};
  /** The instruction just completed cleared TF before its trap was due (INT n, SYSCALL): no single step behind it. */
  suppressesSingleStep = false;
  /** MSRs that are plain storage, by index. */
  readonly storedMsrs = new StoredMsrs();
  /** TSC minus ticks (IA32_TSC_ADJUST and writes to the TSC), modulo 2^64. */
  tscOffset = 0n;
  readonly timeStamp = new TimeStamp(this);
  /** Armed by MONITOR: a linear address, or undefined. */
  monitored: bigint | undefined;
  /** While waiting in MWAIT: interrupts wake the processor even when IF is 0. */
  wakesOnMasked = false;
  private codeBaseLow = -1;
  private codeBaseHigh = -1;
  private codeLimit = -1;
  /** Set once, when processor and VMX unit are put together. */
  vmx!: VmxUnit;

  constructor(
    readonly state: ProcessorState,
    readonly memory: LinearMemory,
    readonly environment: ProcessorEnvironment,
  ) {
    const note = (bit: number, isSet: boolean): void => this.noteForReturns(bit, isSet);
    this.interruptibility = {
      sti: false,
      movSs: false,
      get nmi() {
        return (state.word(STATE.returnNotes) & RETURN_NOTE.nmiBlocked) !== 0;
      },
      set nmi(isBlocked) {
        note(RETURN_NOTE.nmiBlocked, isBlocked);
      },
    };
  }

  get observer(): ProcessorObserver {
    return this.looksOn;
  }

  set observer(observer: ProcessorObserver) {
    this.looksOn = observer;
    this.noteForReturns(RETURN_NOTE.observed, observer.returned !== undefined);
  }

  private noteForReturns(bit: number, isSet: boolean): void {
    const others = this.state.word(STATE.returnNotes) & ~bit;
    this.state.setWord(STATE.returnNotes, isSet ? others | bit : others);
  }

  get mode(): number {
    return this.state.word(STATE.mode);
  }

  /** Width of the code segment. */
  get codeWidth(): Width {
    return WIDTHS[this.mode & MODE.codeMask]!;
  }

  /** Width of the stack pointer. */
  get stackWidth(): Width {
    return WIDTHS[(this.mode >> MODE.stackShift) & 3]!;
  }

  get cpl(): number {
    return (this.mode >> MODE.cplShift) & 3;
  }

  /** Protected mode and not virtual-8086: selectors name descriptors. */
  get usesDescriptors(): boolean {
    return (this.mode & (MODE.protected | MODE.virtual8086)) === MODE.protected;
  }

  get isVirtual8086(): boolean {
    return (this.mode & MODE.virtual8086) !== 0;
  }

  /** IA-32e mode (EFER.LMA). */
  get isLong(): boolean {
    return (this.mode & MODE.long) !== 0;
  }

  /** 64-bit mode. */
  get is64(): boolean {
    return (this.mode & MODE.codeMask) === MODE.code64;
  }

  /** EFLAGS.IOPL. */
  get ioPrivilege(): number {
    return (this.state.word(STATE.eflags) & EFLAGS.IOPL) >> 12;
  }

  /** RIP of the next instruction, cut to the code segment's width. */
  nextRip(): bigint {
    return BigInt.asUintN(this.codeWidth, this.state.rip + BigInt(this.environment.instruction.length()));
  }

  /** Recomputes mode and paging words after CR0, CR4, EFER, RFLAGS, CS or SS changed. */
  updateMode(): void {
    updateMode(this.state, this.environment.tlbBase, this.vmx.modeBits);
    // RF counts for the first instruction of a run: what loads it ends the one at hand.
    const traps = (this.state.word(STATE.eflags) & (EFLAGS.TF | EFLAGS.RF)) !== 0 || this.pendingDebug !== 0;
    this.setAttention(ATTENTION.trap, traps);
  }

  /** Sets bits of the attention word. */
  attend(bits: number): void {
    this.state.setWord(STATE.attention, this.state.word(STATE.attention) | bits);
  }

  setAttention(bits: number, isSet: boolean): void {
    const others = this.state.word(STATE.attention) & ~bits;
    this.state.setWord(STATE.attention, isSet ? others | bits : others);
  }

  /** Blocking by STI and MOV SS changed: the attention word says whether there is any. */
  updateShadow(): void {
    this.setAttention(ATTENTION.shadow, this.interruptibility.sti || this.interruptibility.movSs);
  }

  /** Loads a segment register; the caller updates the mode when it is CS or SS. */
  setSegment(number: number, segment: Segment): void {
    setSegment(this.state, number, segment);
    if (number === SEGMENT.CS) this.noteCodeSegment();
  }

  /** Notes base and limit of CS as those that cached block look-ups count on; true when they are others than before. */
  noteCodeSegment(): boolean {
    const { state } = this;
    const low = state.word(CODE_BASE);
    const high = state.word(CODE_BASE + 4);
    const limit = state.segmentLimit(SEGMENT.CS);
    const differs = low !== this.codeBaseLow || high !== this.codeBaseHigh || limit !== this.codeLimit;
    this.codeBaseLow = low;
    this.codeBaseHigh = high;
    this.codeLimit = limit;
    return differs;
  }

  /** Loads RFLAGS whole and recomputes the mode. */
  setFlags(value: number): void {
    this.state.rflags = value;
    this.updateMode();
  }

  /** Stack pointer at the current stack width. */
  get stackPointer(): bigint {
    return BigInt.asUintN(this.stackWidth, this.state.general(4));
  }

  /** Writes the stack pointer at `width`; upper parts stay for 16 bits and become 0 for 32. */
  setStackPointer(value: bigint, width: Width): void {
    const low = BigInt.asUintN(width, value);
    const old = this.state.general(4);
    this.state.setGeneral(4, width === 16 ? (old & ~0xffffn) | low : low);
  }

  /** How a completed instruction ends whose RIP advances by its length. */
  done(): Outcome {
    return this.state.word(STATE.attention) ? Outcome.DoneCheck : Outcome.Done;
  }

  /** How a completed control transfer ends: `STATE.rip` holds the target. */
  jumped(): Outcome {
    return this.state.word(STATE.attention) ? Outcome.JumpedCheck : Outcome.Jumped;
  }

  /** Time-stamp counter, unsigned 64 bits, without the VMX offset. */
  timeStampCounter(): bigint {
    return BigInt.asUintN(64, BigInt(this.environment.ticks()) + this.tscOffset);
  }
}

/** True when bits 63 to 47 of an unsigned 64-bit address are equal (SDM Vol. 1, 3.3.7.1). */
export function isCanonical(linear: bigint): boolean {
  const top = linear >> 47n;
  return top === 0n || top === 0x1ffffn;
}
