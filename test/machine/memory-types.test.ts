// The MTRRs that firmware leaves agree with the board's map, and guests find them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MSR } from '../../src/cpu/msr-numbers';
import { IO_APIC, LOCAL_APIC, LOW_HOLE, FIRMWARE_AREA, MAX_RAM } from '../../src/machine/layout';
import { Machine } from '../../src/machine/machine';
import { firmwareMemoryTypes } from '../../src/machine/memory-types';

const UC = 0;
const WP = 5;
const WB = 6;

/** The type of `address`, looked up as SDM Vol. 3A 11.11 does. */
function typeOf(msrs: ReadonlyMap<number, bigint>, address: number): number {
  if (address < 0x100000) {
    const [first, start, size] =
      address < 0x80000
        ? [MSR.MTRR_FIX64K_00000, 0, 0x10000]
        : address < 0xc0000
          ? [MSR.MTRR_FIX16K_80000, 0x80000, 0x4000]
          : [MSR.MTRR_FIX4K_C0000, 0xc0000, 0x1000];
    const index = Math.floor((address - start) / size);
    return Number((msrs.get(first + (index >> 3))! >> BigInt((index & 7) * 8)) & 0xffn);
  }
  const mask = msrs.get(MSR.MTRR_PHYSBASE0 + 1)! & ~0xfffn;
  const base = msrs.get(MSR.MTRR_PHYSBASE0)!;
  const isIn = (BigInt(address) & mask) === (base & mask);
  return Number(isIn ? base & 0xffn : msrs.get(MSR.MTRR_DEF_TYPE)! & 0xffn);
}

describe('memory types that firmware sets', () => {
  const msrs = new Map(firmwareMemoryTypes());
  const cases: [string, number, number][] = [
    ['the first byte', 0, WB],
    ['the end of low RAM', LOW_HOLE.start - 1, WB],
    ['the hole', LOW_HOLE.start, UC],
    ['its end', LOW_HOLE.start + LOW_HOLE.length - 1, UC],
    ['the ACPI tables', FIRMWARE_AREA.start, WP],
    ['the end of the first megabyte', 0xfffff, WP],
    ['RAM', 0x100000, WB],
    ['the last byte that can be RAM', MAX_RAM - 1, WB],
    ['the PCI window', MAX_RAM, UC],
    ['the I/O APIC', IO_APIC.start, UC],
    ['the local APIC', LOCAL_APIC.start, UC],
    ['the end of 4 GiB', 0xffffffff, UC],
    ['above 4 GiB', 0x100000000, WB],
  ];
  for (const [what, address, type] of cases) {
    it(`${what}: ${type}`, () => assert.equal(typeOf(msrs, address), type));
  }

  for (const bare of [true, false]) {
    it(`are there when the guest starts, ${bare ? 'bare' : 'under the hypervisor'}`, () => {
      const machine = new Machine({
        kernel: readFileSync(join(process.cwd(), 'test/guests/bin/hello.elf')),
        boot: {},
        memoryBytes: 4 << 20,
        bare,
        onSerial: () => undefined,
      });
      for (const [msr, value] of msrs) assert.equal(machine.processor.readMsr(msr), value);
      assert.equal(machine.processor.readMsr(MSR.MTRR_DEF_TYPE), 0xc06n);
    });
  }
});
