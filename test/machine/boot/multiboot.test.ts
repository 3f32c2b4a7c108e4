/** Multiboot 1 and 2, PVH: entry state and the information structures. */
import assert from 'node:assert/strict';
import { load } from '../../../src/machine/boot/load';
import type { InitialState } from '../../../src/machine/boot/initial-state';
import type { BootOptions } from '../../../src/machine/boot/options';
import { buildElf, buildNote, concat, multiboot2Header, multibootHeader, PT_NOTE, type TagSpec } from './images';
import { TestMemory } from './test-memory';

const MEMORY = 8 << 20;
const CODE = Uint8Array.from({ length: 64 }, (_, index) => 0x40 + index);
const options: BootOptions = {
  cmdline: 'a b=c',
  initrd: Uint8Array.of(1, 2, 3),
  modules: [{ bytes: Uint8Array.of(9, 8, 7, 6), cmdline: 'second one' }],
};
const EXPECTED_MAP = [
  [0, 0x9fc00, 1],
  [0x9fc00, 0x400, 2],
  [0xe0000, 0x20000, 2],
  [0x100000, MEMORY - 0x100000, 1],
];

function boot(image: Uint8Array, bootOptions: BootOptions = {}) {
  const memory = new TestMemory(MEMORY);
  const state = load(image, bootOptions, memory);
  return { memory, state, info: Number(state.registers.rbx) };
}

function checkFlat32(state: InitialState, entry: number, magic: bigint): void {
  assert.equal(state.registers.rax, magic);
  assert.equal(state.rip, BigInt(entry));
  assert.deepEqual([state.cr0, state.cr4, state.efer, state.rflags], [0x11n, 0n, 0n, 2n]);
  assert.deepEqual([state.segments.cs.access, state.segments.ss.access], [0xc09b, 0xc093]);
  assert.deepEqual([state.segments.cs.base, state.segments.cs.limit], [0n, 0xffffffff]);
  assert.deepEqual([state.tr.base, state.tr.limit, state.tr.access], [0n, 0x67, 0x8b]);
}

const kernel = (bits: 32 | 64, header: Uint8Array): Uint8Array =>
  buildElf({
    bits,
    entry: bits === 64 ? 0x80200020 : 0xc0200020,
    segments: [
      {
        physical: 0x200000,
        virtual: bits === 64 ? 0x80200000 : 0xc0200000,
        bytes: concat(header, new Uint8Array((8 - (header.length % 8)) % 8), CODE),
        memorySize: 0x3000,
      },
    ],
  });

describe('boot: Multiboot 1', () => {
  for (const bits of [32, 64] as const)
    it(`enters an ELF${bits} in protected mode at its physical entry`, () => {
      const { memory, state } = boot(kernel(bits, multibootHeader(3)));
      checkFlat32(state, 0x200020, 0x2badb002n);
      assert.equal(memory.u32(0x200000), 0x1badb002);
    });

  it('builds the information structure', () => {
    const { memory, info } = boot(kernel(32, multibootHeader(3)), options);
    const flags = memory.u32(info);
    assert.equal(flags, 0b10_0100_1101);
    assert.deepEqual([memory.u32(info + 4), memory.u32(info + 8)], [639, 7 * 1024]);
    assert.equal(memory.string(memory.u32(info + 16)), 'a b=c');
    assert.equal(memory.u32(info + 20), 2);
    const modules = [0, 1].map((index) => {
      const at = memory.u32(info + 24) + index * 16;
      const start = memory.u32(at);
      assert.equal(start % 4096, 0);
      return [memory.slice(start, memory.u32(at + 4) - start), memory.string(memory.u32(at + 8))];
    });
    assert.deepEqual(modules, [
      [[1, 2, 3], ''],
      [[9, 8, 7, 6], 'second one'],
    ]);
    assert.equal(memory.string(memory.u32(info + 64)), 'VMXray');
  });

  it('hands over the memory map', () => {
    const { memory, info } = boot(kernel(32, multibootHeader(2)));
    const [length, start] = [memory.u32(info + 44), memory.u32(info + 48)];
    const map: number[][] = [];
    for (let at = start; at < start + length; at += memory.u32(at) + 4)
      map.push([memory.u64(at + 4), memory.u64(at + 12), memory.u32(at + 20)]);
    assert.deepEqual(map, EXPECTED_MAP);
  });

  const kludges: readonly [string, readonly number[], number][] = [
    ['whole file', [0x100010, 0x100000, 0, 0, 0x100030], 16 + 32 + 64],
    ['part of the file', [0x100010, 0x100010, 0x100050, 0x101000, 0x100030], 0x40],
  ];
  for (const [what, addresses, length] of kludges)
    it(`loads by the header's addresses: ${what}`, () => {
      const image = concat(new Uint8Array(16).fill(0x90), multibootHeader(0x10000, addresses), CODE);
      const { memory, state } = boot(image);
      checkFlat32(state, 0x100030, 0x2badb002n);
      assert.equal(memory.u32(0x100010), 0x1badb002);
      const start = addresses[1]!;
      assert.deepEqual(
        memory.slice(start, length),
        Array.from(image.subarray(start - 0x100000, start - 0x100000 + length)),
      );
      assert.equal(memory.u8(start + length), 0, 'nothing behind the load end');
    });
});

