/** The tables as a kernel reads them: found from the RSDP, summed, and saying what the layout says. */
import assert from 'node:assert/strict';
import { installAcpi } from '../../../src/machine/acpi/install';
import { BOOT_APIC_ID, FIRMWARE_AREA, IO_APIC, LOCAL_APIC, PORTS } from '../../../src/machine/layout';
import { TestMemory } from '../boot/test-memory';

const memory = new TestMemory(2 << 20);
const { rsdp, rsdpBytes } = installAcpi(memory);
const text = (address: number, length: number): string => String.fromCharCode(...memory.slice(address, length));
const sum = (address: number, length: number): number =>
  memory.slice(address, length).reduce((total, byte) => (total + byte) & 0xff, 0);

/** The tables that the XSDT lists, and the DSDT, by signature. */
function tables(): Map<string, number> {
  const xsdt = memory.u64(rsdp + 24);
  const found = new Map([
    ['XSDT', xsdt],
    ['RSDT', memory.u32(rsdp + 16)],
  ]);
  for (let at = xsdt + 36; at < xsdt + memory.u32(xsdt + 4); at += 8)
    found.set(text(memory.u64(at), 4), memory.u64(at));
  return found.set('DSDT', memory.u64(found.get('FACP')! + 140));
}

const at = (signature: string): number => tables().get(signature)!;

describe('acpi: tables', () => {
  it('has a root pointer where a search from 0xe0000 in steps of 16 finds it', () => {
    assert.equal(text(rsdp, 8), 'RSD PTR ');
    assert.ok(rsdp % 16 === 0 && rsdp >= 0xe0000 && rsdp < 0x100000);
    assert.deepEqual([sum(rsdp, 20), sum(rsdp, 36)], [0, 0]);
    assert.deepEqual(Array.from(rsdpBytes), memory.slice(rsdp, 36));
  });

  for (const signature of ['XSDT', 'RSDT', 'FACP', 'APIC', 'DSDT'])
    it(`${signature} is there, inside the firmware area, and its checksum is right`, () => {
      const start = at(signature);
      const length = memory.u32(start + 4);
      assert.equal(text(start, 4), signature);
      assert.equal(sum(start, length), 0);
      assert.ok(start >= FIRMWARE_AREA.start && start + length <= FIRMWARE_AREA.start + FIRMWARE_AREA.length);
    });

  it('has an RSDT that lists what the XSDT lists', () => {
    const [rsdt, xsdt] = [at('RSDT'), at('XSDT')];
    const count = (memory.u32(xsdt + 4) - 36) / 8;
    assert.equal((memory.u32(rsdt + 4) - 36) / 4, count);
    for (let i = 0; i < count; i++) assert.equal(memory.u32(rsdt + 36 + i * 4), memory.u64(xsdt + 36 + i * 8));
  });

  it('describes the fixed hardware', () => {
    const fadt = at('FACP');
    assert.deepEqual([memory.u32(fadt + 4), memory.u8(fadt + 8)], [276, 6]);
    assert.equal(memory.u32(fadt + 48), 0, 'SMI_CMD');
    assert.equal(memory.u16(fadt + 46), 9, 'SCI_INT');
    assert.deepEqual(
      [56, 64, 76].map((offset) => memory.u32(fadt + offset)),
      [PORTS.pm1aEvent.start, PORTS.pm1aControl.start, PORTS.pmTimer.start],
    );
    assert.deepEqual(
      [148, 172, 208].map((offset) => memory.u64(fadt + offset + 4)),
      [PORTS.pm1aEvent.start, PORTS.pm1aControl.start, PORTS.pmTimer.start],
    );
    assert.equal(memory.u16(fadt + 109), 0b111, 'legacy devices, 8042, no VGA');
    const flags = memory.u32(fadt + 112);
    assert.equal(flags & (1 << 10), 1 << 10, 'RESET_REG_SUP');
    assert.equal(flags & (1 << 20), 0, 'not hardware-reduced');
    assert.deepEqual([memory.u8(fadt + 116), memory.u64(fadt + 120), memory.u8(fadt + 128)], [1, 0xcf9, 6]);
  });

  it('aligns the FACS to 64 bytes', () => {
    const facs = memory.u32(at('FACP') + 36);
    assert.equal(text(facs, 4), 'FACS');
    assert.deepEqual([facs % 64, memory.u32(facs + 4)], [0, 64]);
    assert.equal(memory.u64(at('FACP') + 132), facs);
  });

  it('lists the interrupt controllers', () => {
    const madt = at('APIC');
    assert.equal(memory.u32(madt + 36), LOCAL_APIC.start);
    const entries: number[][] = [];
    for (let entry = madt + 44; entry < madt + memory.u32(madt + 4); entry += memory.u8(entry + 1))
      entries.push(memory.slice(entry, memory.u8(entry + 1)));
    const [b0, b1, b2, b3] = [0, 8, 16, 24].map((shift) => (IO_APIC.start >>> shift) & 0xff);
    assert.deepEqual(entries, [
      [0, 8, BOOT_APIC_ID, BOOT_APIC_ID, 1, 0, 0, 0],
      [1, 12, 1, 0, b0, b1, b2, b3, 0, 0, 0, 0],
      [2, 10, 0, 0, 2, 0, 0, 0, 0, 0],
      [2, 10, 0, 9, 9, 0, 0, 0, 0x0d, 0],
      [4, 6, 0xff, 0, 0, 1],
    ]);
  });
});
