/** Plain ELFs, flat binaries, the order of detection and the state after RESET. */
import assert from 'node:assert/strict';
import { detectFormat } from '../../../src/machine/boot/detect';
import { ImageReader } from '../../../src/machine/boot/image-reader';
import { RESET_STATE } from '../../../src/machine/boot/initial-state';
import { load } from '../../../src/machine/boot/load';
import type { BootOptions } from '../../../src/machine/boot/options';
import { buildElf, buildLinux, buildNote, concat, multiboot2Header, multibootHeader, PT_NOTE } from './images';
import { TestMemory } from './test-memory';

const CODE = Uint8Array.of(0xf4, 0xeb, 0xfd, 0x90);

function boot(image: Uint8Array, options: BootOptions = {}) {
  const memory = new TestMemory(4 << 20);
  return { memory, state: load(image, options, memory) };
}

describe('boot: plain ELF', () => {
  it('enters an ELF64 in 64-bit mode with a stack', () => {
    const elf = buildElf({
      entry: 0xffffffff80000001,
      segments: [{ physical: 0x200000, virtual: 0x80000000, bytes: CODE }],
    });
    assert.throws(() => boot(elf), { code: 'boot/malformed' });
    const { memory, state } = boot(
      buildElf({ entry: 0x80000001, segments: [{ physical: 0x200000, virtual: 0x80000000, bytes: CODE }] }),
    );
    assert.equal(state.rip, 0x200001n);
    assert.equal(state.efer, 0x500n);
    assert.equal(state.registers.rsp, 0x9f000n);
    assert.deepEqual(memory.slice(0x200000, 4), Array.from(CODE));
  });

  it('enters an ELF32 in protected mode', () => {
    const { state } = boot(buildElf({ bits: 32, entry: 0x100002, segments: [{ physical: 0x100000, bytes: CODE }] }));
    assert.deepEqual([state.rip, state.cr0, state.efer], [0x100002n, 0x11n, 0n]);
  });

  it('loads several segments and leaves BSS zero', () => {
    const segments = [
      { physical: 0x7000, bytes: CODE, memorySize: 0x1000 },
      { physical: 0x8000, bytes: CODE },
      { physical: 0x100000, bytes: new Uint8Array(0), memorySize: 0x300000 },
    ];
    const { memory } = boot(buildElf({ entry: 0x7000, segments }));
    assert.deepEqual(memory.slice(0x7000, 5), [...CODE, 0]);
    assert.deepEqual(memory.slice(0x8000, 4), Array.from(CODE));
  });
});

describe('boot: flat binaries', () => {
  const cases: readonly [string, NonNullable<BootOptions['flat']>, Partial<Record<string, bigint>>, number, number][] =
    [
      ['a boot sector', { address: 0x7c00, mode: 'real16' }, { rip: 0x7c00n, cr0: 0x10n, efer: 0n }, 0, 0x93],
      ['real mode above 64K', { address: 0x20005, mode: 'real16' }, { rip: 5n, cr0: 0x10n, efer: 0n }, 0x20000, 0x93],
      ['protected mode', { address: 0x7c00, mode: 'protected32' }, { rip: 0x7c00n, cr0: 0x11n, efer: 0n }, 0, 0xc09b],
      [
        '64-bit mode',
        { address: 0x200000, mode: 'long64' },
        { rip: 0x200000n, cr0: 0x80000011n, efer: 0x500n },
        0,
        0xa09b,
      ],
    ];
  for (const [what, flat, expected, base, access] of cases)
    it(`${what}`, () => {
      const { memory, state } = boot(CODE, { flat });
      const { rip, cr0, efer } = state;
      assert.deepEqual({ rip, cr0, efer }, expected);
      assert.deepEqual([state.segments.cs.base, state.segments.cs.access], [BigInt(base), access]);
      assert.equal(
        state.segments.cs.base + (flat.mode === 'real16' ? state.rip : 0n) || BigInt(flat.address),
        BigInt(flat.address),
      );
      assert.deepEqual(memory.slice(flat.address, 4), Array.from(CODE));
      assert.equal(state.segments.ss.base + state.registers.rsp, 0x9f000n);
    });
});

describe('boot: detection', () => {
  const segment = (bytes: Uint8Array) => ({ physical: 0x200000, bytes });
  const note = { type: PT_NOTE, physical: 0, bytes: buildNote('Xen', 18, 0x200000) };
  const elf = (bytes: Uint8Array, ...more: { type: number; physical: number; bytes: Uint8Array }[]) =>
    buildElf({ entry: 0x200000, segments: [segment(bytes), ...more] });
  const both = concat(multiboot2Header([]), multibootHeader(0));
  const cases: readonly [string, Uint8Array, BootOptions, string][] = [
    ['bzImage', buildLinux(), {}, 'linux'],
    ['PVH before Multiboot', elf(both, note), {}, 'pvh'],
    ['Multiboot 2 before 1', elf(both), {}, 'multiboot2'],
    ['Multiboot 1', elf(multibootHeader(0)), {}, 'multiboot'],
    ['Multiboot 1 in no ELF', multibootHeader(0x10000, [0, 0, 0, 0, 0]), {}, 'multiboot'],
    ['a Multiboot header with a wrong sum', elf(multibootHeader(0).map((b, i) => (i === 8 ? b + 1 : b))), {}, 'elf'],
    ['a Multiboot header behind 8 KiB', elf(concat(new Uint8Array(8192), multibootHeader(0))), {}, 'elf'],
    ['plain ELF', elf(CODE), {}, 'elf'],
    ['flat wins', elf(CODE), { flat: { address: 0, mode: 'real16' } }, 'flat'],
    ['the user wins', elf(both, note), { format: 'multiboot' }, 'multiboot'],
  ];
  for (const [what, image, options, expected] of cases)
    it(`${what}: ${expected}`, () => assert.equal(detectFormat(new ImageReader(image), options), expected));
});

describe('RESET state', () => {
  it('is the SDM table', () => {
    const { segments, gdtr, idtr, rip, rflags, cr0 } = RESET_STATE;
    assert.equal(segments.cs.base + rip, 0xfffffff0n);
    assert.deepEqual([rflags, cr0, segments.cs.selector, segments.ds.limit], [2n, 0x60000010n, 0xf000, 0xffff]);
    assert.deepEqual([gdtr.limit, idtr.limit], [0xffff, 0xffff]);
  });
});
