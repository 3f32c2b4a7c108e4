// The TLB is unobservable: what an access does follows from the tables as they are now, with or without INVLPG; the
// accessed and dirty flags are set as if there were no TLB.

import assert from 'node:assert/strict';
import { GuestFault } from '../../src/cpu/signals';
import { SYSTEM } from '../../src/cpu/linear-memory';
import { STATE } from '../../src/cpu/layout';
import { Outcome } from '../../src/isa/slow';
import { le32, loadFrom, storeTo } from './machine-code';
import { longRig, PAGE, ROOT } from './rig';
import type { Rig } from './rig';

const CODE = 0x10000;
const AT = 0x40000;
const [FIRST, SECOND] = [0x60000, 0x61000];
const [A, D] = [0x20n, 0x40n];
const [RW, PRESENT] = [3n, 1n];

const storeRbx = (address: number): number[] => [0x48, 0x89, 0x1c, 0x25, ...le32(address)];
const HLT = 0xf4;

function prepare(): Rig {
  const rig = longRig();
  rig.memory.write32(FIRST, 0x11111111);
  rig.memory.write32(SECOND, 0x22222222);
  rig.setEntry(ROOT, AT, BigInt(FIRST) | RW);
  return rig;
}

function entry(rig: Rig): bigint {
  return rig.memory.read64(rig.entryAddress(ROOT, AT));
}

function run(rig: Rig, ...code: number[][]): Outcome {
  rig.memory.write(CODE, Uint8Array.from([...code.flat(), HLT]));
  return rig.run(CODE);
}

