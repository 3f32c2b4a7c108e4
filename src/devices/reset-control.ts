/** Reset control register (port 0xCF9 of Intel chipsets), also the FADT's reset register. Source: Intel 82371SB, 2.5.5.4. */
import type { BusTarget } from '../memory/bus';
import { BytePorts } from './byte-ports';
import { bit, register } from './describe';
import type { Device, DeviceDescription } from './device';
import { requireVersion } from './snapshot';

/** Snapshot of the register. */
export interface ResetControlState {
  readonly version: 1;
  readonly value: number;
}

const SYSTEM_RESET = 0x02;
const RESET_CPU = 0x04;
const FULL_RESET = 0x08;

/** The register; `resetMachine` is called when RCPU rises, `hard` when the whole system and not the processor alone. */
export class ResetControl implements Device<ResetControlState> {
  /** The register (1 byte). */
  readonly port: BusTarget;
  private value = 0;

  constructor(private readonly resetMachine: (hard: boolean) => void) {
    this.port = new BytePorts({
      readByte: () => this.value,
      peekByte: () => this.value,
      writeByte: (_offset, value) => this.write(value),
    });
  }

  reset(): void {
    this.value = 0;
  }

  private write(value: number): void {
    const rises = (value & ~this.value & RESET_CPU) !== 0;
    this.value = value & (SYSTEM_RESET | RESET_CPU | FULL_RESET);
    if (rises) this.resetMachine((value & SYSTEM_RESET) !== 0);
  }

  save(): ResetControlState {
    return { version: 1, value: this.value };
  }

  restore(state: ResetControlState): void {
    requireVersion(state, 1, 'reset-control');
    this.value = state.value;
  }

  describe(): DeviceDescription {
    const fields = [bit(1, 'SRST', 'hard reset'), bit(2, 'RCPU', 'a rising bit resets'), bit(3, 'FRST', 'full reset')];
    const registers = [register('RST_CNT', 8, 'port +0', this.value, fields)];
    return { name: 'reset-control', title: 'Reset control register (PIIX3)', registers };
  }
}
