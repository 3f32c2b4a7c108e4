/**
 * PS/2 mouse with the wheel extension: stream, remote and wrap mode, three- and four-byte packets. Source: IBM PS/2
 * Technical Reference, "Mouse"; the wheel's identification (rates 200, 100, 80) as Microsoft's IntelliMouse defined it.
 *
 * NOT IMPLEMENTED: the sampling period (each movement makes a packet while there is room, else it adds up) and 2:1
 * scaling (stored).
 */
import { bit, register } from './describe';
import type { Device, DeviceDescription } from './device';
import { Ps2, Ps2Output } from './ps2-output';
import type { Ps2Device, Ps2OutputState } from './ps2-output';
import { requireVersion } from './snapshot';

/** Snapshot of the mouse. */
export interface MouseState {
  readonly version: 1;
  readonly reporting: boolean;
  readonly remote: boolean;
  readonly wrap: boolean;
  readonly scaling: boolean;
  readonly resolution: number;
  readonly rate: number;
  readonly earlierRates: number;
  readonly id: number;
  readonly buttons: number;
  readonly dx: number;
  readonly dy: number;
  readonly dz: number;
  readonly command: number;
  readonly output: Ps2OutputState;
}

const enum Command {
  SCALING_1_1 = 0xe6,
  SCALING_2_1 = 0xe7,
  RESOLUTION = 0xe8,
  STATUS = 0xe9,
  STREAM = 0xea,
  READ_DATA = 0xeb,
  RESET_WRAP = 0xec,
  WRAP = 0xee,
  REMOTE = 0xf0,
  IDENTIFY = 0xf2,
  SAMPLE_RATE = 0xf3,
  ENABLE = 0xf4,
  DISABLE = 0xf5,
  SET_DEFAULT = 0xf6,
  RESEND = 0xfe,
  RESET = 0xff,
}

const WHEEL_ID = 3;
/** The rates 200, 100 set before 80. */
const WHEEL_KNOCK = (200 << 8) | 100;
const LIMIT = 0xffff;

/** The mouse. */
export class Ps2Mouse implements Ps2Device, Device<MouseState> {
  readonly output = new Ps2Output();
  private reporting = false;
  private remote = false;
  private wrap = false;
  private scaling = false;
  private resolution = 2;
  private rate = 100;
  /** The two rates set before the present one, newest in the low byte. */
  private earlierRates = 0;
  private id = 0;
  private buttons = 0;
  private dx = 0;
  private dy = 0;
  private dz = 0;
  private command = 0;

  reset(): void {
    this.setDefaults();
    this.id = this.command = this.earlierRates = 0;
    this.output.clear();
  }

  /** Moves by `dx` (right), `dy` (up) and `dz` (wheel towards the user) counts; `buttons`: 1 left, 2 right, 4 middle. */
  move(dx: number, dy: number, dz: number, buttons: number): void {
    this.dx = clamp(this.dx + Math.trunc(dx), -LIMIT, LIMIT);
    this.dy = clamp(this.dy + Math.trunc(dy), -LIMIT, LIMIT);
    this.dz = clamp(this.dz + Math.trunc(dz), -LIMIT, LIMIT);
    this.buttons = buttons & 7;
    if (this.reporting && !this.remote && !this.wrap && this.output.hasRoom(4)) this.output.report(this.packet());
  }

  receive(byte: number): void {
    const { command } = this;
    this.command = 0;
    if (this.wrap && byte !== Command.RESET && byte !== Command.RESET_WRAP) this.output.answer(byte);
    else if (command === Command.RESOLUTION || command === Command.SAMPLE_RATE) this.parameter(command, byte);
    else this.start(byte);
  }

