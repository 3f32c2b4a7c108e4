/**
 * 8042 keyboard controller of the PS/2: two device ports, translation to scan code set 1, output port with A20 and the
 * system reset. Source: IBM PS/2 Technical Reference, "Keyboard and Auxiliary Device Controller".
 *
 * Bytes pass without delay, so the input buffer is never full. NOT IMPLEMENTED: password mode, test inputs (read 0).
 */
import type { BusTarget } from '../memory/bus';
import { BytePorts } from './byte-ports';
import { bit, register } from './describe';
import type { Device, DeviceDescription, Line } from './device';
import { BREAK_PREFIX, translate } from './ps2-keys';
import type { Ps2Device } from './ps2-output';
import { requireVersion } from './snapshot';

/** Snapshot of the controller; -1 is "none". */
export interface I8042State {
  readonly version: 1;
  readonly ram: readonly number[];
  readonly status: number;
  readonly output: number;
  readonly ownByte: number;
  readonly ownByteIsAux: boolean;
  readonly command: number;
  readonly a20: boolean;
  readonly breakPending: boolean;
}

/** The pins that leave the controller. */
export interface I8042Lines {
  /** Keyboard interrupt, IRQ 1. */
  readonly keyboard: Line;
  /** Auxiliary device interrupt, IRQ 12. */
  readonly auxiliary: Line;
  /** The gate of address line 20. */
  readonly a20: Line;
  /** A pulse on the processor's reset. */
  readonly reset: () => void;
}

const enum Status {
  OBF = 0x01,
  SYS = 0x04,
  COMMAND = 0x08,
  UNLOCKED = 0x10,
  AUX_OBF = 0x20,
}

const enum CommandByte {
  KEYBOARD_INTERRUPT = 0x01,
  AUX_INTERRUPT = 0x02,
  SYS = 0x04,
  KEYBOARD_DISABLED = 0x10,
  AUX_DISABLED = 0x20,
  TRANSLATE = 0x40,
}

const NONE = -1;
const COMMAND_BYTE_AT_RESET = CommandByte.SYS | CommandByte.TRANSLATE;
const PORT_ALWAYS_HIGH = 0xcd;

/** The controller, with a keyboard and an auxiliary device plugged in. */
export class I8042 implements Device<I8042State> {
  /** Data port (1 byte). */
  readonly dataPort: BusTarget;
  /** Status and command port (1 byte). */
  readonly commandPort: BusTarget;
  /** The controller's memory; byte 0 is the command byte. */
  private ram = new Array<number>(32).fill(0);
  private status: number = Status.UNLOCKED | Status.SYS;
  private output = 0;
  /** A byte of the controller's own that waits for the output buffer. */
  private ownByte = NONE;
  private ownByteIsAux = false;
  /** The command that waits for its data byte. */
  private command = NONE;
  private a20 = true;
  /** Translation has swallowed a break prefix. */
  private breakPending = false;

  constructor(
    private readonly keyboard: Ps2Device,
    private readonly auxiliary: Ps2Device,
    private readonly lines: I8042Lines,
  ) {
    this.ram[0] = COMMAND_BYTE_AT_RESET;
    keyboard.output.ready = auxiliary.output.ready = (): void => this.fill();
    this.dataPort = new BytePorts({
      readByte: () => this.readData(),
      peekByte: () => this.output,
      writeByte: (_offset, value) => this.writeData(value),
    });
    this.commandPort = new BytePorts({
      readByte: () => this.status,
      peekByte: () => this.status,
      writeByte: (_offset, value) => this.writeCommand(value),
    });
  }

  /** Power-on state, as a PC's firmware leaves it: self test passed, translation on, interrupts off, A20 open. */
  reset(): void {
    this.ram.fill(0);
    this.ram[0] = COMMAND_BYTE_AT_RESET;
    this.status = Status.UNLOCKED | Status.SYS;
    this.output = 0;
    this.ownByte = this.command = NONE;
    this.breakPending = this.ownByteIsAux = false;
    this.setA20(true);
    this.fill();
  }

  private readData(): number {
    const value = this.output;
    this.status &= ~(Status.OBF | Status.AUX_OBF);
    // The lines drop first: the next byte's interrupt is an edge of its own.
    this.drive();
    this.fill();
    return value;
  }

  private writeCommand(command: number): void {
    this.status |= Status.COMMAND;
    this.command = NONE;
    if (command >= 0x20 && command < 0x40) this.say(this.ram[command & 0x1f]!);
    else if (command >= 0x60 && command < 0x80) this.command = command;
    else if (command >= 0xf0) this.pulse(command);
    else this.execute(command);
    this.fill();
    this.drive();
  }

  private execute(command: number): void {
    switch (command) {
      case 0xa7:
        this.ram[0]! |= CommandByte.AUX_DISABLED;
        break;
      case 0xa8:
        this.ram[0]! &= ~CommandByte.AUX_DISABLED;
        break;
      case 0xa9: // Interface tests: no error found.
      case 0xab:
        this.say(0x00);
        break;
      case 0xaa:
        this.status |= Status.SYS;
        this.say(0x55);
        break;
      case 0xad:
        this.ram[0]! |= CommandByte.KEYBOARD_DISABLED;
        break;
      case 0xae:
        this.ram[0]! &= ~CommandByte.KEYBOARD_DISABLED;
        break;
      case 0xc0: // Input port: keyboard not inhibited.
        this.say(0x80);
        break;
      case 0xd0:
        this.say(this.outputPort());
        break;
      case 0xd1:
      case 0xd2:
      case 0xd3:
      case 0xd4:
        this.command = command;
        break;
      case 0xdd:
        this.setA20(false);
        break;
      case 0xdf:
        this.setA20(true);
        break;
      case 0xe0:
        this.say(0x00);
        break;
    }
  }

