/** What every device of the board says of itself, for the wire. */
import { placesOf } from '../../machine/device-places';
import type { Machine } from '../../machine/machine';
import type { RegisterDescription } from '../../devices/device';
import type { DeviceRegister, DevicesAnswer } from '../../protocol/devices';
import { describeBits } from './vmcs-answer';

/** All devices with their registers, read without side effects. */
export function devicesAnswer(machine: Machine): DevicesAnswer {
  return {
    devices: machine.describeDevices().map(({ name, title, registers }) => ({
      name,
      title,
      places: placesOf(name),
      registers: registers.map(describeRegister),
    })),
  };
}

function describeRegister({ name, width, location, meaning, fields, value }: RegisterDescription): DeviceRegister {
  const unsigned = BigInt.asUintN(width, value);
  return {
    name,
    bits: width,
    value: `0x${unsigned.toString(16)}`,
    ...(location !== undefined && { location }),
    ...(meaning !== undefined && { meaning }),
    ...(fields && { fields: fields.map((field) => describeBits(unsigned, field)) }),
  };
}