describe('boot: Multiboot 2', () => {
  function tagsOf(memory: TestMemory, info: number): { type: number; at: number; size: number }[] {
    const tags: { type: number; at: number; size: number }[] = [];
    for (let at = info + 8; at < info + memory.u32(info); at += Math.ceil(memory.u32(at + 4) / 8) * 8)
      tags.push({ type: memory.u32(at), at, size: memory.u32(at + 4) });
    return tags;
  }

  it('enters an ELF64 in protected mode and lists every tag', () => {
    const { memory, state, info } = boot(kernel(64, multiboot2Header([{ type: 1, fields: [1, 3, 6, 15] }])), options);
    checkFlat32(state, 0x200020, 0x36d76289n);
    assert.equal(info % 8, 0);
    const tags = tagsOf(memory, info);
    assert.deepEqual(
      tags.map(({ type }) => type),
      [1, 2, 3, 3, 4, 6, 14, 15, 0],
    );
    const [cmdline, , first, second, basic, map, oldRsdp, newRsdp] = tags.map(({ at }) => at);
    assert.equal(memory.string(cmdline! + 8), 'a b=c');
    assert.deepEqual(memory.slice(memory.u32(first! + 8), 3), [1, 2, 3]);
    assert.equal(memory.u32(second! + 12) - memory.u32(second! + 8), 4);
    assert.equal(memory.string(second! + 16), 'second one');
    assert.deepEqual([memory.u32(basic! + 8), memory.u32(basic! + 12)], [639, 7 * 1024]);
    assert.deepEqual([memory.u32(map! + 8), memory.u32(map! + 12), memory.u32(map! + 4)], [24, 0, 16 + 4 * 24]);
    const entries = EXPECTED_MAP.map((_, index) => {
      const at = map! + 16 + index * 24;
      return [memory.u64(at), memory.u64(at + 8), memory.u32(at + 16)];
    });
    assert.deepEqual(entries, EXPECTED_MAP);
    assert.deepEqual(memory.slice(oldRsdp! + 8, 20), memory.slice(0xe0000, 20));
    assert.deepEqual(memory.slice(newRsdp! + 8, 36), memory.slice(0xe0000, 36));
  });

  it('takes the entry address tag instead of the ELF header', () => {
    const { state } = boot(kernel(32, multiboot2Header([{ type: 3, fields: [0x200028] }])));
    checkFlat32(state, 0x200028, 0x36d76289n);
  });

  it('loads a file that is no ELF by its address tag', () => {
    const tags: TagSpec[] = [
      { type: 2, fields: [0x300000, 0xffffffff, 0, 0x301000] },
      { type: 3, fields: [0x300048] },
    ];
    const image = concat(multiboot2Header(tags), CODE);
    const { memory, state } = boot(image);
    checkFlat32(state, 0x300048, 0x36d76289n);
    assert.deepEqual(memory.slice(0x300000, image.length), Array.from(image));
  });

  it('passes over optional tags that it cannot serve', () => {
    const tags: TagSpec[] = [
      { type: 5, flags: 1, fields: [0, 0, 32] },
      { type: 4, fields: [2] },
      { type: 77, flags: 1 },
      { type: 1, flags: 1, fields: [8] },
      { type: 9, fields: [0x1234] },
    ];
    checkFlat32(boot(kernel(32, multiboot2Header(tags))).state, 0x200020, 0x36d76289n);
  });
});

describe('boot: PVH', () => {
  const pvh = (bits: 32 | 64, size: 4 | 8): Uint8Array =>
    buildElf({
      bits,
      entry: 0x999999,
      segments: [
        { physical: 0x200000, bytes: CODE },
        { type: PT_NOTE, physical: 0, bytes: concat(buildNote('GNU', 18, 7), buildNote('Xen', 18, 0x200010, size)) },
      ],
    });

  for (const [bits, size] of [
    [32, 4],
    [64, 4],
    [64, 8],
  ] as const)
    it(`enters an ELF${bits} at its note of ${size} bytes`, () => {
      checkFlat32(boot(pvh(bits, size)).state, 0x200010, 0n);
    });

  it('builds hvm_start_info version 1', () => {
    const { memory, info } = boot(pvh(64, 4), options);
    assert.deepEqual(
      [0, 4, 8, 12].map((at) => memory.u32(info + at)),
      [0x336ec578, 1, 0, 2],
    );
    assert.equal(memory.string(memory.u64(info + 24)), 'a b=c');
    assert.equal(memory.u64(info + 32), 0xe0000);
    const list = memory.u64(info + 16);
    assert.deepEqual(memory.slice(memory.u64(list), memory.u64(list + 8)), [1, 2, 3]);
    assert.deepEqual(memory.slice(memory.u64(list + 32), memory.u64(list + 40)), [9, 8, 7, 6]);
    assert.equal(memory.string(memory.u64(list + 48)), 'second one');
    const map = memory.u64(info + 40);
    const entries = Array.from({ length: memory.u32(info + 48) }, (_, index) => {
      const at = map + index * 24;
      return [memory.u64(at), memory.u64(at + 8), memory.u32(at + 16)];
    });
    assert.deepEqual(entries, EXPECTED_MAP);
  });
});