  /** Commands 0xF0-0xFF pulse the bits of the output port that are 0 in their low four bits; bit 0 is the reset. */
  private pulse(command: number): void {
    if ((command & 1) === 0) this.lines.reset();
  }

  private writeData(value: number): void {
    const { command } = this;
    this.status &= ~Status.COMMAND;
    this.command = NONE;
    if (command === NONE) {
      // Talking to a device opens its clock line again.
      this.ram[0]! &= ~CommandByte.KEYBOARD_DISABLED;
      this.keyboard.receive(value);
    } else if (command === 0xd1) this.writeOutputPort(value);
    else if (command === 0xd2) this.say(value);
    else if (command === 0xd3) this.say(value, true);
    else if (command === 0xd4) {
      this.ram[0]! &= ~CommandByte.AUX_DISABLED;
      this.auxiliary.receive(value);
    } else this.writeRam(command & 0x1f, value);
    this.fill();
    this.drive();
  }

  private writeRam(index: number, value: number): void {
    this.ram[index] = value;
    if (index !== 0) return;
    this.status = (this.status & ~Status.SYS) | (value & CommandByte.SYS ? Status.SYS : 0);
  }

  private writeOutputPort(value: number): void {
    this.setA20((value & 2) !== 0);
    if ((value & 1) === 0) this.lines.reset();
  }

  private outputPort(): number {
    const aux = (this.status & Status.AUX_OBF) !== 0;
    const full = (this.status & Status.OBF) !== 0;
    return PORT_ALWAYS_HIGH | (this.a20 ? 0x02 : 0) | (full && !aux ? 0x10 : 0) | (full && aux ? 0x20 : 0);
  }

  private setA20(level: boolean): void {
    this.a20 = level;
    this.lines.a20(level);
  }

  private say(byte: number, asAux = false): void {
    this.ownByte = byte;
    this.ownByteIsAux = asAux;
  }

  /** Loads the output buffer when it is empty: the controller's byte, then the keyboard's, then the auxiliary device's. */
  private fill(): void {
    if (this.status & Status.OBF) return;
    const mode = this.ram[0]!;
    if (this.ownByte !== NONE) {
      const byte = this.ownByte;
      this.ownByte = NONE;
      return this.load(byte, this.ownByteIsAux);
    }
    while ((mode & CommandByte.KEYBOARD_DISABLED) === 0 && !this.keyboard.output.isEmpty) {
      const byte = this.keyboard.output.take();
      if ((mode & CommandByte.TRANSLATE) === 0) return this.load(byte, false);
      if (byte === BREAK_PREFIX) this.breakPending = true;
      else {
        const code = translate(byte) | (this.breakPending ? 0x80 : 0);
        this.breakPending = false;
        return this.load(code, false);
      }
    }
    if ((mode & CommandByte.AUX_DISABLED) === 0 && !this.auxiliary.output.isEmpty)
      this.load(this.auxiliary.output.take(), true);
  }

  private load(byte: number, aux: boolean): void {
    this.output = byte;
    this.status |= Status.OBF | (aux ? Status.AUX_OBF : 0);
    this.drive();
  }

  private drive(): void {
    const full = (this.status & Status.OBF) !== 0;
    const aux = (this.status & Status.AUX_OBF) !== 0;
    const mode = this.ram[0]!;
    this.lines.keyboard(full && !aux && (mode & CommandByte.KEYBOARD_INTERRUPT) !== 0);
    this.lines.auxiliary(full && aux && (mode & CommandByte.AUX_INTERRUPT) !== 0);
  }

  save(): I8042State {
    const { status, output, ownByte, ownByteIsAux, command, a20, breakPending } = this;
    return { version: 1, ram: [...this.ram], status, output, ownByte, ownByteIsAux, command, a20, breakPending };
  }

  restore(state: I8042State): void {
    const { ram, ...fields } = requireVersion(state, 1, 'i8042');
    Object.assign(this, fields);
    this.ram = [...ram];
    this.lines.a20(this.a20);
    this.drive();
  }

  describe(): DeviceDescription {
    return {
      name: 'i8042',
      title: '8042 keyboard controller (IBM PS/2)',
      registers: [
        register('status', 8, 'command port', this.status, [
          bit(0, 'OBF', 'output buffer full'),
          bit(1, 'IBF', 'input buffer full'),
          bit(2, 'SYS', 'system flag'),
          bit(3, 'A2', 'the last write was a command'),
          bit(4, 'INH', 'keyboard not inhibited'),
          bit(5, 'AOBF', 'the output byte is the auxiliary device’s'),
          bit(6, 'TO', 'timeout'),
          bit(7, 'PERR', 'parity error'),
        ]),
        register('output buffer', 8, 'data port', this.output),
        register('command byte', 8, 'commands 0x20, 0x60', this.ram[0]!, [
          bit(0, 'KIE', 'keyboard interrupt enable'),
          bit(1, 'AIE', 'auxiliary interrupt enable'),
          bit(2, 'SYS', 'system flag'),
          bit(4, 'KD', 'keyboard disabled'),
          bit(5, 'AD', 'auxiliary device disabled'),
          bit(6, 'KCC', 'translation to scan code set 1'),
        ]),
        register('output port', 8, 'commands 0xD0, 0xD1', this.outputPort(), [
          bit(0, 'RC', 'system reset, active low'),
          bit(1, 'A20', 'gate of address line 20'),
          bit(4, 'IRQ1', 'keyboard interrupt'),
          bit(5, 'IRQ12', 'auxiliary interrupt'),
        ]),
      ],
    };
  }
}
