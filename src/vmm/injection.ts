/**
 * Events that the hypervisor gives its guest through the entry-interruption field: exceptions that handlers decide on,
 * events whose delivery an exit interrupted, NMIs and interrupts of the board; the interrupt and NMI windows for what
 * must wait. Source: SDM Vol. 3C 25.8.3, 27.6, 32.7.1.2 and 32.8.
 */
import { combine } from '../cpu/event';
import type { ProcessorEvent } from '../cpu/event';
import { EFLAGS } from '../cpu/mode';
import { PRIMARY } from '../cpu/vmx/controls';
import { BLOCKING } from '../cpu/vmx/entry-checks/guest-state-rules';
import { decodeEvent } from '../cpu/vmx/events';
import { encodeInterruption, ERROR_CODE_BIT, INTERRUPTION_TYPE, VALID_BIT } from '../cpu/vmx/interruption-information';
import type { Vmcs } from '../cpu/vmx/vmcs';
import { F } from '../cpu/vmx/vmcs-layout';
import { VECTOR } from '../isa/semantics';
import type { InterruptSource } from './ports';

/** An event in the format of the entry fields. */
export interface PendingEvent {
  readonly information: number;
  readonly errorCode: number;
  readonly instructionLength: number;
}

/** What waits for the guest, as plain data. */
export interface InjectionState {
  readonly event: PendingEvent | undefined;
  readonly nmiWaits: boolean;
}

const NMI = encodeInterruption(VECTOR.NMI, INTERRUPTION_TYPE.NMI);
const TYPE_AND_VECTOR = 0x7ff;

export class Injection {
  private event: PendingEvent | undefined;
  private isInstruction = false;
  private nmiWaits = false;

  constructor(
    private readonly vmcs: Vmcs,
    private readonly interrupts: InterruptSource,
  ) {}

  /** True if an exception or an interrupted event waits for the next entry. */
  get hasEvent(): boolean {
    return this.event !== undefined;
  }

  /**
   * True if the entry that was prepared last delivers a software interrupt or exception: the delivery completes the
   * guest's INT instruction, which counts then.
   */
  get completesInstruction(): boolean {
    return this.isInstruction;
  }

  /**
   * True if the event that waits may have been a #DB fault: those push RF as it is, which the exit has therefore set.
   * Other faults set it in the pushed image by themselves.
   */
  get needsResumeFlag(): boolean {
    return this.event !== undefined && (this.event.information & 0xff) === VECTOR.DB;
  }

  /** Gives the guest a hardware exception at its present RIP. */
  exception(vector: number, errorCode?: number): void {
    const word = encodeInterruption(vector, INTERRUPTION_TYPE.HARDWARE_EXCEPTION, {
      hasErrorCode: errorCode !== undefined && this.deliversErrorCodes,
    });
    this.event = { information: word, errorCode: errorCode ?? 0, instructionLength: 0 };
  }

  /** After an exit: an event whose delivery was cut off will be delivered again. */
  takeVectoring(): void {
    const word = this.vmcs.low(F.IDT_VECTORING_INFORMATION);
    if (!(word & VALID_BIT)) return;
    this.event = {
      information: (word & (VALID_BIT | ERROR_CODE_BIT | TYPE_AND_VECTOR)) >>> 0,
      errorCode: this.vmcs.low(F.IDT_VECTORING_ERROR_CODE),
      instructionLength: this.vmcs.low(F.EXIT_INSTRUCTION_LENGTH),
    };
  }

  /**
   * After an exit by an exception: gives it to the guest, as a double fault where the event that it interrupted and it
   * make one. False for a triple fault.
   */
  reflect(): boolean {
    const { vmcs } = this;
    const second: PendingEvent = {
      information: (vmcs.low(F.EXIT_INTERRUPTION_INFORMATION) & (VALID_BIT | ERROR_CODE_BIT | TYPE_AND_VECTOR)) >>> 0,
      errorCode: vmcs.low(F.EXIT_INTERRUPTION_ERROR_CODE),
      instructionLength: vmcs.low(F.EXIT_INSTRUCTION_LENGTH),
    };
    const first = this.event;
    this.event = second;
    if (!first) return true;
    const combined = combine(toEvent(first), toEvent(second));
    if (combined === 'double fault') this.exception(VECTOR.DF, 0);
    return combined !== 'triple fault';
  }

