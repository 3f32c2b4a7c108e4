/** What every device of the board says of itself, for the wire. */
import { placesOf } from '../../machine/device-places';
import type { Machine } from '../../machine/machine';
import type { RegisterDescription } from '../../devices/device';
import type { DeviceRegister, DevicesAnswer } from '../../protocol/devices';
import { isDeviceWritable } from './edit-device';
import { describeBits } from './vmcs-answer';

/** All devices with their registers, read without side effects. */
export function devicesAnswer(machine: Machine): DevicesAnswer {
  return {
    devices: machine.describeDevices().map(({ name, title, registers }) => ({
      name,
      title,
      places: placesOf(name),
      registers: registers.map((register) => describeRegister(name, register)),
    })),
  };
}

function describeRegister(
  device: string,
  { name, width, location, meaning, fields, value }: RegisterDescription,
): DeviceRegister {
  const unsigned = BigInt.asUintN(width, value);
  return {
    name,
    bits: width,
    value: `0x${unsigned.toString(16)}`,
    ...(location !== undefined && { location }),
    ...(meaning !== undefined && { meaning }),
    ...(isDeviceWritable(device, name) && { writable: true }),
    ...(fields && { fields: fields.map((field) => describeBits(unsigned, field)) }),
  };
}
