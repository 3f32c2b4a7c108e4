/** bzImage by the 64- and the 32-bit boot protocol: where everything lands and what boot_params says. */
import assert from 'node:assert/strict';
import { load } from '../../../src/machine/boot/load';
import type { BootOptions } from '../../../src/machine/boot/options';
import { buildLinux, type LinuxSpec } from './images';
import { TestMemory } from './test-memory';

const MEMORY = 16 << 20;
const initrd = Uint8Array.from({ length: 5000 }, (_, index) => index);

function boot(spec: LinuxSpec, options: BootOptions, size = MEMORY) {
  const memory = new TestMemory(size);
  const state = load(buildLinux(spec), options, memory);
  return { memory, state, parameters: Number(state.registers.rsi) };
}

describe('boot: Linux bzImage', () => {
  it('enters a 64-bit kernel in 64-bit mode at +0x200', () => {
    const { memory, state } = boot({}, {});
    assert.equal(state.rip, 0x100200n);
    assert.equal(state.segments.cs.selector, 0x10);
    assert.equal(state.segments.cs.access, 0xa09b);
    assert.equal(state.segments.ds.selector, 0x18);
    assert.deepEqual([state.cr0, state.cr4, state.efer, state.rflags], [0x80000011n, 0x20n, 0x500n, 2n]);
    assert.deepEqual(memory.slice(0x100000, 4), [0xe0, 0xe1, 0xe2, 0xe3]);
    assert.equal(memory.u8(0x100fff), 0xef);
  });

  it('enters by the 32-bit protocol when asked to, and when the kernel has no other', () => {
    for (const { state } of [
      boot({}, { linuxEntry: 32 }),
      boot({ xloadFlags: 0 }, {}),
      boot({ version: 0x020b }, {}),
    ]) {
      assert.equal(state.rip, 0x100000n);
      assert.equal(state.segments.cs.access, 0xc09b);
      assert.deepEqual([state.cr0, state.cr3, state.cr4, state.efer], [0x11n, 0n, 0n, 0n]);
      assert.deepEqual([state.registers.rbp, state.registers.rdi, state.registers.rbx], [0n, 0n, 0n]);
    }
  });

  it('fills boot_params', () => {
    const { memory, parameters: at } = boot({}, { cmdline: 'console=ttyS0 \u00fc', initrd });
    assert.equal(memory.u64(at + 0x70), 0xe0000, 'acpi_rsdp_addr');
    assert.equal(memory.u8(at + 0x1ef), 0, 'sentinel');
    assert.equal(memory.u8(at + 0x210), 0xff, 'type_of_loader');
    assert.equal(memory.u32(at + 0x202), 0x53726448, 'setup header');
    assert.equal(memory.string(memory.u32(at + 0x228)), 'console=ttyS0 \u00c3\u00bc');
    const start = memory.u32(at + 0x218);
    assert.equal(memory.u32(at + 0x21c), initrd.length);
    assert.equal(start, MEMORY - 8192, 'the initrd lies at the top, on a page');
    assert.deepEqual(memory.slice(start, initrd.length), Array.from(initrd));
  });

  it('hands over E820', () => {
    const { memory, parameters: at } = boot({}, {});
    const entries = Array.from({ length: memory.u8(at + 0x1e8) }, (_, index) => {
      const entry = at + 0x2d0 + index * 20;
      return [memory.u64(entry), memory.u64(entry + 8), memory.u32(entry + 16)];
    });
    assert.deepEqual(entries, [
      [0, 0x9fc00, 1],
      [0x9fc00, 0x400, 2],
      [0xe0000, 0x20000, 2],
      [0x100000, MEMORY - 0x100000, 1],
    ]);
  });

  it('keeps the initrd below initrd_addr_max and off the unpacked kernel', () => {
    const low = boot({ initrdAddressMax: 0x7fffff }, { initrd });
    assert.equal(low.memory.u32(low.parameters + 0x218), 0x800000 - 8192);
    const high = boot({ preferred: 0x800000, initSize: MEMORY - 0x800000 }, { initrd });
    assert.equal(high.memory.u32(high.parameters + 0x218), 0x800000 - 8192);
  });

  it('takes a kernel whose file reaches into the area it unpacks to', () => {
    const { memory } = boot({ payloadBytes: 0x180000, preferred: 0x200000, initSize: 0x100000 }, {});
    assert.equal(memory.u8(0x27ffff), 0xef);
  });

  it('maps the first 4 GiB to themselves and loads the segments from a matching descriptor table', () => {
    const { memory, state } = boot({}, {});
    const pml4 = Number(state.cr3);
    for (const linear of [0, 0x100200, 0x3fffffff, 0x40000000, 0xfee00030, 0xffffffff]) {
      const pdpt = memory.u64(pml4) - 3;
      const directory = memory.u64(pdpt + Math.floor(linear / 2 ** 30) * 8) - 3;
      const entry = memory.u64(directory + (Math.floor(linear / 2 ** 21) % 512) * 8);
      assert.equal(entry, linear - (linear % 2 ** 21) + 0x83, linear.toString(16));
    }
    const gdt = Number(state.gdtr.base);
    assert.deepEqual(memory.slice(gdt + 0x10, 8), [0xff, 0xff, 0, 0, 0, 0x9b, 0xaf, 0]);
    assert.deepEqual(memory.slice(gdt + 0x18, 8), [0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0]);
    assert.deepEqual(memory.slice(gdt + 0x20, 8), [0x67, 0, 0, 0, 0, 0x8b, 0, 0]);
    assert.equal(state.gdtr.limit, 0x2f);
  });
});
