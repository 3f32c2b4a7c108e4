/**
 * 8254 programmable interval timer: three counters and the control word. Counter 0 drives IRQ 0, counter 2 the speaker
 * and the OUT2 bit of system control port B. Source: Intel 8254 data sheet (231164). CLK is 14.31818 MHz / 12.
 */
import type { BusTarget } from '../memory/bus';
import { BytePorts } from './byte-ports';
import { Deadline } from './deadline';
import { bit, field, register } from './describe';
import type { Clock, Device, DeviceDescription, Line } from './device';
import { pitOscillator } from './oscillator';
import { PitCounter } from './pit-counter';
import type { PitCounterState } from './pit-counter';
import { requireVersion } from './snapshot';

/** Snapshot of the timer. */
export interface PitState {
  readonly version: 1;
  readonly out0: boolean;
  readonly counters: readonly PitCounterState[];
}

const CONTROL = 3;
const READ_BACK = 3;
const FLOATING_BUS = 0xff;
const MODES = [
  'interrupt on terminal count',
  'hardware retriggerable one-shot',
  'rate generator',
  'square wave',
  'software triggered strobe',
  'hardware triggered strobe',
];

/** The timer; `out0` is wired to IRQ 0. */
export class Pit implements Device<PitState> {
  /** Counters 0-2 and the control word (4 bytes). */
  readonly ports: BusTarget;
  private readonly counters = [new PitCounter(true), new PitCounter(true), new PitCounter(false)] as const;
  private readonly deadline: Deadline;
  private level = false;

  constructor(
    private readonly clock: Clock,
    private readonly out0: Line,
  ) {
    this.deadline = new Deadline(clock, () => this.drive());
    this.ports = new BytePorts({
      readByte: (offset) => (offset === CONTROL ? FLOATING_BUS : this.counter(offset).read(this.now())),
      peekByte: (offset) => (offset === CONTROL ? FLOATING_BUS : this.counter(offset).peek(this.now())),
      writeByte: (offset, value) => this.writeByte(offset, value),
    });
  }

  private counter(index: number): PitCounter {
    return this.counters[index]!;
  }

  private now(): number {
    return pitOscillator.cycles(this.clock.ticks);
  }

  reset(): void {
    for (const counter of this.counters) counter.reset();
    this.drive();
  }

  /** GATE 2, driven by system control port B. Gates 0 and 1 are tied high. */
  setGate2(level: boolean): void {
    this.counters[2].setGate(level, this.now());
  }

  /** OUT 2 as system control port B reads it. */
  get out2(): boolean {
    return this.counters[2].output(this.now());
  }

  private writeByte(offset: number, value: number): void {
    if (offset === CONTROL) this.control(value);
    else this.counter(offset).write(value, this.now());
    this.drive();
  }

  private control(word: number): void {
    const now = this.now();
    const select = word >> 6;
    if (select === READ_BACK) {
      for (let i = 0; i < 3; i++) {
        if ((word & (2 << i)) === 0) continue;
        if ((word & 0x20) === 0) this.counter(i).latchCount(now);
        if ((word & 0x10) === 0) this.counter(i).latchStatus(now);
      }
    } else if ((word & 0x30) === 0) this.counter(select).latchCount(now);
    else this.counter(select).control(word & 0x3f, now);
  }

  /** Brings OUT 0 to its line and arms for its next change. */
  private drive(): void {
    const counter = this.counters[0];
    const level = counter.output(this.now());
    if (counter.takeRise() && level === this.level) this.out0(!level);
    this.level = level;
    this.out0(level);
    const next = counter.nextEvent();
    this.deadline.set(next === Infinity ? Infinity : pitOscillator.tickOf(next));
  }

  save(): PitState {
    const now = this.now();
    return { version: 1, out0: this.level, counters: this.counters.map((counter) => counter.save(now)) };
  }

  restore(state: PitState): void {
    requireVersion(state, 1, 'pit');
    this.counters.forEach((counter, i) => counter.restore(state.counters[i]!));
    this.level = state.out0;
    this.out0(this.level);
    // A change that was due at the tick of the snapshot has yet to reach the line.
    this.drive();
  }

  describe(): DeviceDescription {
    const now = this.now();
    return {
      name: 'pit',
      title: '8254 interval timer (Intel 231164)',
      registers: this.counters.flatMap((counter, i) => [
        register(`count ${i}`, 16, `port +${i}`, counter.count(now), undefined, 'the counting element'),
        register(`status ${i}`, 8, 'port +3, read-back', counter.status(now), [
          bit(7, 'OUTPUT', 'OUT pin'),
          bit(6, 'NULL COUNT', 'a count waits to be loaded'),
          field(5, 4, 'RW', 'bytes of the count', ['', 'low', 'high', 'low, then high']),
          field(3, 1, 'M', 'mode', MODES),
          bit(0, 'BCD', 'four decimal digits'),
        ]),
        register(`initial count ${i}`, 16, `port +${i}`, counter.save(now).countRegister),
        register(`latches ${i}`, 26, 'port +3, latch and read-back', latches(counter.save(now)), LATCH_FIELDS),
      ]),
    };
  }
}

const LATCH_FIELDS = [
  field(15, 0, 'count'),
  field(23, 16, 'status'),
  bit(24, 'count latched'),
  bit(25, 'status latched'),
];

/** What the latch commands hold for the next reads. */
function latches({ latchedCount, latchedStatus }: PitCounterState): number {
  const count = latchedCount < 0 ? 0 : latchedCount | (1 << 24);
  return latchedStatus < 0 ? count : count | (latchedStatus << 16) | (1 << 25);
}
