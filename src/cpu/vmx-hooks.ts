/**
 * What the processor asks of its VMX unit, and what it offers to it. The processor's parts know nothing else of VMX; the
 * unit knows the processor only by `ProcessorForVmx`.
 *
 * Protocol of a VM exit: whoever finds that one is due lets the unit record it (`STATE.exit*` and the unit's own
 * fields), then gives up with `EXIT_SIGNAL`, `Outcome.Exit` or the result `exit`. The run loop then calls the unit to
 * carry it out. `ProcessorForVmx.vectoring` is the event whose delivery was under way, for IDT-vectoring information.
 *
 * Source: SDM Vol. 3C 26.1 to 26.3 (what causes exits, changed behaviour), 28.2 (event information).
 */
import type { Decoded } from '../isa/decoded';
import type { ExitCheck } from '../isa/exits';
import type { SlowFunctions } from '../isa/slow';
import type { ProcessorEvent } from './event';
import type { LinearMemory } from './linear-memory';
import type { ProcessorState } from './state';
import type { MsrCell } from './stored-msrs';

/** VMX instructions as the records call them. They may throw `GuestFault` and `EXIT_SIGNAL`. */
export type VmxInstructions = Pick<
  SlowFunctions,
  | 'vmxOperation'
  | 'vmxon'
  | 'vmxoff'
  | 'vmclear'
  | 'vmptrld'
  | 'vmptrst'
  | 'vmread'
  | 'vmwrite'
  | 'vmlaunch'
  | 'vmresume'
  | 'vmcall'
  | 'vmfunc'
  | 'invept'
  | 'invvpid'
>;

/** A task switch about to happen. */
export interface TaskSwitchRequest {
  /** Selector of the new task's TSS. */
  readonly selector: number;
  readonly source: 'CALL' | 'IRET' | 'JMP' | 'task gate';
  /** The event that a task gate in the IDT delivers. */
  readonly event?: ProcessorEvent;
}

/** Guest/host mask and read shadow of CR0 or CR4; 0 and 0 outside VMX non-root operation. */
export interface ControlRegisterView {
  readonly mask: bigint;
  readonly shadow: bigint;
}

/** The VMX unit as the processor uses it. */
export interface VmxUnit {
  /** `MODE.root`, `MODE.nonRoot`, or 0 outside VMX operation. */
  readonly modeBits: number;
  readonly instructions: VmxInstructions;

  /**
   * Asked before `event` is delivered: true when it causes a VM exit instead, which is then recorded. `during` is the
   * event whose delivery caused it (for the IDT-vectoring fields). Only exceptions (by the exception bitmap, software
   * exceptions included) and NMIs may exit here. Injected events and software interrupts are not asked.
   */
  eventExits(event: ProcessorEvent, during: ProcessorEvent | undefined): boolean;
  /** Asked once the task switch's checks have passed: true when it exits (always in non-root operation). */
  taskSwitchExits(request: TaskSwitchRequest): boolean;
  /** Asked for a triple fault: true when it exits (always in non-root operation), false for shutdown. */
  tripleFaultExits(): boolean;
  /**
   * Asked after `Outcome.Intercept`, at the instruction whose `check` bit stands in `STATE.intercepts`: true when the
   * exit is recorded, false when the instruction goes on. May throw `GuestFault` (#UD for RDTSCP and INVPCID that a
   * control switches off).
   */
  intercept(check: ExitCheck, instruction: Decoded): boolean;
  /**
   * Asked at every instruction boundary, in this order of priority (SDM Vol. 3A 6.9, Vol. 3C 26.5): `trap` before debug
   * traps (monitor trap flag), `nmi` before NMIs (VMX-preemption timer, NMI window), `interrupt` before maskable
   * interrupts (interrupt window, TPR threshold). True when an exit is recorded. Asks for attention again by itself.
   */
  boundaryExits(stage: 'trap' | 'nmi' | 'interrupt'): boolean;
  /**
   * Asked when a maskable interrupt waits, whatever RFLAGS.IF is: true when "external-interrupt exiting" makes it exit
   * (blocking by STI and MOV SS holds it back as always). `acknowledge` is called if the exit takes the vector.
   */
  externalInterruptExits(acknowledge: () => number): boolean;
  /** The tick at which the VMX-preemption timer expires; Infinity while it is off. The run loop stops there. */
  readonly deadline: number;
  /**
   * Carries out the exit that was recorded here or by an access (`STATE.exit*`): guest state to the VMCS, host state to
   * the processor. `STATE.rip` is the guest's. The run loop's to call.
   */
  carryOutExit(): void;