  private start(command: number): void {
    switch (command) {
      case Command.SCALING_1_1:
      case Command.SCALING_2_1:
        this.scaling = command === Command.SCALING_2_1;
        break;
      case Command.RESOLUTION:
      case Command.SAMPLE_RATE:
        this.command = command;
        break;
      case Command.STATUS:
        return this.output.answer(Ps2.ACK, this.status(), this.resolution, this.rate);
      case Command.STREAM:
      case Command.REMOTE:
        this.remote = command === Command.REMOTE;
        break;
      case Command.READ_DATA:
        return this.output.answer(Ps2.ACK, ...this.packet());
      case Command.RESET_WRAP:
      case Command.WRAP:
        this.wrap = command === Command.WRAP;
        break;
      case Command.IDENTIFY:
        return this.output.answer(Ps2.ACK, this.id);
      case Command.ENABLE:
      case Command.DISABLE:
        this.reporting = command === Command.ENABLE;
        this.output.clearReports();
        break;
      case Command.SET_DEFAULT:
        this.setDefaults();
        break;
      case Command.RESEND:
        return;
      case Command.RESET:
        this.reset();
        return this.output.answer(Ps2.ACK, Ps2.SELF_TEST_PASSED, this.id);
      default:
        return this.output.answer(Ps2.RESEND);
    }
    this.output.answer(Ps2.ACK);
  }

  private parameter(command: number, value: number): void {
    if (command === Command.RESOLUTION) this.resolution = value & 3;
    else {
      if (this.earlierRates === WHEEL_KNOCK && value === 80) this.id = WHEEL_ID;
      this.earlierRates = ((this.earlierRates << 8) | value) & 0xffff;
      this.rate = value;
    }
    this.output.answer(Ps2.ACK);
  }

  private status(): number {
    const swapped = ((this.buttons & 1) << 2) | ((this.buttons >> 1) & 1) | ((this.buttons >> 2) << 1);
    return (this.remote ? 0x40 : 0) | (this.reporting ? 0x20 : 0) | (this.scaling ? 0x10 : 0) | swapped;
  }

  /** Takes up to 255 counts of the movement into a packet; the rest stays for the next. */
  private packet(): number[] {
    const x = clamp(this.dx, -255, 255);
    const y = clamp(this.dy, -255, 255);
    this.dx -= x;
    this.dy -= y;
    const signs = (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0);
    const bytes = [0x08 | this.buttons | signs, x & 0xff, y & 0xff];
    if (this.id !== WHEEL_ID) {
      this.dz = 0;
      return bytes;
    }
    const z = clamp(this.dz, -8, 7);
    this.dz -= z;
    return [...bytes, z & 0xff];
  }

  private setDefaults(): void {
    this.reporting = this.remote = this.wrap = this.scaling = false;
    this.resolution = 2;
    this.rate = 100;
    this.dx = this.dy = this.dz = 0;
    this.output.clearReports();
  }

  save(): MouseState {
    const { reporting, remote, wrap, scaling, resolution, rate, earlierRates, id, buttons, dx, dy, dz, command } = this;
    return {
      version: 1,
      ...{ reporting, remote, wrap, scaling, resolution, rate, earlierRates, id, buttons, dx, dy, dz, command },
      output: this.output.save(),
    };
  }

  restore(state: MouseState): void {
    const { output, ...fields } = requireVersion(state, 1, 'mouse');
    Object.assign(this, fields);
    this.output.restore(output);
  }

  describe(): DeviceDescription {
    return {
      name: 'mouse',
      title: 'PS/2 mouse',
      registers: [
        register('status', 8, 'command 0xE9', this.status(), [
          bit(0, 'right button'),
          bit(1, 'middle button'),
          bit(2, 'left button'),
          bit(4, 'scaling 2:1'),
          bit(5, 'reporting'),
          bit(6, 'remote mode'),
        ]),
        register('resolution', 2, 'command 0xE8', this.resolution),
        register('sample rate', 8, 'command 0xF3', this.rate),
        register('identity', 8, 'command 0xF2', this.id, undefined, '3: with a wheel'),
      ],
    };
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
