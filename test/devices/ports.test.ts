/** The small ones: fw_cfg, isa-debug-exit, port 0x92. */
import assert from 'node:assert/strict';
import { DebugExit } from '../../src/devices/debug-exit';
import { FwCfg } from '../../src/devices/fw-cfg';
import { Port92 } from '../../src/devices/port-92';

function bytes(fwCfg: FwCfg, key: number, count: number): number[] {
  fwCfg.ports.write(0, 2, key);
  return Array.from({ length: count }, () => fwCfg.ports.read(1, 1));
}

describe('fw_cfg', () => {
  it('has signature, ID without DMA, items, and zeroes past the end', () => {
    const fwCfg = new FwCfg();
    fwCfg.setItem(5, Uint8Array.of(1, 0));
    assert.deepEqual(bytes(fwCfg, 0, 6), [...Buffer.from('QEMU'), 0, 0]);
    assert.deepEqual(bytes(fwCfg, 1, 4), [1, 0, 0, 0]);
    assert.deepEqual(bytes(fwCfg, 0x4005, 2), [1, 0]);
    assert.deepEqual(bytes(fwCfg, 0x7777, 2), [0, 0]);
  });

  it('lists files by name, big-endian', () => {
    const fwCfg = new FwCfg();
    fwCfg.addFile('opt/b', Uint8Array.of(9));
    fwCfg.addFile('opt/a', Uint8Array.of(7, 8));
    const directory = bytes(fwCfg, 0x19, 4 + 128);
    assert.deepEqual(directory.slice(0, 4), [0, 0, 0, 2]);
    assert.deepEqual(directory.slice(4, 12), [0, 0, 0, 2, 0, 0x20, 0, 0]);
    assert.equal(Buffer.from(directory.slice(12, 68)).toString().replaceAll('\0', ''), 'opt/a');
    assert.deepEqual(directory.slice(68, 76), [0, 0, 0, 1, 0, 0x21, 0, 0]);
    assert.deepEqual(bytes(fwCfg, 0x20, 3), [7, 8, 0]);
    assert.deepEqual(bytes(fwCfg, 0x21, 1), [9]);
  });

  it('answers nothing at the selector and at the DMA address', () => {
    const fwCfg = new FwCfg();
    assert.deepEqual([fwCfg.ports.read(0, 2), fwCfg.ports.read(4, 4)], [0xffff, 0xffffffff]);
  });
});

describe('isa-debug-exit', () => {
  it('hands on what is written, of any width', () => {
    const values: number[] = [];
    const { port } = new DebugExit((value) => values.push(value));
    port.write(0, 1, 0x31);
    port.write(0, 4, 0xdeadbeef);
    assert.deepEqual(values, [0x31, 0xdeadbeef]);
    assert.equal(port.read(0, 1), 0);
  });
});

describe('port 0x92', () => {
  it('gates A20 and resets on a rising bit', () => {
    const log: string[] = [];
    const device = new Port92(
      (level) => log.push(`a20 ${level}`),
      () => log.push('reset'),
    );
    assert.equal(device.port.read(0, 1), 2);
    device.port.write(0, 1, 0xfc);
    assert.equal(device.port.read(0, 1), 0);
    device.port.write(0, 1, 0x03);
    device.port.write(0, 1, 0x03);
    assert.deepEqual(log, ['a20 false', 'a20 true', 'reset', 'a20 true']);
  });
});