  /** Mask and shadow of CR0 or CR4: reads take masked bits from the shadow, writes leave them alone. */
  controlRegister(number: 0 | 4): ControlRegisterView;
  /** False when VMX operation forbids `value` in the register itself (SDM Vol. 3C 24.8): #GP(0). */
  controlRegisterAllowed(number: 0 | 4, value: bigint): boolean;
  /** CR8 from the TPR shadow, 0-15; undefined when the local APIC has it. */
  taskPriority(): number | undefined;
  /** MOV to CR8 with a TPR shadow in use: true when the unit took it. */
  setTaskPriority(value: number): boolean;
  /** Added to what RDTSC, RDTSCP and RDMSR of IA32_TIME_STAMP_COUNTER read. */
  tscOffset(): bigint;
  /** True when IRET ends blocking by NMI (SDM Vol. 3C 26.3). */
  iretUnblocksNmi(): boolean;
  /** Capability MSRs 0x480-0x491; undefined: #GP(0). */
  readCapabilityMsr(index: number): bigint | undefined;
}

/** Events that wait for a later boundary (SDM Vol. 3C table 25-3). */
export interface Interruptibility {
  /** Blocking by STI. */
  sti: boolean;
  /** Blocking by MOV SS or POP SS. */
  movSs: boolean;
  /** Blocking by NMI (virtual-NMI blocking in non-root operation with "virtual NMIs"). */
  nmi: boolean;
}

/** Activity states (SDM Vol. 3C 25.4.2). MWAIT waits like HLT but may wake for anything. */
export type Activity = 'active' | 'hlt' | 'shutdown' | 'mwait';

/** How `deliver` ends: the handler runs next; a VM exit was recorded; the processor shut down; a debugger holds it back. */
export type Delivery = 'delivered' | 'exit' | 'shutdown' | 'held';

/** Why a VM entry was refused. */
export interface EntryRefusal {
  /** Our stable name of the rule. */
  readonly rule: string;
  /** The SDM's paragraph. */
  readonly section: string;
  /** The SDM's name of the VMCS field to blame. */
  readonly field: string;
}

/** The processor as the VMX unit uses it. */
export interface ProcessorForVmx {
  readonly state: ProcessorState;
  readonly memory: LinearMemory;
  readonly interruptibility: Interruptibility;
  activity: Activity;
  /** Pending debug exceptions in the format of the VMCS field (SDM Vol. 3C table 25-4); 0 none. */
  pendingDebug: number;
  /** The event whose delivery was under way when a fault or exit came; cleared by whoever consumes it. */
  vectoring: ProcessorEvent | undefined;
  /** IRET ended blocking by NMI and then faulted or exited (bit 12 of several fields). */
  nmiUnblockedByIret: boolean;

  /** Linear address that MONITOR armed, or undefined; VMX transitions disarm it. */
  monitored: bigint | undefined;
  /** Length in bytes of the instruction at hand. */
  instructionLength(): number;
  /**
   * Linear address of `bytes` bytes at `offset` in segment `segment`, checked as a data read or write: throws
   * `GuestFault` #GP(0) or #SS(0).
   */
  linearAddress(segment: number, offset: bigint, bytes: number, write: boolean): bigint;
  /** RDMSR at CPL 0: throws `GuestFault` #GP(0). */
  readMsr(index: number): bigint;
  /** WRMSR at CPL 0: throws `GuestFault` #GP(0). */
  writeMsr(index: number, value: bigint): void;
  /** A stored MSR's value without checks (IA32_PAT, SYSENTER_*, DEBUGCTL, KERNEL_GS_BASE ...). */
  storedMsr(index: number): bigint;
  setStoredMsr(index: number, value: bigint): void;
  /** Where that value is kept: always the same object for one MSR. */
  msrCell(index: number): MsrCell;
  /** Reads the four PDPTEs at `cr3`; false, and nothing is loaded, when one has a reserved bit set. */
  loadPageDirectoryPointers(cr3: bigint): boolean;
  /**
   * To be called after the unit changed CR0, CR3, CR4, EFER, CS, SS, RFLAGS, `interruptibility`, `pendingDebug` or its
   * `modeBits`: recomputes mode and paging words and the attention for shadows and traps, makes cached fetches stale and
   * forgets translations if `flush`.
   */
  stateReplaced(flush: boolean): void;
  /** Marks a VMX matter for the next instruction boundary (`ATTENTION.vmx`). */
  requestAttention(): void;
  /** Time-stamp counter without the VMX offset. */
  timeStampCounter(): bigint;
  /** Clock in ticks (ns). */
  ticks(): number;
  /** A VM entry was refused: for a debugger that looks on. */
  entryRefused(refusal: EntryRefusal): void;
  /** Delivers an event, asking `eventExits` first unless it is `injected`. */
  deliver(event: ProcessorEvent, injected?: boolean): Delivery;
}
