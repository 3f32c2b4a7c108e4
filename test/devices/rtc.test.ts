/** The MC146818 against its data sheet: formats, updates, alarm, periodic interrupt; the calendar against the host's. */
import assert from 'node:assert/strict';
import { calendarOf, secondsOf } from '../../src/devices/calendar';
import { Rtc } from '../../src/devices/rtc-mc146818';
import { ManualClock } from './manual-clock';

const SECOND = 1_000_000_000;

class Bench {
  readonly clock = new ManualClock();
  irq = false;
  readonly rtc: Rtc;

  constructor(start: string) {
    this.rtc = new Rtc({ startTime: Date.parse(start) / 1000 }, this.clock, (level) => (this.irq = level));
  }

  read(index: number): number {
    this.rtc.ports.write(0, 1, index);
    return this.rtc.ports.read(1, 1);
  }

  write(index: number, value: number): void {
    this.rtc.ports.write(0, 1, index);
    this.rtc.ports.write(1, 1, value);
  }

  /** Century, year, month, date, weekday, hours, minutes, seconds in hexadecimal. */
  time(): string {
    return [0x32, 9, 8, 7, 6, 4, 2, 0].map((index) => this.read(index).toString(16).padStart(2, '0')).join(' ');
  }
}

/** Start, register B, seconds to run, the clock's bytes. */
const TIMES: readonly (readonly [string, number, number, string])[] = [
  ['2024-02-28T23:59:58Z', 0x02, 0, '20 24 02 28 04 23 59 58'],
  ['2024-02-28T23:59:58Z', 0x02, 2, '20 24 02 29 05 00 00 00'],
  ['2100-02-28T23:59:59Z', 0x02, 1, '21 00 03 01 02 00 00 00'],
  ['1999-12-31T23:59:59Z', 0x02, 1, '20 00 01 01 07 00 00 00'],
  ['2024-02-28T23:59:58Z', 0x06, 0, '14 18 02 1c 04 17 3b 3a'],
  ['2024-07-01T00:30:00Z', 0x00, 0, '20 24 07 01 02 12 30 00'],
  ['2024-07-01T12:30:00Z', 0x00, 0, '20 24 07 01 02 92 30 00'],
  ['2024-07-01T13:30:00Z', 0x04, 0, '14 18 07 01 02 81 1e 00'],
];

