/**
 * `vmxray/devices`: what every device says of its registers, read without side effects. `vmxray/writeDevice`: writes one as
 * software would.
 */
import type { Hex } from './address';

/** One named bit or range of a register, with its value. */
export interface DeviceField {
  readonly name: string;
  /** Bits `high`..`low`, inclusive. */
  readonly high: number;
  readonly low: number;
  readonly value: Hex;
  readonly meaning?: string;
}

/** One register. Names are the data sheet's. */
export interface DeviceRegister {
  readonly name: string;
  /** Width in bits. */
  readonly bits: number;
  readonly value: Hex;
  /** Where software finds it, in words of the data sheet: `port +3`, `MSR 0x802, offset 0x20`. */
  readonly location?: string;
  readonly meaning?: string;
  readonly fields?: readonly DeviceField[];
  /** True where `vmxray/writeDevice` takes it. */
  readonly writable?: boolean;
}

/** Arguments of `vmxray/writeDevice`. */
export interface WriteDeviceArguments {
  /** A device's name. */
  readonly device: string;
  /** A register's name. */
  readonly register: string;
  readonly value: Hex;
}

/** One device. */
export interface DeviceAnswer {
  /** Short and unique: `uart0`. */
  readonly name: string;
  /** The part and its data sheet: `16550A UART (PC16550D)`. */
  readonly title?: string;
  /** Where it answers: `port 0x3f8-0x3ff`, `memory 0xfec00000-0xfec00fff`, `IRQ 4`. */
  readonly places: readonly string[];
  readonly registers: readonly DeviceRegister[];
}

/** Answer of `vmxray/devices`. */
export interface DevicesAnswer {
  readonly devices: readonly DeviceAnswer[];
}
