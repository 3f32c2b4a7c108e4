/**
 * Where interrupts end: the local APIC and the processor, looked at without side effects. Source: SDM Vol. 3A 6.8 (IF,
 * blocking), 11.5 (LVT), 11.8.3 (priorities).
 */
import { EFLAGS } from '../../cpu/mode';
import { LapicMode } from '../../devices/lapic-mode';
import { DeliveryMode, Lvt, LVT_NAMES, Svr } from '../../devices/lapic-registers';
import type { LapicState } from '../../devices/lapic-types';
import type { Machine } from '../../machine/machine';
import type { InterruptHop } from '../../protocol/interrupts';

/** What arrives at the local APIC. */
export interface Delivery {
  readonly mode: DeliveryMode;
  readonly vector: number;
}

const FIRST_LEGAL_VECTOR = 16;
const NMI_VECTOR = 2;
const LINT0 = 3;
const LINT1 = 4;

const hasVector = (words: readonly number[], vector: number): boolean =>
  ((words[vector >> 5]! >>> (vector & 31)) & 1) !== 0;

const isFixed = (mode: DeliveryMode): boolean => mode === DeliveryMode.FIXED || mode === DeliveryMode.LOWEST_PRIORITY;

/** The local APIC and the processor of a stopped machine. */
export class InterruptEnd {
  /** Why the processor takes no maskable interrupt now; undefined if it would. */
  readonly blocksInterrupts: string | undefined;
  private readonly blocksNmi: string | undefined;
  private readonly lapic: LapicState;
  private readonly priority: number;
  private readonly mode: LapicMode;

  constructor(machine: Machine) {
    const { board, state, processor } = machine;
    this.lapic = board.lapic.save();
    this.priority = board.lapic.processorPriority;
    this.mode = board.lapic.apicMode;
    const [flags, { sti, movSs, nmi }] = machine.asGuest(
      () => [state.rflags, { ...processor.interruptibility }] as const,
    );
    const shadow = movSs ? 'the processor has blocking by MOV SS' : undefined;
    const blocking = sti ? 'the processor has blocking by STI' : shadow;
    this.blocksInterrupts = flags & EFLAGS.IF ? blocking : 'RFLAGS.IF = 0';
    this.blocksNmi = nmi ? 'the processor has blocking by NMI' : shadow;
  }

  /** The LVT entry `index`, from the timer's on, and what it delivers. */
  local(index: number): { readonly entry: number; readonly delivery: Delivery } {
    const entry = this.lapic.lvt[index]!;
    const hasMode = LVT_NAMES[index] !== 'timer' && LVT_NAMES[index] !== 'error';
    const mode: DeliveryMode = hasMode ? (entry >> 8) & 7 : DeliveryMode.FIXED;
    return { entry, delivery: { mode, vector: entry & Lvt.VECTOR } };
  }

  /** Level of LINT0 or LINT1. */
  pin(number: number): boolean {
    return ((this.lapic.lints >> number) & 1) !== 0;
  }

  /** An LVT entry as a hop. */
  hop(index: number): InterruptHop {
    const { entry, delivery } = this.local(index);
    const isVector = isFixed(delivery.mode) && delivery.vector >= FIRST_LEGAL_VECTOR;
    const isExtInt = index === LINT0 && delivery.mode === DeliveryMode.EXTINT;
    return {
      controller: 'LAPIC',
      input: `LVT ${LVT_NAMES[index]}`,
      masked: (entry & Lvt.MASKED) !== 0,
      pending: isExtInt ? this.pin(0) : isVector && hasVector(this.lapic.irr, delivery.vector),
      inService: isVector && hasVector(this.lapic.isr, delivery.vector),
      // ExtINT is a level whatever the entry says (SDM 11.5.1).
      trigger: isExtInt || ((index === LINT0 || index === LINT1) && entry & Lvt.LEVEL) ? 'level' : 'edge',
    };
  }

  /** A vector in IRR, ISR and TMR. */
  vectorHop(vector: number): InterruptHop {
    return {
      controller: 'LAPIC',
      input: `vector 0x${vector.toString(16)}`,
      masked: false,
      pending: hasVector(this.lapic.irr, vector),
      inService: hasVector(this.lapic.isr, vector),
      trigger: hasVector(this.lapic.tmr, vector) ? 'level' : 'edge',
    };
  }

  /** Why the 8259As' INTR on LINT0 does not pass; undefined if it does. A disabled local APIC passes it on. */
  extInt(): string | undefined {
    if (this.mode === LapicMode.DISABLED) return undefined;
    const { entry, delivery } = this.local(LINT0);
    if (!this.isEnabled) return 'the local APIC is disabled by software (SVR bit 8)';
    if (entry & Lvt.MASKED) return 'LVT LINT0 is masked';
    return delivery.mode === DeliveryMode.EXTINT ? undefined : 'LVT LINT0 is not ExtINT';
  }

  /** The vector that the processor gets; undefined where the delivery names none. */
  vectorOf({ mode, vector }: Delivery): number | undefined {
    if (mode === DeliveryMode.NMI) return NMI_VECTOR;
    return isFixed(mode) && vector >= FIRST_LEGAL_VECTOR ? vector : undefined;
  }

  /** Why such a delivery does not reach the processor now; undefined if it does. */
  blocks({ mode, vector }: Delivery): string | undefined {
    if (this.mode === LapicMode.DISABLED) return 'the local APIC is disabled (IA32_APIC_BASE.EN = 0)';
    if (mode === DeliveryMode.NMI) return this.blocksNmi;
    if (mode === DeliveryMode.EXTINT) return this.blocksInterrupts;
    if (!isFixed(mode)) return undefined;
    if (!this.isEnabled) return 'the local APIC is disabled by software (SVR bit 8)';
    if (vector < FIRST_LEGAL_VECTOR) return `vector ${vector} is illegal`;
    if (vector >> 4 <= this.priority >> 4)
      return `the processor priority 0x${this.priority.toString(16)} (PPR) is not below the vector's class`;
    return this.blocksInterrupts;
  }

  private get isEnabled(): boolean {
    return (this.lapic.svr & Svr.ENABLED) !== 0;
  }
}