describe('MC146818', () => {
  for (const [start, b, seconds, expected] of TIMES)
    it(`shows ${start} + ${seconds} s with B=${b}`, () => {
      // Writing B while updates run re-reads the bytes in the new format, so the format goes in while SET is on.
      const bench = new Bench('2000-01-01T00:00:00Z');
      bench.write(0x0b, 0x80 | b);
      const time = new Date(start);
      const bcd = (value: number): number => (b & 4 ? value : Math.floor(value / 10) * 16 + (value % 10));
      const hour = time.getUTCHours();
      bench.write(0x32, bcd(Math.floor(time.getUTCFullYear() / 100)));
      bench.write(9, bcd(time.getUTCFullYear() % 100));
      bench.write(8, bcd(time.getUTCMonth() + 1));
      bench.write(7, bcd(time.getUTCDate()));
      bench.write(6, bcd(time.getUTCDay() + 1));
      bench.write(4, b & 2 ? bcd(hour) : bcd(((hour + 11) % 12) + 1) | (hour >= 12 ? 0x80 : 0));
      bench.write(2, bcd(time.getUTCMinutes()));
      bench.write(0, bcd(time.getUTCSeconds()));
      bench.clock.run(5 * SECOND);
      bench.write(0x0b, b);
      bench.clock.run(seconds * SECOND);
      assert.equal(bench.time(), expected);
    });

  it('starts at the injected time, 24 hours, BCD, valid', () => {
    const bench = new Bench('2024-02-29T12:34:56Z');
    assert.equal(bench.time(), '20 24 02 29 05 12 34 56');
    assert.deepEqual(
      [0x0a, 0x0b, 0x0c, 0x0d].map((index) => bench.read(index)),
      [0x26, 0x02, 0, 0x80],
    );
  });

  it('sets UIP for 2,228 us before each second, and UF at it', () => {
    const bench = new Bench('2024-01-01T00:00:00Z');
    const at = (tick: number): number[] => {
      bench.clock.runTo(tick);
      return [bench.read(0x0a) >> 7, bench.read(0x0c), bench.read(0)];
    };
    assert.deepEqual(at(SECOND - 2_228_001), [0, 0x40, 0]);
    assert.deepEqual(at(SECOND - 2_228_000), [1, 0, 0]);
    assert.deepEqual(at(SECOND - 1), [1, 0x40, 0]);
    assert.deepEqual(at(SECOND), [0, 0x50, 1]);
  });

  it('interrupts periodically at the exact ticks of the 32,768 Hz chain until C is read', () => {
    const bench = new Bench('2024-01-01T00:00:00Z');
    bench.write(0x0b, 0x42);
    for (let i = 1; i <= 5; i++) {
      bench.clock.runTo(Math.ceil((i * SECOND) / 1024) - 1);
      assert.equal(bench.irq, false);
      bench.clock.run(1);
      assert.equal(bench.irq, true);
      assert.equal(bench.read(0x0c), 0xc0);
      assert.equal(bench.irq, false);
    }
    bench.write(0x0a, 0x20);
    assert.equal(bench.clock.next, Infinity);
  });

  it('raises the alarm at the time its bytes name', () => {
    /** Alarm bytes h, m, s; seconds until the alarm after 10:20:30. */
    const alarms: readonly (readonly [number, number, number, number])[] = [
      [0x10, 0x20, 0x31, 1],
      [0x10, 0x20, 0x30, 86_400],
      [0xff, 0x20, 0x30, 3600],
      [0xff, 0xc0, 0x05, 35],
      [0xc0, 0xc0, 0xc0, 1],
      [0x09, 0xff, 0xff, 81_570],
      [0x25, 0xff, 0xff, Infinity],
      [0xff, 0xff, 0x6a, Infinity],
    ];
    for (const [hours, minutes, seconds, delay] of alarms) {
      const bench = new Bench('2024-01-01T10:20:30Z');
      bench.write(5, hours);
      bench.write(3, minutes);
      bench.write(1, seconds);
      bench.write(0x0b, 0x22);
      assert.equal(bench.clock.next, delay * SECOND, `${hours} ${minutes} ${seconds}`);
      if (delay === Infinity) continue;
      bench.clock.runTo(delay * SECOND);
      assert.equal(bench.irq, true);
      assert.equal(bench.read(0x0c) & 0xb0, 0xb0);
    }
  });

  it('restarts half a second before an update when the divider leaves reset', () => {
    const bench = new Bench('2024-01-01T00:00:00Z');
    bench.write(0x0a, 0x66);
    bench.clock.run(10 * SECOND + 123);
    assert.equal(bench.read(0), 0);
    bench.write(0x0a, 0x26);
    bench.clock.run(SECOND / 2 - 1);
    assert.equal(bench.read(0), 0);
    bench.clock.run(1);
    assert.equal(bench.read(0), 1);
  });

  it('keeps memory, its own weekday, and clears UIE with SET', () => {
    const bench = new Bench('2024-01-01T00:00:00Z');
    bench.rtc.setCmos(0x15, 0x80);
    bench.write(0x40, 0x5a);
    bench.write(6, 7);
    bench.write(0x0b, 0x92);
    assert.deepEqual(
      [0x15, 0x40, 6, 0x0b].map((index) => bench.read(index)),
      [0x80, 0x5a, 7, 0x82],
    );
    bench.write(0x0b, 0x72);
    bench.rtc.reset();
    assert.deepEqual(
      [0x40, 0x0b, 0x0c].map((index) => bench.read(index)),
      [0x5a, 0x02, 0],
    );
  });

  it('agrees with the calendar of the host over 800 years', () => {
    for (let seconds = -2_000_000_000; seconds < 24_000_000_000; seconds += 9_999_991) {
      const date = new Date(seconds * 1000);
      const time = calendarOf(seconds);
      assert.deepEqual(
        [time.year, time.month, time.day, time.weekday, time.hour, time.minute, time.second],
        [
          ...[date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCDay()],
          ...[date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()],
        ],
      );
      assert.equal(secondsOf(time), seconds);
    }
  });
});