  /** True if something waits that would wake a sleeping guest. */
  wakes(): boolean {
    this.latchNmi();
    return this.nmiWaits || this.event !== undefined || (this.interruptsEnabled && this.interrupts.pending());
  }

  /** Before a VM entry: fills the entry-interruption field and asks for windows. `eventOnly`: nothing of the board's, no windows. */
  prepare(eventOnly: boolean): void {
    const { vmcs } = this;
    let windows = 0;
    this.isInstruction = false;
    if (this.event) {
      this.isInstruction = ((this.event.information >>> 8) & 7) >= INTERRUPTION_TYPE.SOFTWARE_INTERRUPT;
      this.inject(this.event);
      this.event = undefined;
    } else if (!eventOnly) {
      this.latchNmi();
      const canInject = this.canInject();
      if (this.nmiWaits && canInject && !(vmcs.low(F.GUEST_INTERRUPTIBILITY_STATE) & BLOCKING.NMI)) {
        this.inject({ information: NMI, errorCode: 0, instructionLength: 0 });
        this.nmiWaits = false;
      } else if (!this.nmiWaits && canInject && this.interruptsEnabled && this.interrupts.pending()) {
        const vector = this.interrupts.acknowledge();
        const information = encodeInterruption(vector, INTERRUPTION_TYPE.EXTERNAL_INTERRUPT);
        this.inject({ information, errorCode: 0, instructionLength: 0 });
      }
    }
    if (this.nmiWaits && !eventOnly) windows |= PRIMARY.NMI_WINDOW_EXITING;
    if (this.interrupts.pending() && !eventOnly) windows |= PRIMARY.INTERRUPT_WINDOW_EXITING;
    const controls = vmcs.low(F.PRIMARY_CONTROLS);
    const wanted = (controls & ~(PRIMARY.NMI_WINDOW_EXITING | PRIMARY.INTERRUPT_WINDOW_EXITING)) | windows;
    if (wanted >>> 0 !== controls) vmcs.writeField(F.PRIMARY_CONTROLS, wanted);
  }

  save(): InjectionState {
    return { event: this.event, nmiWaits: this.nmiWaits };
  }

  restore({ event, nmiWaits }: InjectionState): void {
    this.event = event;
    this.nmiWaits = nmiWaits;
  }

  /** Of several NMIs that come while one waits, none is remembered. */
  private latchNmi(): void {
    if (this.interrupts.takeNmi()) this.nmiWaits = true;
  }

  private inject({ information, errorCode, instructionLength }: PendingEvent): void {
    this.vmcs.writeField(F.ENTRY_INTERRUPTION_INFORMATION, information);
    this.vmcs.writeField(F.ENTRY_EXCEPTION_ERROR_CODE, errorCode);
    this.vmcs.writeField(F.ENTRY_INSTRUCTION_LENGTH, instructionLength);
  }

  /** RFLAGS.IF of the guest. */
  get interruptsEnabled(): boolean {
    return (this.vmcs.low(F.GUEST_RFLAGS) & EFLAGS.IF) !== 0;
  }

  /** No shadow, and no pending debug exception that an injected event would swallow. */
  private canInject(): boolean {
    const blocking = this.vmcs.low(F.GUEST_INTERRUPTIBILITY_STATE) & (BLOCKING.STI | BLOCKING.MOV_SS);
    return blocking === 0 && this.vmcs.low(F.GUEST_PENDING_DEBUG_EXCEPTIONS) === 0;
  }

  /** Exceptions have error codes in protected mode only. */
  private get deliversErrorCodes(): boolean {
    return (this.vmcs.low(F.GUEST_CR0) & 1) !== 0;
  }
}

function toEvent({ information, errorCode, instructionLength }: PendingEvent): ProcessorEvent {
  return decodeEvent(information, errorCode, instructionLength);
}
