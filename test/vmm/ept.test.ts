/** The EPT builder: maps, splits, merges, what the processor's format says (SDM Vol. 3C 29.3). */
import assert from 'node:assert/strict';
import { PhysicalMemory } from '../../src/memory/physical-memory';
import { PAGE, planMemory } from '../../src/memory/plan';
import { EPT, Ept } from '../../src/vmm/ept';
import {
  GuestFrames,
  hypervisorBytes,
  LARGE_PAGE,
  machineBytes,
  PageAllocator,
  populateEagerly,
} from '../../src/vmm/memory';

const MIB = 1 << 20;

function bench(): { ept: Ept; memory: PhysicalMemory; pages: PageAllocator } {
  const plan = planMemory(8 * MIB);
  const memory = new PhysicalMemory(new ArrayBuffer(plan.wasmPages * 65536), plan);
  const pages = new PageAllocator(PAGE, 2 * MIB);
  return { ept: new Ept(memory, pages), memory, pages };
}

describe('EPT builder', () => {
  it('writes the EPTP that VM entry takes', () => {
    const { ept } = bench();
    assert.equal(ept.pointer & 0xfff, 0x5e, 'write-back, four levels, accessed and dirty flags');
  });

  it('maps 4 KiB pages through four levels', () => {
    const { ept } = bench();
    const guestPhysical = 0x12_3456_7000;
    ept.map4k(guestPhysical, 0x30_0000);
    const path = ept.walk(guestPhysical + 0x123);
    assert.deepEqual(
      path.map(({ level, address }) => [level, (address % PAGE) / 8]),
      [
        [4, 0],
        [3, 0x48],
        [2, 0x1a2],
        [1, 0x167],
      ],
    );
    assert.equal(path[3]!.value, 0x30_0037n);
    assert.equal(ept.translate(guestPhysical + 0x123), 0x30_0123);
    assert.equal(ept.translate(guestPhysical + PAGE), undefined);
  });

  it('splits and merges without changing what is mapped', () => {
    const { ept, pages } = bench();
    ept.map2m(4 * MIB, 2 * MIB, EPT.READ | EPT.EXECUTE);
    assert.equal(ept.leaf(5 * MIB)?.level, 2);
    ept.split(4 * MIB + 0x5000);
    for (const offset of [0, 0x5678, LARGE_PAGE - 1]) {
      assert.equal(ept.leaf(4 * MIB + offset)?.level, 1);
      assert.equal(ept.translate(4 * MIB + offset), 2 * MIB + offset);
      assert.equal(ept.leaf(4 * MIB + offset)!.value & EPT.ALL, EPT.READ | EPT.EXECUTE);
    }
    const before = pages.save();
    assert.equal(ept.merge(4 * MIB), true);
    assert.equal(ept.leaf(4 * MIB)?.level, 2);
    assert.equal(ept.translate(4 * MIB + 0x5678), 2 * MIB + 0x5678);
    assert.equal(pages.save().free.length, before.free.length + 1, 'the table is free again');
  });

  it('merges only whole, aligned, alike pages', () => {
    const cases: readonly [string, (ept: Ept) => void][] = [
      ['one page elsewhere', (ept) => ept.map4k(0x7000, 4 * MIB)],
      ['one page not present', (ept) => ept.unmap(0x7000)],
      ['one page read-only', (ept) => ept.protect(0x7000, EPT.READ)],
    ];
    for (const [title, spoil] of cases) {
      const { ept } = bench();
      ept.map2m(0, 2 * MIB);
      ept.split(0);
      spoil(ept);
      assert.equal(ept.merge(0), false, title);
    }
    const { ept } = bench();
    for (let i = 0; i < 512; i++) ept.map4k(i * PAGE, 2 * MIB + PAGE + i * PAGE);
    assert.equal(ept.merge(0), false, 'unaligned memory');
  });

  it('keeps accessed and dirty flags over a split', () => {
    const { ept, memory } = bench();
    ept.map2m(0, 2 * MIB);
    const leaf = ept.leaf(0)!;
    memory.write64(leaf.address, leaf.value | EPT.ACCESSED | EPT.DIRTY);
    ept.split(0);
    assert.equal(ept.leaf(0x9000)!.value & (EPT.ACCESSED | EPT.DIRTY), EPT.ACCESSED | EPT.DIRTY);
    assert.equal(ept.merge(0), true);
    assert.equal(ept.leaf(0)!.value & (EPT.ACCESSED | EPT.DIRTY), EPT.ACCESSED | EPT.DIRTY);
  });
});

describe('guest frames', () => {
  const top = 6 * MIB;
  const ram = [
    { start: 0, length: 0xa0000 },
    { start: 0x100000, length: top - 0x100000 },
  ];
  const frames = (): GuestFrames => new GuestFrames(ram, hypervisorBytes(top), machineBytes(top));

  it('gives every page of RAM a frame of its own above the hypervisor', () => {
    const all = frames();
    const seen = new Set<number>();
    for (let page = top / PAGE - 1; page >= 0; page--) {
      if (!all.has(page)) continue;
      const frame = all.frame(page);
      assert.ok(frame * PAGE >= hypervisorBytes(top) && frame * PAGE < machineBytes(top));
      assert.equal(seen.has(frame), false);
      seen.add(frame);
    }
    assert.equal(seen.size, (0xa0000 + top - 0x100000) / PAGE);
    assert.equal(all.has(0xa0), false);
  });

  it('maps whole 2 MiB of RAM by one entry, and around the hole by 4 KiB', () => {
    const { ept } = bench();
    const all = frames();
    populateEagerly(all, ept);
    assert.equal(ept.leaf(0x1000)?.level, 1);
    assert.equal(ept.leaf(0xa0000), undefined);
    assert.equal(ept.leaf(0x100000)?.level, 1);
    for (const address of [2 * MIB, 4 * MIB, top - PAGE]) {
      assert.equal(ept.leaf(address)?.level, 2);
      assert.equal(ept.translate(address), all.find(address / PAGE)! * PAGE);
    }
  });

  it('does not move pages that have frames to make a large page', () => {
    const all = frames();
    all.frame(512 + 7);
    assert.equal(all.largeFrame(512), undefined);
    assert.notEqual(all.largeFrame(1024), undefined);
  });
});
