/**
 * What all parts of the VMX unit share: the operation at hand, the current VMCS, the exit that is due, and the machine
 * memory that holds bitmaps and MSR areas. Source: SDM Vol. 3C 24, 25.1.
 */
import type { PhysicalMemory } from '../../memory/physical-memory';
import { PAGE } from '../../memory/plan';
import { MODE, STATE } from '../layout';
import { CR0, EFER } from '../mode';
import type { ProcessorForVmx } from '../vmx-hooks';
import { supportsField } from './capabilities';
import type { Capabilities } from './capabilities';
import { PRIMARY } from './controls';
import type { EntryFailure } from './entry-checks/entry-checks';
import type { EntryContext } from './entry-checks/rule';
import { ExitRecord } from './exit-record';
import { FieldDirectory, Vmcs } from './vmcs';
import { F, SEGMENT_BLOCK_SIZE, SEGMENTS_OFFSET, VMCS_REGION_SIZE } from './vmcs-layout';
import type { VmcsField } from './vmcs-layout';

/** A VMCS pointer that points nowhere (all ones in the SDM). */
export const NO_POINTER = -1;

/** The unit's state, shared by its parts. */
export class VmxCore implements EntryContext {
  readonly directory: FieldDirectory;
  readonly exit = new ExitRecord();
  /** Physical address of the VMXON region, `NO_POINTER` outside VMX operation. */
  vmxonPointer = NO_POINTER;
  /** Physical address of the current VMCS, or `NO_POINTER`. */
  currentVmcs = NO_POINTER;
  current: Vmcs | undefined;
  /** The block of guest segment records in the current VMCS. */
  currentSegments: Int32Array | undefined;
  /** `MODE.root`, `MODE.nonRoot` or 0. */
  modeBits = 0;
  /** Tick at which the VMX-preemption timer expires; Infinity while it does not run. */
  deadline = Infinity;
  /** Ticks at the boundary that armed the monitor trap flag, -1 not armed, -2 due at the next boundary. */
  monitorTrap = -1;
  /** The TPR shadow fell below its threshold: an exit is due at the next boundary. */
  tprBelowThreshold = false;
  /** Task switches that would exit are let through: set while an emulator runs an instruction. */
  allowTaskSwitch = false;
  /** RFLAGS.RF before the last exit that an access caused, which saves it as 1 (SDM 28.3.3). */
  resumeFlagBefore = false;
  /** The event that the last VM entry injected reached its handler: no exception came up on the way. */
  injectionDelivered = false;
  /** The last VM entry that failed a check, for the views. */
  lastFailure: EntryFailure | undefined;
  /** IA32_EFER.LMA when the entry checks run. */
  longMode = false;
  private readonly pages = new Map<number, Uint8Array>();

  constructor(
    readonly processor: ProcessorForVmx,
    readonly memory: PhysicalMemory,
    readonly capabilities: Capabilities,
    /**
     * True if the code of VMX root operation is not x86 code: nothing is fetched or read through the host's paging, so
     * that the guest's translations stay valid from one VM exit to the next entry.
     */
    readonly nativeHost: boolean,
  ) {
    this.directory = new FieldDirectory((field) => supportsField(capabilities, field));
  }

  get isNonRoot(): boolean {
    return this.modeBits === MODE.nonRoot;
  }

  /** CR0.PE of the processor. */
  get isProtected(): boolean {
    return (this.processor.state.word(STATE.cr0) & CR0.PE) !== 0;
  }

  /** The current VMCS, which VMX non-root operation always has. */
  get vmcs(): Vmcs {
    return this.current!;
  }

  /** Bits of the primary processor-based controls. */
  primary(mask: number): boolean {
    return (this.vmcs.low(F.PRIMARY_CONTROLS) & mask) !== 0;
  }

  /** Bits of the secondary processor-based controls, which count as 0 while they are not activated. */
  secondary(mask: number): boolean {
    return this.primary(PRIMARY.ACTIVATE_SECONDARY_CONTROLS) && (this.vmcs.low(F.SECONDARY_CONTROLS) & mask) !== 0;
  }

  /** Bits of the pin-based controls. */
  pin(mask: number): boolean {
    return (this.vmcs.low(F.PIN_BASED_CONTROLS) & mask) !== 0;
  }

  /** True if `physical` is a legal pointer to a VMX region: page-aligned, within the physical-address width. */
  isRegionPointer(physical: bigint): boolean {
    return (physical & 0xfffn) === 0n && physical < 1n << BigInt(this.capabilities.physicalAddressWidth);
  }

  /** The VMCS at a page-aligned address, or undefined where no memory is. */
  vmcsAt(physical: number): Vmcs | undefined {
    if (!this.memory.contains(physical, VMCS_REGION_SIZE)) return undefined;
    const { buffer, plan } = this.memory;
    return new Vmcs({ buffer, byteOffset: plan.physical + physical }, this.directory);
  }

  /** Makes the VMCS at `physical` current, or none. */
  setCurrent(physical: number): void {
    this.currentVmcs = physical;
    this.current = physical === NO_POINTER ? undefined : this.vmcsAt(physical);
    this.currentSegments = this.current?.words.subarray(
      SEGMENTS_OFFSET >> 2,
      (SEGMENTS_OFFSET + SEGMENT_BLOCK_SIZE) >> 2,
    );
  }

  /** The 4096 bytes at the physical address in `field`; a page of ones where no memory is. */
  page(field: VmcsField): Uint8Array {
    const physical = this.vmcs.number(field);
    let page = this.pages.get(physical);
    if (!page) {
      page = this.memory.contains(physical, PAGE)
        ? this.memory.window(physical, PAGE)
        : new Uint8Array(PAGE).fill(0xff);
      if (this.pages.size > 64) this.pages.clear();
      this.pages.set(physical, page);
    }
    return page;
  }

  readonly readPhysical32 = (physical: number): number =>
    this.memory.contains(physical, 4) ? this.memory.read32(physical) : 0xffff_ffff;

  /** Notes the processor's IA32_EFER.LMA for the entry checks. */
  noteLongMode(): void {
    this.longMode = (this.processor.state.word(STATE.efer) & EFER.LMA) !== 0;
  }
}
