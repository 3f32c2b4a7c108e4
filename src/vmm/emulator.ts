/**
 * Runs one instruction of the guest, from its start, with some interception off or some pages routed to the bus: the
 * same instruction record as always, so that an emulated instruction can do nothing that a native one would not. VM entry
 * and the event it may inject are real; what takes an interception away is ours (`VmxUnit.beginEmulation`,
 * `STATE.routedPage`), and only for that instruction.
 */
import { STATE } from '../cpu/layout';
import type { VmxUnit } from '../cpu/vmx/unit';
import type { VcpuStop } from '../engine/vcpu';
import { PAGE } from '../memory/plan';
import type { Ept } from './ept';
import type { Emulation, GuestProcessor } from './guest-processor';
import type { Engine, MachineClock } from './ports';

const NO_PAGE = 0xffff_ffff;
/** An emulation that a stop cut off, as plain data. */
export interface EmulatorState {
  readonly active: Emulation | undefined;
  readonly startedAt: number;
}

/** Where the second page of an access goes if its own address is machine memory: nothing answers there. */
const NOWHERE = 2 ** 37;

export class Emulator {
  private active: Emulation | undefined;
  /** Instructions completed when it began. */
  private startedAt = 0;

  constructor(
    private readonly guest: GuestProcessor,
    private readonly vmx: VmxUnit,
    private readonly engine: Engine,
    private readonly clock: MachineClock,
    private readonly ept: Ept,
    private readonly memorySize: number,
  ) {}

  /** True while an emulation is to run. */
  get isActive(): boolean {
    return this.active !== undefined;
  }

  /** Before VM entry: takes up the emulation that a handler asked for; true if there is one. */
  begin(): boolean {
    const { guest } = this;
    if (!guest.emulation) return false;
    this.active = guest.emulation;
    guest.emulation = undefined;
    this.startedAt = this.clock.instructions;
    this.apply(this.active);
    return true;
  }

  /** After VM entry, whose intercepts are those of the controls: takes the emulation's away. */
  entered(): void {
    const { active } = this;
    if (!active) return;
    if (active.deliveryOnly) this.finish();
    else this.vmx.beginEmulation(active.checks, active.taskSwitch);
  }

  /** Runs the instruction. */
  run(): VcpuStop {
    const { active } = this;
    if (active) this.apply(active);
    const stop = this.engine.run(1, true);
    if (stop === 'stop' && this.clock.instructions === this.startedAt) this.suspend();
    else if (stop !== 'exit') {
      this.finish();
      // The instruction may have changed the board: what that asks for is looked at as before every entry.
      this.vmx.leave();
    }
    return stop;
  }

  /** After a VM exit: the emulation is over; the guest learns which pages did not suffice. */
  ended(): void {
    const { active, guest } = this;
    const isUnfinished = active !== undefined && this.clock.instructions === this.startedAt;
    guest.unfinishedPages = isUnfinished ? active.pages : [];
    if (active) this.finish();
  }

  save(): EmulatorState {
    return { active: this.active, startedAt: this.startedAt };
  }

  restore({ active, startedAt }: EmulatorState): void {
    this.active = active;
    this.startedAt = startedAt;
  }

  private apply({ checks, taskSwitch, pages }: Emulation): void {
    const [first, ...others] = pages;
    this.guest.state.setWord(STATE.routedPage, first ?? NO_PAGE);
    for (const page of others) {
      const address = page * PAGE;
      this.ept.map4k(address, address >= this.memorySize ? address : NOWHERE + address);
    }
    this.vmx.beginEmulation(this.vmx.isNonRoot ? checks : [], taskSwitch);
  }

  private suspend(): void {
    const { active } = this;
    if (!active) return;
    this.guest.state.setWord(STATE.routedPage, NO_PAGE);
    for (const page of active.pages.slice(1)) this.ept.unmap(page * PAGE);
    this.vmx.endEmulation(active.checks);
  }

  private finish(): void {
    const { active, guest } = this;
    if (!active) return;
    this.suspend();
    this.active = undefined;
    if (this.clock.instructions !== this.startedAt) return;
    for (const { encoding, value } of active.undo) guest.vmcs.write(encoding, BigInt(value));
  }
}
