/** The 8042 with keyboard and mouse against the IBM PS/2 Technical Reference: commands, scan codes, interrupts. */
import assert from 'node:assert/strict';
import { I8042 } from '../../src/devices/i8042';
import { translate } from '../../src/devices/ps2-keys';
import { Ps2Keyboard } from '../../src/devices/ps2-keyboard';
import { Ps2Mouse } from '../../src/devices/ps2-mouse';

class Bench {
  readonly keyboard = new Ps2Keyboard();
  readonly mouse = new Ps2Mouse();
  readonly pins: string[] = [];
  private readonly levels: Record<string, boolean> = {};
  readonly i8042 = new I8042(this.keyboard, this.mouse, {
    keyboard: (level) => this.pin('irq1', level),
    auxiliary: (level) => this.pin('irq12', level),
    a20: (level) => this.pin('a20', level),
    reset: () => this.pins.push('reset'),
  });

  private pin(name: string, level: boolean): void {
    if (level !== (this.levels[name] ?? false)) this.pins.push(`${name}${level ? '+' : '-'}`);
    this.levels[name] = level;
  }

  /**
   * `c=aa` writes a command, `d=ff` data; `s` reads the status, `d` a byte, `d*` all bytes that wait; `+KeyA`, `-KeyA`
   * press and release, `mouse` moves 5 right, 3 down with the left button, `pins` tells what the pins did.
   */
  run(script: string): string {
    const results: string[] = [];
    for (const word of script.split(' ')) {
      const write = /^([cd])=(..)$/.exec(word);
      if (write) (write[1] === 'c' ? this.i8042.commandPort : this.i8042.dataPort).write(0, 1, parseInt(write[2]!, 16));
      else if (word === 's') results.push(this.i8042.commandPort.read(0, 1).toString(16));
      else if (word === 'd') results.push(this.i8042.dataPort.read(0, 1).toString(16));
      else if (word === 'd*')
        while (this.i8042.commandPort.read(0, 1) & 1) results.push(this.i8042.dataPort.read(0, 1).toString(16));
      else if (word === 'mouse') this.mouse.move(5, -3, 1, 1);
      else if (word === 'pins') results.push(this.pins.splice(0).join(','));
      else this.keyboard.key(word.slice(1), word.startsWith('+'));
    }
    return results.join(' ');
  }
}