describe('translations', () => {
  it('follow an entry that the guest changes, without INVLPG', () => {
    const rig = prepare();
    const place = rig.entryAddress(ROOT, AT);
    rig.state.setGeneral(3, BigInt(SECOND) | RW);
    assert.equal(run(rig, loadFrom(AT), storeRbx(place), loadFrom(AT)), Outcome.Stop);
    assert.equal(rig.state.general(0), 0x22222222n);
  });

  it('follow an entry that is changed from outside, at every level', () => {
    for (const level of [0, 1, 2, 3]) {
      const rig = prepare();
      run(rig, loadFrom(AT));
      assert.equal(rig.state.general(0), 0x11111111n);
      const other = 0x1a0000; // a copy of the tables from that level down
      for (let n = level + 1; n < 4; n++) rig.memory.write(other + n * PAGE, rig.memory.read(ROOT + n * PAGE, PAGE));
      for (let n = level + 1; n < 3; n++) rig.memory.write64(other + n * PAGE, BigInt(other + (n + 1) * PAGE) | 7n);
      if (level < 3) {
        rig.memory.write64(other + 3 * PAGE + (AT >> 12) * 8, BigInt(SECOND) | RW);
        rig.memory.write64(ROOT + level * PAGE, BigInt(other + (level + 1) * PAGE) | 7n);
      } else rig.setEntry(ROOT, AT, BigInt(SECOND) | RW);
      run(rig, loadFrom(AT));
      assert.equal(rig.state.general(0), 0x22222222n, `level ${level}`);
    }
  });

  it('follow an entry whose accessed flag was cleared first', () => {
    const rig = prepare();
    run(rig, loadFrom(AT));
    rig.setEntry(ROOT, AT, BigInt(FIRST) | RW); // A = 0
    rig.setEntry(ROOT, AT, BigInt(SECOND) | RW);
    run(rig, loadFrom(AT));
    assert.equal(rig.state.general(0), 0x22222222n);
  });

  it('notice an entry that becomes present, loses permission or goes away', () => {
    const rig = prepare();
    rig.setEntry(ROOT, AT, 0n);
    assert.equal(run(rig, loadFrom(AT)), Outcome.Fault);
    assert.equal(rig.state.word(STATE.faultError), 0);
    rig.setEntry(ROOT, AT, BigInt(FIRST) | RW);
    assert.equal(run(rig, loadFrom(AT), storeTo(AT)), Outcome.Stop);
    rig.setEntry(ROOT, AT, BigInt(FIRST) | PRESENT | A | D);
    assert.equal(run(rig, loadFrom(AT)), Outcome.Stop);
    assert.equal(run(rig, storeTo(AT)), Outcome.Fault);
    assert.equal(rig.state.word(STATE.faultError), 3);
    rig.setEntry(ROOT, AT, 0n);
    assert.equal(run(rig, loadFrom(AT)), Outcome.Fault);
  });

  it('notice a change by a store to an alias of the table', () => {
    const rig = prepare();
    rig.setEntry(ROOT, 0x70000, BigInt(ROOT + 3 * PAGE) | RW);
    rig.state.setGeneral(3, BigInt(SECOND) | RW);
    run(rig, loadFrom(AT), storeRbx(0x70000 + (AT >> 12) * 8), loadFrom(AT));
    assert.equal(rig.state.general(0), 0x22222222n);
  });

  it('notice a change through each of the pages by which a table was written before it was one', () => {
    const table = 0x1a0000;
    const high = 0x200000; // what the table maps
    for (const aliases of [[0x70000], [0x70000, 0x71000], [0x70000, 0x71000, 0x72000]]) {
      for (const alias of aliases) {
        const rig = prepare();
        for (const one of aliases) rig.setEntry(ROOT, one, BigInt(table) | RW);
        rig.state.setGeneral(3, BigInt(FIRST) | RW);
        run(rig, ...aliases.map((one) => storeRbx(one)));
        rig.memory.write64(ROOT + 2 * PAGE + 8, BigInt(table) | 7n);
        rig.state.setGeneral(3, BigInt(SECOND) | RW);
        assert.equal(run(rig, loadFrom(high), storeRbx(alias), loadFrom(high)), Outcome.Stop);
        assert.equal(rig.state.general(0), 0x22222222n, `${aliases.length} pages, 0x${alias.toString(16)}`);
      }
    }
  });

  it('notice a change of one byte, of a bulk store, and of a store across entries', () => {
    for (const change of ['byte', 'bulk', 'across'] as const) {
      const rig = prepare();
      const place = rig.entryAddress(ROOT, AT);
      run(rig, loadFrom(AT));
      const wanted = BigInt(SECOND) | RW;
      if (change === 'byte') run(rig, [0xc6, 0x04, 0x25, ...le32(place + 1), (SECOND >> 8) & 255], loadFrom(AT));
      else if (change === 'bulk') {
        rig.state.setGeneral(0, wanted);
        run(rig, [0xbf, ...le32(place)], [0xb9, ...le32(1)], [0xf3, 0x48, 0xab], loadFrom(AT));
      } else {
        const low = rig.memory.read64(place - 4) & 0xffffffffn;
        rig.state.setGeneral(3, low | (BigInt.asUintN(32, wanted) << 32n));
        run(rig, storeRbx(place - 4), loadFrom(AT));
      }
      assert.equal(rig.state.general(0), 0x22222222n, change);
    }
  });
});

describe('accessed and dirty flags', () => {
  it('are set by the first read and the first write', () => {
    const rig = prepare();
    run(rig);
    assert.equal(entry(rig) & (A | D), 0n);
    run(rig, loadFrom(AT));
    assert.equal(entry(rig) & (A | D), A);
    run(rig, loadFrom(AT), storeTo(AT));
    assert.equal(entry(rig) & (A | D), A | D);
  });

  it('are set again after the guest has cleared them', () => {
    const rig = prepare();
    run(rig, loadFrom(AT), storeTo(AT));
    rig.setEntry(ROOT, AT, BigInt(FIRST) | RW | A);
    run(rig, loadFrom(AT), storeTo(AT));
    assert.equal(entry(rig) & (A | D), A | D);
    rig.setEntry(ROOT, AT, BigInt(FIRST) | RW);
    run(rig, loadFrom(AT));
    assert.equal(entry(rig) & (A | D), A);
  });

  it('are set in every level above, and not by an access that faults', () => {
    const rig = prepare();
    for (const level of [0, 1, 2]) rig.memory.write64(ROOT + level * PAGE, BigInt(ROOT + (level + 1) * PAGE) | 7n);
    rig.interpreter.flush();
    rig.setEntry(ROOT, AT, BigInt(FIRST) | PRESENT);
    assert.equal(run(rig, storeTo(AT)), Outcome.Fault);
    assert.equal(entry(rig) & (A | D), 0n);
    for (const level of [0, 1, 2]) assert.equal(rig.memory.read64(ROOT + level * PAGE) & A, A, `level ${level}`);
  });
});

