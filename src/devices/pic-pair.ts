/**
 * The PC's two cascaded 8259As: IRQ 0-7 on the master, 8-15 on the slave, whose INT is the master's IR2; with the
 * edge/level control registers of the Intel 82371SB (PIIX3). Source: Intel 8259A data sheet 231468; 82371SB, 2.5.3.
 */
import type { BusTarget } from '../memory/bus';
import { BytePorts } from './byte-ports';
import type { Device, DeviceDescription, Line } from './device';
import { Pic8259A } from './pic-8259a';
import type { Pic8259AState } from './pic-8259a';
import { describePic } from './pic-registers';
import { requireVersion } from './snapshot';

/** Snapshot of both chips. */
export interface PicPairState {
  readonly version: 1;
  readonly master: Pic8259AState;
  readonly slave: Pic8259AState;
}

const CASCADE = 2;
const FLOATING_BUS = 0xff;
/** IRQ 0, 1, 2 and 8, 13 are edge-triggered for good. */
const ELCR_WRITABLE = [0xf8, 0xde] as const;

/** Both chips. `intr` is the master's INT, wired to the processor's INTR (or LINT0). */
export class PicPair implements Device<PicPairState> {
  private readonly chips: readonly [Pic8259A, Pic8259A];
  /** Command and data port of the master (2 bytes). */
  readonly masterPorts: BusTarget;
  /** Command and data port of the slave (2 bytes). */
  readonly slavePorts: BusTarget;
  /** Edge/level control registers: IRQ 0-7, then 8-15 (2 bytes). */
  readonly elcrPorts: BusTarget;

  constructor(intr: Line) {
    const master = new Pic8259A(intr);
    const slave = new Pic8259A((level) => master.setLine(CASCADE, level));
    this.chips = [master, slave];
    this.masterPorts = new BytePorts(master);
    this.slavePorts = new BytePorts(slave);
    this.elcrPorts = new BytePorts({
      readByte: (offset) => this.chip(offset).edgeLevel,
      peekByte: (offset) => this.chip(offset).edgeLevel,
      writeByte: (offset, value) => (this.chip(offset).edgeLevel = value & ELCR_WRITABLE[offset & 1]!),
    });
  }

  private chip(index: number): Pic8259A {
    return this.chips[index & 1]!;
  }

  reset(): void {
    this.chips[1].reset();
    this.chips[0].reset();
  }

  /** The chips by the data sheet's names, to look at. */
  get chipsByRole(): { readonly master: Pic8259A; readonly slave: Pic8259A } {
    return { master: this.chips[0], slave: this.chips[1] };
  }

  /** Drives the interrupt request `irq` (0..15; IRQ 2 is the cascade and not connected). */
  setLine(irq: number, level: boolean): void {
    if (irq !== CASCADE) this.chip(irq >> 3).setLine(irq & 7, level);
  }

  /**
   * The processor's interrupt acknowledge: takes the highest request into service and gives its vector (0..255). A
   * request that has gone away gives IR7's vector and sets no in-service bit (spurious IRQ 7 or 15).
   */
  acknowledge(): number {
    const [master, slave] = this.chips;
    const ir = master.acknowledge();
    if (ir < 0) return master.vectorOf(7);
    if (!master.drivesCascade(ir)) return master.vectorOf(ir);
    if (ir !== CASCADE || slave.slaveId !== CASCADE) return FLOATING_BUS;
    const slaveIr = slave.acknowledge();
    return slave.vectorOf(slaveIr < 0 ? 7 : slaveIr);
  }

  save(): PicPairState {
    return { version: 1, master: this.chips[0].save(), slave: this.chips[1].save() };
  }

  restore(state: PicPairState): void {
    requireVersion(state, 1, 'pic');
    // The slave first: its INT reaches the master, whose own state then has the last word.
    this.chips[1].restore(state.slave);
    this.chips[0].restore(state.master);
  }

  describe(): DeviceDescription {
    const [master, slave] = this.chips;
    return {
      name: 'pic',
      title: '8259A interrupt controllers (Intel 231468)',
      registers: [
        ...describePic('master', master.save(), master.irr),
        ...describePic('slave', slave.save(), slave.irr),
      ],
    };
  }
}
