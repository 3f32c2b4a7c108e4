/** A processor for the VMX unit's tests: state and memory are real, what it would do is recorded. */
import type { ProcessorEvent } from '../../../src/cpu/event';
import type { LinearMemory } from '../../../src/cpu/linear-memory';
import { STATE } from '../../../src/cpu/layout';
import { updateMode } from '../../../src/cpu/mode';
import { GuestFault } from '../../../src/cpu/signals';
import { ProcessorState } from '../../../src/cpu/state';
import type { MsrCell } from '../../../src/cpu/stored-msrs';
import type { Activity, Delivery, EntryRefusal, ProcessorForVmx } from '../../../src/cpu/vmx-hooks';
import { MSR } from '../../../src/cpu/msr-numbers';
import { VmxUnit } from '../../../src/cpu/vmx/unit';
import { PhysicalMemory } from '../../../src/memory/physical-memory';
import { planMemory } from '../../../src/memory/plan';
import { capabilities } from './base-vmcs';

export class BenchProcessor implements ProcessorForVmx {
  readonly interruptibility = { sti: false, movSs: false, nmi: false };
  activity: Activity = 'active';
  pendingDebug = 0;
  vectoring: ProcessorEvent | undefined;
  nmiUnblockedByIret = false;
  monitored: bigint | undefined;
  readonly msrs = new Map<number, bigint>([
    [MSR.FEATURE_CONTROL, 5n],
    [MSR.APIC_BASE, 0n],
  ]);
  readonly delivered: ProcessorEvent[] = [];
  readonly refusals: EntryRefusal[] = [];
  /** What the next `deliver` gives. */
  delivery: Delivery = 'delivered';
  flushes = 0;
  attention = 0;
  now = 1000;
  /** What INVEPT and INVVPID read as their descriptor. */
  descriptor = new Uint8Array(16);
  unit!: VmxUnit;

  constructor(readonly state: ProcessorState) {}

  readonly memory = {
    flush: () => this.flushes++,
    readBytes: () => this.descriptor,
    read16: () => 0,
  } as unknown as LinearMemory;

  instructionLength(): number {
    return 3;
  }
  linearAddress(_segment: number, offset: bigint): bigint {
    return offset;
  }
  readMsr(index: number): bigint {
    const value = this.msrs.get(index);
    if (value === undefined) throw new GuestFault(13, 0);
    return value;
  }
  writeMsr(index: number, value: bigint): void {
    this.readMsr(index);
    this.msrs.set(index, value);
  }
  storedMsr(index: number): bigint {
    return this.msrs.get(index) ?? 0n;
  }
  setStoredMsr(index: number, value: bigint): void {
    this.msrs.set(index, value);
  }
  msrCell(index: number): MsrCell {
    const { msrs } = this;
    return {
      get value() {
        return msrs.get(index) ?? 0n;
      },
      set value(value) {
        msrs.set(index, value);
      },
    };
  }
  loadPageDirectoryPointers(): boolean {
    return true;
  }
  stateReplaced(flush: boolean): void {
    if (flush) this.flushes++;
    updateMode(this.state, 0, this.unit.modeBits);
  }
  requestAttention(): void {
    this.attention++;
  }
  timeStampCounter(): bigint {
    return BigInt(this.now);
  }
  ticks(): number {
    return this.now;
  }
  entryRefused(refusal: EntryRefusal): void {
    this.refusals.push(refusal);
  }

  deliver(event: ProcessorEvent): Delivery {
    this.delivered.push(event);
    return this.delivery;
  }
}

/** Physical addresses of the bench's VMX regions. */
export const VMXON_REGION = 0x3000;
export const VMCS_REGION = 0x1000;
export const SECOND_VMCS = 0xc000;

export interface Bench {
  readonly processor: BenchProcessor;
  readonly state: ProcessorState;
  readonly memory: PhysicalMemory;
  readonly unit: VmxUnit;
}

/** A processor in 64-bit mode with legal CR0 and CR4 for VMX and regions with the revision identifier, not in VMX operation. */
export function makeBench(nativeHost = false): Bench {
  const plan = planMemory(2 << 20);
  const buffer = new ArrayBuffer(plan.wasmPages * 65536);
  const memory = new PhysicalMemory(buffer, plan);
  const state = new ProcessorState(buffer);
  const processor = new BenchProcessor(state);
  const unit = new VmxUnit(processor, memory, capabilities, nativeHost);
  processor.unit = unit;
  state.setQuad(STATE.cr0, 0x8005_0033n);
  state.setQuad(STATE.cr3, 0x8000n);
  state.setQuad(STATE.cr4, 0x2020n);
  state.setQuad(STATE.efer, 0xd01n);
  state.setQuad(STATE.dr7, 0x400n);
  state.rflags = 2;
  state.storeSegment(1, { selector: 8, base: 0n, limit: 0xffff_ffff, rights: 0xa09b }, 3);
  state.storeSegment(2, { selector: 16, base: 0n, limit: 0xffff_ffff, rights: 0xc093 }, 3);
  updateMode(state, 0, 0);
  for (const region of [VMXON_REGION, VMCS_REGION, SECOND_VMCS])
    memory.write32(region, capabilities.revisionIdentifier);
  return { processor, state, memory, unit };
}
