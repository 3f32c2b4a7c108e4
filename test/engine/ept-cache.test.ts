// What is remembered of the EPT is unobservable: an access goes where the EPT says now, may do what it allows now, and sets
// the accessed and dirty flags as if nothing were remembered.

import assert from 'node:assert/strict';
import { STATE } from '../../src/cpu/layout';
import { EXIT_REASON } from '../../src/cpu/vmx/exit-reasons';
import { Outcome } from '../../src/isa/slow';
import { le32, loadFrom, storeTo } from './machine-code';
import { longRig, PAGE, ROOT } from './rig';
import type { Rig } from './rig';

const CODE = 0x10000;
/** Linear pages, all of which lead to the guest-physical page `GUEST`; `FAR` has another one, far above. */
const [AT, SAME, FAR] = [0x40000, 0x41000, 0x42000];
const GUEST = 0x60000;
const FAR_GUEST = GUEST + (4 << 20);
/** Where that page lies, first and then. */
const [FIRST, SECOND] = [0x60000, 0x61000];
/** A page table, and a linear page that is mapped by its first entry. */
const [TABLE, UNDER_TABLE] = [0x70000, 0x200000];
const EPT_ROOT = 0x1c0000;
const FAR_TABLE = EPT_ROOT + 4 * PAGE;
const [R, W, X] = [1n, 2n, 4n];
const [ACCESSED, DIRTY] = [0x100n, 0x200n];
const HLT = 0xf4;

/** mov eax, address; jmp rax. */
const jumpTo = (address: number): number[] => [0xb8, ...le32(address), 0xff, 0xe0];

const leafAddress = (guestPhysical: number): number => EPT_ROOT + 3 * PAGE + (guestPhysical >>> 12) * 8;

/** A guest whose first 2 MiB are mapped one to one by pages of 4 KiB, and one page above 4 MiB to `SECOND`. */
function prepare(): Rig {
  const rig = longRig();
  const { memory, state } = rig;
  for (let level = 0; level < 3; level++) {
    memory.write64(EPT_ROOT + level * PAGE, BigInt(EPT_ROOT + (level + 1) * PAGE) | R | W | X);
  }
  memory.write64(EPT_ROOT + 2 * PAGE + (FAR_GUEST >>> 21) * 8, BigInt(FAR_TABLE) | R | W | X);
  memory.write64(FAR_TABLE + ((FAR_GUEST >>> 12) & 511) * 8, BigInt(SECOND) | R | W | X);
  for (let page = 0; page < 512; page++) memory.write64(leafAddress(page * PAGE), BigInt(page * PAGE) | R | W | X);
  for (const linear of [AT, SAME]) rig.setEntry(ROOT, linear, BigInt(GUEST) | 3n);
  rig.setEntry(ROOT, FAR, BigInt(FAR_GUEST) | 3n);
  memory.write64(ROOT + 2 * PAGE + 8, BigInt(TABLE) | 3n);
  memory.write64(TABLE, BigInt(GUEST) | 3n);
  for (let at = 0; at < PAGE; at += 4) {
    memory.write32(FIRST + at, 0x1000000 + at);
    memory.write32(SECOND + at, 0x2000000 + at);
  }
  state.setWord(STATE.eptRoot, EPT_ROOT);
  state.setWord(STATE.eptDirty, 1);
  rig.interpreter.flush();
  return rig;
}

function run(rig: Rig, ...code: number[][]): Outcome {
  rig.memory.write(CODE, Uint8Array.from([...code.flat(), HLT]));
  return rig.run(CODE);
}

/** What a load gives. */
function loaded(rig: Rig, address: number): number {
  assert.equal(run(rig, loadFrom(address)), Outcome.Stop);
  return Number(rig.state.general(0));
}

const leaf = (rig: Rig): bigint => rig.memory.read64(leafAddress(GUEST));
const setLeaf = (rig: Rig, entry: bigint): void => rig.memory.write64(leafAddress(GUEST), entry);

describe('translations through the EPT', () => {
  it('go to the byte that was asked for, by whichever linear page', () => {
    const rig = prepare();
    assert.equal(loaded(rig, AT + 0x124), 0x1000124);
    assert.equal(loaded(rig, SAME + 0x458), 0x1000458);
    assert.equal(loaded(rig, AT + 0x10), 0x1000010);
  });

  it('are told apart when they share a place', () => {
    const rig = prepare();
    assert.equal(loaded(rig, AT), 0x1000000);
    assert.equal(loaded(rig, FAR), 0x2000000);
    assert.equal(loaded(rig, SAME), 0x1000000);
  });

  it('follow an entry that changes', () => {
    const rig = prepare();
    assert.equal(loaded(rig, AT), 0x1000000);
    setLeaf(rig, BigInt(SECOND) | R | W | X);
    assert.equal(loaded(rig, SAME), 0x2000000);
    assert.equal(loaded(rig, AT), 0x2000000);
  });

  it('follow another root', () => {
    const rig = prepare();
    assert.equal(loaded(rig, AT), 0x1000000);
    const other = EPT_ROOT + 8 * PAGE;
    rig.memory.write(other, rig.memory.read(EPT_ROOT, 4 * PAGE));
    for (let level = 0; level < 3; level++) {
      rig.memory.write64(other + level * PAGE, BigInt(other + (level + 1) * PAGE) | R | W | X);
    }
    rig.memory.write64(leafAddress(GUEST) + other - EPT_ROOT, BigInt(SECOND) | R | W | X);
    rig.state.setWord(STATE.eptRoot, other);
    rig.interpreter.flush();
    assert.equal(loaded(rig, AT), 0x2000000);
  });

  for (const [kind, linear, guestPhysical, allowed, code] of [
    ['written', SAME, GUEST, R | X, storeTo(SAME)],
    ['executed', SAME, GUEST, R | W, jumpTo(SAME)],
    // Nothing was asked of its place in the cache before.
    ['executed, page 0', AT, 0, R | W, jumpTo(0)],
    ['read as a table, which counts as a write', TABLE, TABLE, R | X, loadFrom(UNDER_TABLE)],
  ] as const)
    it(`say of a page that may be read whether it may be ${kind}`, () => {
      const rig = prepare();
      rig.memory.write64(leafAddress(guestPhysical), BigInt(guestPhysical) | allowed);
      loaded(rig, linear);
      assert.equal(run(rig, [...code]), Outcome.Exit);
      assert.equal(rig.state.word(STATE.exitReason), EXIT_REASON.EPT_VIOLATION);
      assert.equal(rig.state.quad(STATE.exitPhysical), BigInt(guestPhysical));
    });

  it('set the accessed flag by a read and the dirty flag by a write, again after both were cleared', () => {
    const rig = prepare();
    for (let round = 0; round < 2; round++) {
      loaded(rig, AT);
      assert.equal(leaf(rig) & (ACCESSED | DIRTY), ACCESSED);
      run(rig, storeTo(SAME));
      assert.equal(leaf(rig) & (ACCESSED | DIRTY), ACCESSED | DIRTY);
      setLeaf(rig, leaf(rig) & ~(ACCESSED | DIRTY));
    }
  });
});
