/**
 * System control port B ("NMI status and control"): gate and output of timer 2, speaker enable, refresh toggle.
 * Source: Intel 82371SB (PIIX3), 2.5.5.2. Refresh requests come every 18 cycles of the timer clock, as PCs program them.
 *
 * NOT IMPLEMENTED: SERR# and IOCHK# (no part raises them: bits 7 and 6 read 0), the speaker's sound.
 */
import type { BusTarget } from '../memory/bus';
import { BytePorts } from './byte-ports';
import { bit, register } from './describe';
import type { Clock, Device, DeviceDescription } from './device';
import { pitOscillator } from './oscillator';
import type { Pit } from './pit-8254';
import { requireVersion } from './snapshot';

/** Snapshot of the port: the writable bits 3-0. */
export interface PortBState {
  readonly version: 1;
  readonly control: number;
}

const GATE_2 = 0x01;
const WRITABLE = 0x0f;
const REFRESH_TOGGLE = 0x10;
const OUT_2 = 0x20;
const CYCLES_PER_REFRESH = 18;

/** System control port B, wired to counter 2 of `pit`. */
export class PortB implements Device<PortBState> {
  /** The port (1 byte). */
  readonly port: BusTarget;
  private control = 0;

  constructor(
    private readonly clock: Clock,
    private readonly pit: Pit,
  ) {
    this.port = new BytePorts({
      readByte: () => this.value(),
      peekByte: () => this.value(),
      writeByte: (_offset, value) => {
        this.control = value & WRITABLE;
        this.pit.setGate2((value & GATE_2) !== 0);
      },
    });
  }

  reset(): void {
    this.control = 0;
    this.pit.setGate2(false);
  }

  private value(): number {
    const refreshes = Math.floor(pitOscillator.cycles(this.clock.ticks) / CYCLES_PER_REFRESH);
    return this.control | (refreshes % 2 === 1 ? REFRESH_TOGGLE : 0) | (this.pit.out2 ? OUT_2 : 0);
  }

  save(): PortBState {
    return { version: 1, control: this.control };
  }

  restore(state: PortBState): void {
    requireVersion(state, 1, 'port-b');
    this.control = state.control;
  }

  describe(): DeviceDescription {
    return {
      name: 'port-b',
      title: 'System control port B (PIIX3)',
      registers: [
        register('NMISC', 8, 'port +0', this.value(), [
          bit(0, 'T2G', 'gate of timer 2'),
          bit(1, 'SDE', 'speaker data enable'),
          bit(2, 'PCISERRE', 'SERR# disabled'),
          bit(3, 'IOCHKE', 'IOCHK# disabled'),
          bit(4, 'RTS', 'toggles with each refresh'),
          bit(5, 'T2OS', 'OUT of timer 2'),
          bit(6, 'IOCHKS', 'IOCHK# seen'),
          bit(7, 'SERRS', 'SERR# seen'),
        ]),
      ],
    };
  }
}
