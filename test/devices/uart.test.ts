/** The 16550A against the PC16550D data sheet: FIFO, interrupts, loopback, timeout. */
import assert from 'node:assert/strict';
import { Uart } from '../../src/devices/uart-16550';
import { ManualClock } from './manual-clock';

class Bench {
  readonly clock = new ManualClock();
  irq = false;
  sent = '';
  readonly uart = new Uart(
    { name: 'uart0' },
    this.clock,
    (level) => (this.irq = level),
    (byte) => (this.sent += String.fromCharCode(byte)),
  );

  /** `1=0f` writes register 1, `5?` reads register 5, `<41` receives 0x41, `<break`, `irq`, `wait` lets 4 characters pass. */
  run(script: string): string {
    const results: string[] = [];
    for (const word of script.split(' ')) {
      const access = /^([0-7])(?:=(..)|\?)$/.exec(word);
      if (access?.[2]) this.uart.ports.write(Number(access[1]), 1, parseInt(access[2], 16));
      else if (access) results.push(this.uart.ports.read(Number(access[1]), 1).toString(16));
      else if (word === '<break') this.uart.receiveBreak();
      else if (word.startsWith('<')) results.push(this.uart.receive(parseInt(word.slice(1), 16)) ? 'taken' : 'full');
      else if (word === 'irq') results.push(this.irq ? 'high' : 'low');
      else if (word === 'wait') this.clock.run(4 * 10 * 16 * 543);
      else assert.equal(word, 'reset');
    }
    return results.join(' ');
  }
}

/** What, script, results; the PC16550D data sheet. The timeout at divisor 1 is 4 characters of 10 bits: 347,222 ticks. */
const CASES: readonly (readonly [string, string, string])[] = [
  ['reset values', '1? 2? 3? 4? 5? 6? 7?', '0 1 3 0 60 b0 0'],
  ['the divisor hides behind DLAB', '3=83 0=0c 1=00 0? 1? 3=03 1? 7=a5 7?', 'c 0 0 a5'],
  ['IER and MCR keep their defined bits', '1=ff 1? 4=ff 4?', 'f 1f'],
  ['FIFOs show in IIR', '2=01 2? 2=00 2?', 'c1 1'],
  ['without FIFO enable the other FCR bits do nothing', '2=c6 2?', '1'],
  ['a 16750’s fifth bit is not there', '3=80 2=21 2? 3=00', 'c1'],
  ['data available without FIFO', '1=01 4=08 irq <41 irq 2? 5? 0? irq 5?', 'low taken high 4 61 41 low 60'],
  ['backpressure without FIFO', '<41 <42 0? <43 0?', 'taken full 41 taken 43'],
  ['trigger level 4', '2=41 1=01 4=08 <1 <2 <3 irq <4 irq 2?', 'taken taken taken low taken high c4'],
  [
    'character timeout below the trigger',
    '2=81 1=01 4=08 <41 irq wait irq 2? 0? irq 2?',
    'taken low high cc 41 low c1',
  ],
  ['THR empty when enabled, cleared by IIR', '4=08 1=02 irq 2? irq 2?', 'high 2 low 1'],
  ['THR empty after a write', '4=08 1=02 2? 0=41 irq 2? 2?', '2 high 2 1'],
  ['a write to THR with the interrupt off keeps it quiet', '4=08 0=41 irq 5?', 'low 60'],
  ['priorities: line status, data, THR, modem', '2=01 1=0f 4=08 <break 2? 5? 2? 0? 2? 2?', 'c6 f1 c4 0 c2 c1'],
  ['break marks the FIFO until it is reported', '2=01 <break 5? 5? 0? 5?', 'f1 61 0 60'],
  ['OUT2 gates the line', '1=02 irq 4=08 irq 4=00 irq', 'low high low'],
  ['loopback: modem lines', '4=1a 6? 6? 4=15 6?', '92 90 6b'],
  ['loopback: data, nothing leaves', '4=10 0=41 5? 0?', '61 41'],
  ['loopback: overrun overwrites', '4=10 0=41 0=42 5? 5? 0?', '63 61 42'],
  ['loopback shuts the outside out', '4=10 <41 4=00 <41', 'full taken'],
  ['loopback gates the line', '1=02 4=18 irq 4=08 irq', 'low high'],
  ['FCR clears the receiver', '2=01 <41 <42 2=03 5? 0?', 'taken taken 60 0'],
  ['switching the FIFO clears it', '<41 2=01 5?', 'taken 60'],
  ['word length 7 drops bit 7', '3=02 <c1 0? 0=c2', 'taken 41'],
];

describe('16550A UART', () => {
  for (const [name, script, expected] of CASES) it(name, () => assert.equal(new Bench().run(script), expected));

  it('holds 16 characters in order and sends what is written', () => {
    const bench = new Bench();
    bench.run('2=01 3=03');
    for (let i = 0; i < 16; i++) assert.equal(bench.uart.receive(0x40 + i), true);
    assert.equal(bench.uart.canReceive, false);
    assert.equal(bench.uart.receive(0), false);
    assert.equal(bench.run('0? 0? 5?'), '40 41 61');
    assert.equal(bench.uart.canReceive, true);
    for (const byte of Buffer.from('hello')) bench.uart.ports.write(0, 1, byte);
    assert.equal(bench.sent, 'hello');
  });

  it('passes the checks that tell a 16550A from its relatives', () => {
    const bench = new Bench();
    // IER keeps its low four bits; loopback shows OUT2 and RTS as DCD and CTS; the scratch register holds.
    assert.equal(bench.run('1=00 1? 1=0f 1? 1=00'), '0 f');
    assert.equal(bench.run('4=1a 6? 4=00'), '92');
    // Enhanced registers at +2 with LCR=0xBF: still IIR; no UUE bit in IER.
    assert.equal(bench.run('3=00 2=01 2? 3=80 2? 3=bf 2? 3=00 1=40 1? 2=00'), 'c1 c1 c1 0');
    // Two THR empty interrupts in turn by IER alone.
    assert.equal(bench.run('1=02 2? 1=00 1=02 2?'), '2 2');
  });

  it('reports modem changes once, RI on its trailing edge', () => {
    const bench = new Bench();
    bench.run('1=08 4=08');
    bench.uart.setModemInputs(0x70);
    assert.equal(bench.run('irq 2? 6? irq 6?'), 'high 0 78 low 70');
    bench.uart.setModemInputs(0x30);
    assert.equal(bench.run('6?'), '34');
  });

  it('times out in a restored machine at the same tick', () => {
    const first = new Bench();
    first.run('2=81 3=83 0=0c 1=00 3=03 1=01 4=08 <41');
    first.clock.run(1000);
    const timeout = first.clock.next;
    assert.equal(timeout, Math.floor((4 * 10 * 16 * 12 * 1e9) / 1_843_200));
    const second = new Bench();
    second.clock.runTo(1000);
    second.uart.restore(structuredClone(first.uart.save()));
    second.clock.runTo(timeout - 1);
    assert.equal(second.run('irq'), 'low');
    second.clock.run(1);
    assert.equal(second.run('irq 2? 0?'), 'high cc 41');
  });
});
