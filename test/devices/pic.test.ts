/** The 8259A pair against its data sheet: initialization, priorities, EOI, masks, spurious interrupts. */
import assert from 'node:assert/strict';
import { PicPair } from '../../src/devices/pic-pair';

/** A pair, programmed by a script: `m0=11` writes 0x11 to the master's port +0, `s1?` reads the slave's port +1, */
/** `+4` raises IRQ 4, `-4` lowers it, `ack` acknowledges, `intr` samples INTR. Reads give hexadecimal. */
function check(script: string, expected: string): void {
  let intr = false;
  const pic = new PicPair((level) => (intr = level));
  const ports = { m: pic.masterPorts, s: pic.slavePorts, e: pic.elcrPorts };
  const results: string[] = [];
  for (const word of script.split(' ')) {
    const access = /^([mse])([01])(?:=(..)|\?)$/.exec(word);
    if (access) {
      const port = ports[access[1] as 'm' | 's' | 'e'];
      if (access[3]) port.write(Number(access[2]), 1, parseInt(access[3], 16));
      else results.push(port.read(Number(access[2]), 1).toString(16));
    } else if (word === 'ack') results.push(pic.acknowledge().toString(16));
    else if (word === 'intr') results.push(intr ? 'high' : 'low');
    else pic.setLine(Number(word.slice(1)), word.startsWith('+'));
  }
  assert.equal(results.join(' '), expected, script);
}

const INIT = 'm0=11 m1=20 m1=04 m1=01 s0=11 s1=28 s1=02 s1=01';
const AEOI = 'm0=11 m1=20 m1=04 m1=03 s0=11 s1=28 s1=02 s1=03';
const SFNM = 'm0=11 m1=20 m1=04 m1=11 s0=11 s1=28 s1=02 s1=01';

/** What, script after initialization, results; from the 8259A data sheet. */
const CASES: readonly (readonly [string, string, string, string])[] = [
  ['vectors of master and slave', INIT, '+4 ack m0=20 +9 ack', '24 29'],
  ['no INTR before initialization ends', 'm0=11 m1=20 m1=04', '+1 intr m1=01 intr', 'low high'],
  ['IRQ 2 is not connected', INIT, '+2 intr', 'low'],
  ['priority: IR0 highest', INIT, '+7 +1 +3 ack m0=20 ack m0=20 ack', '21 23 27'],
  ['slave inputs come between IR1 and IR3', INIT, '+3 +15 ack', '2f'],
  ['a higher request interrupts, a lower one waits', INIT, '+4 ack +5 intr +3 intr ack', '24 low high 23'],
  ['IRR and ISR reads', INIT, '+4 m0? ack m0? m0=0b m0? m0=0a m0?', '10 24 0 10 0'],
  ['mask', INIT, 'm1=10 +4 intr m0? m1=00 intr', 'low 10 high'],
  ['specific EOI', INIT, '+4 ack m0=64 m0=0b m0?', '24 0'],
  ['an edge input must fall before it requests again', INIT, '+4 ack m0=20 intr -4 +4 intr', '24 low high'],
  ['a pulse too short gives spurious IRQ 7, not in service', INIT, '+4 -4 ack m0=0b m0?', '27 0'],
  ['a masked slave request gives spurious IRQ 15', INIT, '+9 s1=02 ack m0=0b m0? s0=0b s0?', '27 0 0'],
  ['level input requests until it falls', INIT, 'e0=10 +4 ack m0=20 ack m0=20 -4 intr', '24 24 low'],
  ['ELCR bits of IRQ 0-2, 8, 13 are fixed', INIT, 'e0=ff e0? e1=ff e1?', 'f8 de'],
  ['automatic EOI', AEOI, '+4 ack m0=0b m0? +6 ack', '24 0 26'],
  ['slave requests one after the other with AEOI', AEOI, '+9 +10 ack ack intr', '29 2a low'],
  ['rotate on non-specific EOI', INIT, '+4 ack m0=a0 -4 +4 +5 ack', '24 25'],
  ['rotate in AEOI', AEOI, 'm0=80 +4 ack -4 +4 +5 ack', '24 25'],
  ['set priority: IR3 lowest', INIT, 'm0=c3 +3 +4 ack', '24'],
  ['rotate on specific EOI', INIT, '+4 ack m0=e4 m0=0b m0? -4 +4 +5 ack', '24 0 25'],
  [
    'special mask: a masked level in service lets lower ones in',
    INIT,
    '+3 ack m1=08 +5 intr m0=68 intr ack',
    '23 low high 25',
  ],
  ['special mask: non-specific EOI skips masked levels', INIT, '+3 ack m1=08 m0=68 m0=20 m0=0b m0?', '23 8'],
  ['poll acknowledges', INIT, 'm0=0c m0? +4 m0=0c m0? m0=0b m0?', '0 84 10'],
  ['fully nested: the slave waits for the master’s EOI', INIT, '+10 ack +9 intr m0=20 intr ack', '2a low high 29'],
  ['special fully nested: it does not', SFNM, '+10 ack +9 intr ack', '2a high 29'],
  ['a slave that does not answer leaves the bus floating', 'm0=11 m1=20 m1=02 m1=01', '+1 ack', 'ff'],
  ['single mode has no cascade', 'm0=13 m1=20 m1=01', '+1 ack', '21'],
  ['LTIM makes all inputs level-triggered', 'm0=19 m1=20 m1=04 m1=01', '+1 ack m0=20 ack', '21 21'],
  ['ICW1 drops latched edges and the mask', INIT, '+4 m1=ff m0=11 m1=20 m1=04 m1=01 m1? intr', '0 low'],
];

describe('8259A pair', () => {
  for (const [name, init, script, expected] of CASES) it(name, () => check(`${init} ${script}`, expected));

  it('restores lines, service and masks in the middle of a nested interrupt', () => {
    const first = new PicPair(() => undefined);
    for (const value of [0x11]) first.masterPorts.write(0, 1, value);
    for (const value of [0x20, 4, 1]) first.masterPorts.write(1, 1, value);
    first.setLine(5, true);
    assert.equal(first.acknowledge(), 0x25);
    first.setLine(6, true);
    let intr = false;
    const second = new PicPair((level) => (intr = level));
    second.restore(structuredClone(first.save()));
    assert.equal(intr, false);
    second.masterPorts.write(0, 1, 0x20);
    assert.equal(intr, true);
    assert.equal(second.acknowledge(), 0x26);
  });
});
