/**
 * PS/2 keyboard: commands, identification, LEDs, scan code sets 1 and 2. Source: IBM PS/2 Technical Reference,
 * "Keyboard (101- and 102-Key)".
 *
 * NOT IMPLEMENTED: set 3 and its per-key commands (F0 03 is refused with RESEND), typematic repeat (the host repeats).
 */
import { register, bit, field } from './describe';
import type { Device, DeviceDescription } from './device';
import { BREAK_PREFIX, scanCodes, translate } from './ps2-keys';
import { Ps2, Ps2Output } from './ps2-output';
import type { Ps2Device, Ps2OutputState } from './ps2-output';
import { requireVersion } from './snapshot';

/** Snapshot of the keyboard. */
export interface KeyboardState {
  readonly version: 1;
  readonly scanning: boolean;
  readonly set: number;
  readonly leds: number;
  readonly typematic: number;
  readonly command: number;
  readonly lastByte: number;
  readonly output: Ps2OutputState;
}

const enum Command {
  SET_LEDS = 0xed,
  ECHO = 0xee,
  SCAN_CODE_SET = 0xf0,
  IDENTIFY = 0xf2,
  TYPEMATIC = 0xf3,
  ENABLE = 0xf4,
  DISABLE = 0xf5,
  SET_DEFAULT = 0xf6,
  RESEND = 0xfe,
  RESET = 0xff,
}

/** 10.9 characters a second after 500 ms. */
const DEFAULT_TYPEMATIC = 0x2b;
const OVERRUN = { 1: 0xff, 2: 0x00 } as const;
const IDENTITY = [0xab, 0x83] as const;

/** The keyboard. */
export class Ps2Keyboard implements Ps2Device, Device<KeyboardState> {
  readonly output = new Ps2Output();
  private scanning = true;
  private set = 2;
  private leds = 0;
  private typematic = DEFAULT_TYPEMATIC;
  /** The command that waits for its parameter; 0 is none. */
  private command = 0;
  private lastByte = 0;

  reset(): void {
    this.setDefaults();
    this.leds = this.command = this.lastByte = 0;
    this.output.clear();
  }

  /**
   * Presses or releases the key with the name `code` (W3C KeyboardEvent.code, such as `KeyA`). False when this keyboard
   * has no such key, or does not scan, or its buffer overran.
   */
  key(code: string, pressed: boolean): boolean {
    const codes = scanCodes(code, pressed);
    if (!codes || !this.scanning) return false;
    const bytes = this.set === 1 ? toSet1(codes) : codes;
    // The last place of the buffer is kept for the overrun code.
    if (this.output.hasRoom(bytes.length + 1)) {
      this.output.report(bytes);
      return true;
    }
    if (this.output.hasRoom(1)) this.output.report([this.set === 1 ? OVERRUN[1] : OVERRUN[2]]);
    return false;
  }

  receive(byte: number): void {
    const { command } = this;
    this.command = 0;
    // A command byte in place of a parameter ends the earlier command.
    if (command !== 0 && byte < Command.SET_LEDS) this.parameter(command, byte);
    else this.start(byte);
  }

  private start(command: number): void {
    switch (command) {
      case Command.ECHO:
        return this.say(Command.ECHO);
      case Command.SET_LEDS:
      case Command.SCAN_CODE_SET:
      case Command.TYPEMATIC:
        this.command = command;
        return this.say(Ps2.ACK);
      case Command.IDENTIFY:
        return this.say(Ps2.ACK, ...IDENTITY);
      case Command.ENABLE:
        this.output.clearReports();
        this.scanning = true;
        return this.say(Ps2.ACK);
      case Command.DISABLE:
        this.setDefaults();
        this.scanning = false;
        return this.say(Ps2.ACK);
      case Command.SET_DEFAULT:
        this.setDefaults();
        return this.say(Ps2.ACK);
      case Command.RESEND:
        return this.output.answer(this.lastByte);
      case Command.RESET:
        this.reset();
        return this.say(Ps2.ACK, Ps2.SELF_TEST_PASSED);
      default:
        return this.say(Ps2.RESEND);
    }
  }

  private parameter(command: number, value: number): void {
    if (command === Command.SET_LEDS) this.leds = value & 7;
    else if (command === Command.TYPEMATIC) this.typematic = value & 0x7f;
    else if (value === 0) return this.say(Ps2.ACK, this.set);
    else if (value > 2) return this.say(Ps2.RESEND);
    else this.set = value;
    this.say(Ps2.ACK);
  }

  private say(...bytes: number[]): void {
    this.lastByte = bytes[bytes.length - 1]!;
    this.output.answer(...bytes);
  }

  private setDefaults(): void {
    this.output.clearReports();
    this.scanning = true;
    this.set = 2;
    this.typematic = DEFAULT_TYPEMATIC;
  }

  save(): KeyboardState {
    const { scanning, set, leds, typematic, command, lastByte } = this;
    return { version: 1, scanning, set, leds, typematic, command, lastByte, output: this.output.save() };
  }

  restore(state: KeyboardState): void {
    const { output, ...fields } = requireVersion(state, 1, 'keyboard');
    Object.assign(this, fields);
    this.output.restore(output);
  }

  describe(): DeviceDescription {
    return {
      name: 'keyboard',
      title: 'PS/2 keyboard',
      registers: [
        register('LEDs', 3, 'command 0xED', this.leds, [
          bit(0, 'Scroll Lock'),
          bit(1, 'Num Lock'),
          bit(2, 'Caps Lock'),
        ]),
        register('scan code set', 2, 'command 0xF0', this.set),
        register('typematic', 7, 'command 0xF3', this.typematic, [field(4, 0, 'rate'), field(6, 5, 'delay')]),
        register('scanning', 1, 'commands 0xF4, 0xF5', this.scanning),
      ],
    };
  }
}

/** Set 1 marks a release by bit 7 of the code instead of a prefix. */
function toSet1(codes: readonly number[]): number[] {
  return codes.flatMap((code, i) => {
    if (code === BREAK_PREFIX) return [];
    return [translate(code) | (codes[i - 1] === BREAK_PREFIX ? 0x80 : 0)];
  });
}
