/** PCI configuration mechanism 1 and the bridges against PCI 3.0 and the PIIX3 data sheet. */
import assert from 'node:assert/strict';
import { HOST_BRIDGE, ISA_BRIDGE } from '../../src/devices/pci-bridges';
import { PciFunction } from '../../src/devices/pci-config';
import { PciHost } from '../../src/devices/pci-host';
import { ResetControl } from '../../src/devices/reset-control';
import type { BusSize } from '../../src/memory/bus';

function board(): {
  host: PciHost;
  resets: boolean[];
  written: number[];
  config: (address: number, size: BusSize) => number;
} {
  const resets: boolean[] = [];
  const written: number[] = [];
  const host = new PciHost(new ResetControl((hard) => resets.push(hard)).port);
  host.add(0, 0, new PciFunction(HOST_BRIDGE));
  host.add(1, 0, new PciFunction(ISA_BRIDGE, (offset) => written.push(offset)));
  const config = (address: number, size: BusSize): number => {
    host.ports.write(0, 4, 0x80000000 | (address & ~3));
    return host.ports.read(4 + (address & 3), size);
  };
  return { host, resets, written, config };
}

describe('PCI configuration mechanism 1', () => {
  /** Address (bus, device, function, register), size, value. */
  const CASES: readonly (readonly [number, BusSize, number])[] = [
    [0x000000, 4, 0x12378086],
    [0x000002, 2, 0x1237],
    [0x000003, 1, 0x12],
    [0x000008, 4, 0x06000002],
    [0x00000e, 1, 0x00],
    [0x000800, 4, 0x70008086],
    [0x00080a, 2, 0x0601],
    [0x000860, 4, 0x80808080],
    [0x001000, 4, 0xffffffff],
    [0x000100, 2, 0xffff],
    [0x010000, 4, 0xffffffff],
  ];
  for (const [address, size, value] of CASES)
    it(`reads ${size} bytes at ${address.toString(16)}`, () => assert.equal(board().config(address, size), value));

  it('holds CONFIG_ADDRESS without its reserved bits, doublewords only', () => {
    const { host } = board();
    host.ports.write(0, 4, 0xffffffff);
    assert.equal(host.ports.read(0, 4), 0x80fffffc);
    host.ports.write(0, 2, 0);
    assert.equal(host.ports.read(0, 4), 0x80fffffc);
    assert.equal(host.ports.read(0, 2), 0xffff);
    host.ports.write(0, 4, 0x00000000);
    assert.equal(host.ports.read(4, 4), 0xffffffff, 'not enabled');
  });

  it('writes only writable bits and tells the function', () => {
    const { host, config, written } = board();
    config(0x860, 4);
    host.ports.write(4, 4, 0x0b0a0b7f);
    assert.equal(config(0x860, 4), 0x0b0a0b0f);
    config(0x800, 4);
    host.ports.write(4, 4, 0);
    assert.equal(config(0x800, 4), 0x70008086);
    assert.deepEqual(written, [0x60, 0]);
    host.reset();
    assert.equal(config(0x860, 4), 0x80808080);
  });

  it('shares its ports with the reset control register', () => {
    const { host, resets } = board();
    host.ports.write(1, 1, 0x02);
    assert.equal(host.ports.read(1, 1), 0x02);
    assert.deepEqual(resets, []);
    host.ports.write(1, 1, 0x06);
    host.ports.write(1, 1, 0x06);
    assert.deepEqual(resets, [true], 'on the rising bit alone');
    host.ports.write(1, 1, 0x00);
    host.ports.write(1, 1, 0x04);
    assert.deepEqual(resets, [true, false]);
  });

  it('describes its functions', () => {
    const { host } = board();
    assert.deepEqual(
      host.describeFunctions().map(({ name }) => name),
      ['pci-host', 'pci-isa'],
    );
    const [vendor] = host.describeFunctions()[1]!.registers;
    assert.deepEqual([vendor!.location, vendor!.value], ['01.0 offset 0x0', 0x8086n]);
  });
});
