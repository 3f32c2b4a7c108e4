// Code that changes while it runs, by itself, through another mapping, or from outside: the next instruction is always
// what memory holds.

import assert from 'node:assert/strict';
import { Outcome } from '../../src/isa/slow';
import { EAGER_JIT, NO_JIT } from '../../src/engine/jit/jit';
import type { JitPolicy } from '../../src/engine/jit/jit';
import { le32 } from './machine-code';
import { longRig as anyLongRig, PAGE, ROOT } from './rig';
import type { Rig } from './rig';

const CODE = 0x10000;
const HLT = 0xf4;
const [AX] = [0];
/** mov eax, imm32: five bytes. */
const loadEax = (value: number): number[] => [0xb8, ...le32(value)];
/** mov byte [absolute], value: eight bytes. */
const store8 = (address: number, value: number): number[] => [0xc6, 0x04, 0x25, ...le32(address), value];

const POLICIES: Readonly<Record<string, JitPolicy>> = { interpreted: NO_JIT, 'compiled at once': EAGER_JIT };

for (const [how, jit] of Object.entries(POLICIES)) {
  const longRig = (): Rig => anyLongRig({ jit });

  describe(`self-modifying code, ${how}`, () => {
    it('changes its own block’s next instruction', () => {
      const rig = longRig();
      rig.memory.write(CODE, Uint8Array.from([...store8(CODE + 9, 0x22), ...loadEax(0x11), HLT]));
      assert.equal(rig.run(CODE), Outcome.Stop);
      assert.equal(rig.state.general(AX), 0x22n);
    });

    it('changes it with every kind of budget', () => {
      for (let budget = 1; budget < 5; budget++) {
        const rig = longRig();
        rig.memory.write(CODE, Uint8Array.from([0x90, ...store8(CODE + 10, 0x22), ...loadEax(0x11), HLT]));
        rig.state.rip = BigInt(CODE);
        while (rig.interpreter.run(budget) === Outcome.Budget);
        assert.equal(rig.state.general(AX), 0x22n, `budget ${budget}`);
      }
    });

    it('changes it into another, shorter instruction', () => {
      const rig = longRig();
      rig.memory.write(CODE, Uint8Array.from([...store8(CODE + 8, HLT), ...loadEax(0x11), HLT]));
      rig.state.setGeneral(AX, 5n);
      assert.equal(rig.run(CODE), Outcome.Stop);
      assert.equal(rig.state.rip, BigInt(CODE + 8));
      assert.equal(rig.state.general(AX), 5n);
    });

    it('changes it through an alias', () => {
      const rig = longRig();
      rig.setEntry(ROOT, 0x50000, BigInt(CODE) | 7n);
      rig.memory.write(CODE, Uint8Array.from([...store8(0x50009, 0x22), ...loadEax(0x11), HLT]));
      assert.equal(rig.run(CODE), Outcome.Stop);
      assert.equal(rig.state.general(AX), 0x22n);
    });

    it('changes it with a REP STOS, bulk or not', () => {
      const rig = longRig();
      const program = [0xbf, ...le32(CODE + 16), 0xb9, ...le32(4), 0xb0, 0x33, 0xf3, 0xaa, 0x90, ...loadEax(0x11), HLT];
      rig.memory.write(CODE, Uint8Array.from(program));
      assert.equal(rig.run(CODE), Outcome.Stop);
      assert.equal(rig.state.general(AX), 0x33333333n);
    });

    it('runs what a loop has made of itself each time', () => {
      const rig = longRig();
      // again: inc byte [imm of add]; add ebx, imm8; loop again
      const program = [0xb9, ...le32(10), 0xfe, 0x04, 0x25, ...le32(CODE + 14), 0x83, 0xc3, 0, 0xe2, 0xf4, HLT];
      rig.memory.write(CODE, Uint8Array.from(program));
      rig.state.setGeneral(3, 0n);
      assert.equal(rig.run(CODE), Outcome.Stop);
      assert.equal(rig.state.general(3), 55n);
    });

    it('sees a write from outside', () => {
      const rig = longRig();
      rig.memory.write(CODE, Uint8Array.from([...loadEax(0x11), HLT]));
      rig.run(CODE);
      assert.equal(rig.state.general(AX), 0x11n);
      rig.memory.write8(CODE + 1, 0x44);
      rig.run(CODE);
      assert.equal(rig.state.general(AX), 0x44n);
      rig.memory.write64(CODE, 0xf4_00000055b8n);
      rig.run(CODE);
      assert.equal(rig.state.general(AX), 0x55n);
    });

    describe('across a page', () => {
      const AT = CODE + PAGE - 3;
      const prepare = () => {
        const rig = longRig();
        rig.memory.write(AT, Uint8Array.from([...loadEax(0x11_22_33_44), HLT]));
        rig.run(AT);
        assert.equal(rig.state.general(AX), 0x11223344n);
        return rig;
      };

      it('changes the second page', () => {
        const rig = prepare();
        rig.memory.write8(CODE + PAGE + 1, 0x99);
        rig.run(AT);
        assert.equal(rig.state.general(AX), 0x99223344n);
      });

      it('changes the first page', () => {
        const rig = prepare();
        rig.memory.write8(AT + 1, 0x99);
        rig.run(AT);
        assert.equal(rig.state.general(AX), 0x11223399n);
      });

      it('maps another second page', () => {
        const rig = prepare();
        rig.memory.write(0x60000, Uint8Array.from([0x77, 0x66, HLT]));
        rig.setEntry(ROOT, CODE + PAGE, 0x60007n);
        rig.run(AT);
        assert.equal(rig.state.general(AX), 0x66773344n);
        rig.setEntry(ROOT, CODE + PAGE, BigInt(CODE + PAGE) | 7n);
        rig.run(AT);
        assert.equal(rig.state.general(AX), 0x11223344n);
      });

      it('takes the second page away', () => {
        const rig = prepare();
        rig.setEntry(ROOT, CODE + PAGE, 0n);
        assert.equal(rig.run(AT), Outcome.Fault);
        assert.equal(rig.state.rip, BigInt(AT));
      });

      it('changes the second page by the instruction before', () => {
        const rig = longRig();
        const at = AT - 8;
        rig.memory.write(at, Uint8Array.from([...store8(CODE + PAGE + 1, 0x55), ...loadEax(0x11_22_33_44), HLT]));
        assert.equal(rig.run(at), Outcome.Stop);
        assert.equal(rig.state.general(AX), 0x55223344n);
      });

      it('stays the same for two mappings with different second pages', () => {
        const rig = prepare();
        rig.memory.write(0x60000, Uint8Array.from([0x77, 0x66, HLT]));
        rig.setEntry(ROOT, 0x80000, BigInt(CODE) | 7n);
        rig.setEntry(ROOT, 0x81000, 0x60007n);
        for (let turn = 0; turn < 3; turn++) {
          rig.run(0x80000 + PAGE - 3);
          assert.equal(rig.state.general(AX), 0x66773344n);
          rig.run(AT);
          assert.equal(rig.state.general(AX), 0x11223344n);
        }
      });
    });
  });
}