describe('a store across two pages', () => {
  const operations: readonly (readonly [string, readonly number[]])[] = [
    ['mov', storeRbx(AT + PAGE - 3)],
    ['add', [0x48, 0x01, 0x1c, 0x25, ...le32(AT + PAGE - 3)]],
    ['xchg', [0x48, 0x87, 0x1c, 0x25, ...le32(AT + PAGE - 3)]],
    ['cmpxchg', [0x48, 0x0f, 0xb1, 0x1c, 0x25, ...le32(AT + PAGE - 3)]],
    ['movups', [0x0f, 0x11, 0x04, 0x25, ...le32(AT + PAGE - 3)]],
    ['push', [0x68, 1, 2, 3, 4]],
    ['stos', [0x48, 0xab]],
    ['movs', [0x48, 0xa5]],
  ];
  for (const [name, code] of operations) {
    for (const [why, second, error] of [
      ['is absent', 0n, 2],
      ['is read-only', BigInt(SECOND) | PRESENT, 3],
    ] as const) {
      it(`changes nothing when the second page ${why}: ${name}`, () => {
        const rig = prepare();
        rig.setEntry(ROOT, AT + PAGE, second);
        rig.state.setGeneral(3, 0x0123456789abcdefn);
        rig.state.setGeneral(4, BigInt(AT + PAGE + 5));
        rig.state.setGeneral(6, BigInt(CODE));
        rig.state.setGeneral(7, BigInt(AT + PAGE - 3));
        const before = rig.memory.read(FIRST, 2 * PAGE);
        const registers = Array.from({ length: 16 }, (_, n) => rig.state.general(n));
        assert.equal(run(rig, [...code]), Outcome.Fault);
        assert.equal(rig.state.word(STATE.faultError), error);
        assert.equal(rig.state.quad(STATE.faultAddress), BigInt(AT + PAGE));
        assert.equal(rig.interpreter.completed, 0);
        assert.deepEqual(rig.memory.read(FIRST, 2 * PAGE), before);
        assert.deepEqual(
          Array.from({ length: 16 }, (_, n) => rig.state.general(n)),
          registers,
        );
      });
    }
  }

  it('by TypeScript changes nothing either', () => {
    const rig = prepare();
    rig.setEntry(ROOT, AT + PAGE, 0n);
    const before = rig.memory.read(FIRST, PAGE);
    const bytes = new Uint8Array(100).fill(7);
    assert.throws(() => rig.interpreter.writeBytes(BigInt(AT + PAGE - 50), bytes, SYSTEM), GuestFault);
    assert.throws(() => rig.interpreter.write64(BigInt(AT + PAGE - 3), 1n, SYSTEM), GuestFault);
    assert.deepEqual(rig.memory.read(FIRST, PAGE), before);
  });

  it('lands in both', () => {
    const rig = prepare();
    rig.setEntry(ROOT, AT + PAGE, BigInt(SECOND) | RW);
    rig.state.setGeneral(3, 0x0807060504030201n);
    run(rig, storeRbx(AT + PAGE - 3));
    assert.deepEqual([...rig.memory.read(FIRST + PAGE - 3, 3)], [1, 2, 3]);
    assert.deepEqual([...rig.memory.read(SECOND, 5)], [4, 5, 6, 7, 8]);
  });
});
