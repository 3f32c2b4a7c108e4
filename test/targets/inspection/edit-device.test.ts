// Device registers written as a debugger: they hold what was written, neighbours and index registers stay, and what the
// device says follows from it.
import assert from 'node:assert/strict';
import type { Machine } from '../../../src/machine/machine';
import { devicesAnswer } from '../../../src/targets/inspection/devices-answer';
import { writeDeviceRegister } from '../../../src/targets/inspection/edit-device';
import { guest, guestWhen } from './machines';

/** All values by device and register. */
function values(machine: Machine): Map<string, string> {
  const all = devicesAnswer(machine).devices.flatMap(({ name, registers }) =>
    registers.map((register) => [`${name} ${register.name}`, register.value] as const),
  );
  return new Map(all);
}

/** The tour guest with its interrupt controllers set up. */
const initialized = (): Machine =>
  guestWhen('interrupts', (machine) => values(machine).get('pic master expected ICW') === '0x0');

const CASES: readonly (readonly [device: string, register: string, value: bigint, also?: readonly string[]])[] = [
  ['uart0', 'SCR', 0x5an],
  ['uart0', 'LCR', 0x1bn],
  ['uart0', 'MCR', 0x03n, ['MSR']],
  ['uart0', 'IER', 0x01n],
  ['uart0', 'divisor', 0x1234n],
  ['pic', 'master IMR', 0xa5n],
  ['pic', 'slave IMR', 0x5an],
  ['acpi-pm', 'PM1a_EN', 0x100n],
  // The clock's century lies in its memory, and is brought up to date by an access.
  ['rtc', 'B', 0x06n, ['memory']],
  ['rtc', 'seconds alarm', 0x30n, ['memory']],
  ['ioapic', 'IOREDTBL4', 0x0100_0000_0001_0031n],
  ['lapic', 'LVT LINT0', 0x10031n],
  ['lapic', 'divide configuration', 0xbn],
];

describe('writing of device registers', () => {
  for (const [device, register, value, also = []] of CASES)
    it(`gives ${device} ${register} the value 0x${value.toString(16)}, and changes nothing else`, () => {
      const machine = initialized();
      const before = values(machine);
      writeDeviceRegister(machine, device, register, value);
      const after = values(machine);
      assert.equal(after.get(`${device} ${register}`), `0x${value.toString(16)}`);
      const changed = [...after].filter(([name, now]) => before.get(name) !== now).map(([name]) => name);
      const allowed = [register, ...also].map((name) => `${device} ${name}`);
      assert.deepEqual(
        changed.filter((name) => !allowed.includes(name)),
        [],
      );
    });

  it('marks in the answer exactly what it takes', () => {
    const machine = initialized();
    for (const { name, registers } of devicesAnswer(machine).devices)
      for (const register of registers) {
        const write = (): void => writeDeviceRegister(machine, name, register.name, BigInt(register.value));
        if (register.writable) write();
        else assert.throws(write, { code: 'device/register' }, `${name} ${register.name}`);
      }
  });

  it('refuses what does not fit, what is not there, and a mask before the words that set the 8259A up', () => {
    const machine = initialized();
    assert.throws(() => writeDeviceRegister(machine, 'uart0', 'SCR', 0x100n), { code: 'register/width' });
    assert.throws(() => writeDeviceRegister(machine, 'uart0', 'constructor', 0n), { code: 'device/register' });
    assert.throws(() => writeDeviceRegister(machine, 'constructor', 'name', 0n), { code: 'device/register' });
    const raw = guest('hello');
    raw.board.ports.write(0x20, 1, 0x11);
    assert.throws(() => writeDeviceRegister(raw, 'pic', 'master IMR', 0xffn), { code: 'device/register' });
  });
});