const CASES: readonly (readonly [string, string, string])[] = [
  ['self test and interface tests', 'c=aa s d c=ab d c=a9 d s', '1d 55 0 0 1c'],
  ['command byte', 'c=20 d c=60 d=47 c=20 d', '44 47'],
  ['controller memory', 'c=65 d=a7 c=25 d', 'a7'],
  ['status tells command from data', 'd=f4 s d c=20 s', '15 fa 1d'],
  ['a key, translated', '+KeyA -KeyA +ArrowUp -ArrowUp d*', '1e 9e e0 48 e0 c8'],
  ['a key, raw set 2', 'c=60 d=04 +KeyA -KeyA +ArrowUp -ArrowUp d*', '1c f0 1c e0 75 e0 f0 75'],
  [
    'Pause and PrintScreen',
    '+Pause -Pause d* +PrintScreen -PrintScreen d*',
    'e1 1d 45 e1 9d c5 e0 2a e0 37 e0 b7 e0 aa',
  ],
  ['set 1 of the keyboard’s own', 'c=60 d=04 d=f0 d=01 d* +ArrowUp -ArrowUp d*', 'fa fa e0 48 e0 c8'],
  ['IRQ 1 has an edge for each byte', 'c=60 d=45 pins +ArrowUp pins d pins d pins', ' irq1+ e0 irq1-,irq1+ 48 irq1-'],
  ['keyboard identification', 'd=f2 d*', 'fa ab 41'],
  ['keyboard reset', 'd=ff d*', 'fa aa'],
  ['LEDs, typematic, echo, unknown', 'd=ed d d=07 d d=f3 d d=20 d d=ee d d=01 d', 'fa fa fa fa ee fe'],
  ['scan code sets', 'd=f0 d d=00 d* d=f0 d d=03 d', 'fa fa 41 fa fe'],
  ['a disabled keyboard waits', 'c=ad +KeyA s c=ae s d', '1c 1d 1e'],
  ['no scan codes after F5, again after F4', 'd=f5 d +KeyA s d=f4 d +KeyA d', 'fa 14 fa 1e'],
  ['talking to the keyboard enables it', 'c=ad d=ee d', 'ee'],
  [
    'loops: D2 as keyboard, D3 as auxiliary',
    'c=60 d=47 pins c=d2 d=5a s d pins c=d3 d=a5 s d pins',
    ' 15 5a irq1+,irq1- 35 a5 irq12+,irq12-',
  ],
  ['mouse reset and identification', 'c=d4 d=ff s d* c=d4 d=f2 d*', '35 fa aa 0 fa 0'],
  ['mouse packet', 'c=d4 d=f4 d* mouse d*', 'fa 29 5 fd'],
  ['mouse is silent before F4', 'mouse s', '14'],
  [
    'wheel',
    'c=d4 d=f3 c=d4 d=c8 c=d4 d=f3 c=d4 d=64 c=d4 d=f3 c=d4 d=50 d* c=d4 d=f2 d* c=d4 d=f4 d* mouse d*',
    'fa fa fa 3 fa 29 5 fd 1',
  ],
  ['mouse status', 'c=d4 d=e8 d c=d4 d=03 d c=d4 d=e9 d*', 'fa fa fa 0 3 64'],
  ['remote mode', 'c=d4 d=f0 d mouse s c=d4 d=eb d*', 'fa 14 fa 29 5 fd'],
  ['wrap mode', 'c=d4 d=ee d c=d4 d=f4 d c=d4 d=ec d', 'fa f4 fa'],
  ['mouse interrupt', 'c=60 d=47 c=d4 d=f4 pins d pins', 'irq12+ fa irq12-'],
  ['disabled auxiliary port waits', 'c=d4 d=f4 d c=a7 mouse s c=a8 s', 'fa 1c 3d'],
  ['A20', 'c=d1 d=dd pins c=dd pins c=df pins c=d0 d', '  a20+ cf'],
  ['reset pulses', 'c=fe pins c=ff pins c=d1 d=fe pins', 'reset  a20+,reset'],
];

describe('8042, keyboard and mouse', () => {
  for (const [name, script, expected] of CASES) it(name, () => assert.equal(new Bench().run(script), expected));

  it('tells an overrun once and keeps what came before', () => {
    const bench = new Bench();
    bench.run('c=60 d=04 c=ad');
    const taken = Array.from({ length: 20 }, () => bench.keyboard.key('KeyA', true)).filter(Boolean).length;
    assert.equal(taken, 15);
    assert.equal(bench.run('c=ae d*'), [...Array<string>(15).fill('1c'), '0'].join(' '));
  });

  it('translates set 2 to set 1 as the controller does', () => {
    const pairs = [
      [0x76, 0x01],
      [0x16, 0x02],
      [0x5a, 0x1c],
      [0x12, 0x2a],
      [0x07, 0x58],
      [0x83, 0x41],
      [0x84, 0x54],
    ];
    for (const [set2, set1] of [...pairs, [0x29, 0x39], [0x7e, 0x46], [0x77, 0x45], [0xfa, 0xfa], [0xe0, 0xe0]])
      assert.equal(translate(set2!), set1);
    const makes = Array.from({ length: 0x80 }, (_, code) => translate(code));
    assert.equal(new Set(makes).size, 0x80, 'no two codes below 0x80 share a translation');
  });

  it('goes on in the middle of a key after a restore', () => {
    const first = new Bench();
    first.run('c=60 d=45 +ArrowUp -ArrowUp d d d');
    const second = new Bench();
    second.keyboard.restore(structuredClone(first.keyboard.save()));
    second.mouse.restore(structuredClone(first.mouse.save()));
    second.i8042.restore(structuredClone(first.i8042.save()));
    assert.equal(second.run('pins d*'), 'a20+,irq1+ c8');
  });
});
