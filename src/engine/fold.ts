/**
 * Folds one instruction's meaning into handler code: the checks that come before it in the SDM's order (mode #UD,
 * privilege, VM exit), and the loop of a repeated string instruction, in which every iteration commits and counts.
 */
import { i32, i64 } from '../wasm/expr';
import type { FunctionBuilder } from '../wasm/function';
import { Outcome } from '../isa/slow';
import { VECTOR } from '../isa/semantics';
import { MODE, STATE } from '../cpu/layout';
import { any, setWord, word } from '../cpu/paging/emit';
import type { HandlerSemantics, Leave } from './handler';
import type { HandlerKey } from './handler-table';

/** Writes the handler's code; falls through when the instruction is complete and the next entry follows. */
export function foldHandler(f: FunctionBuilder, m: HandlerSemantics, key: HandlerKey, exits: Leave): void {
  const { instruction, operands } = key;
  const bulk = instruction.bulk && m.bulk(instruction.bulk);
  if (instruction.protectedOnly) {
    const mode = i32.and(word(STATE.mode), i32.const(MODE.protected | MODE.virtual8086));
    m.faultIf(i32.ne(mode, i32.const(MODE.protected)), VECTOR.UD);
  }
  if (instruction.privilege === 0) m.faultIf(any(word(STATE.mode), 3 << MODE.cplShift), VECTOR.GP, i32.const(0));
  if (instruction.exit) m.intercept(instruction.exit);
  if (key.repeat === 0) {
    instruction.meaning(m, operands);
    // What it changed may let an event in. Transfers have left by now; their slow functions look themselves.
    if (instruction.endsBlock) f.if(word(STATE.attention), () => exits.leave(f, i32.const(Outcome.DoneCheck)));
    return;
  }
  f.block((done) => {
    f.brIf(done, i64.eqz(m.addressRegister('RCX')));
    f.loop((again) => {
      const once = (): void => {
        instruction.meaning(m, operands);
        m.setAddressRegister('RCX', i64.sub(m.addressRegister('RCX'), i64.const(1)));
      };
      if (bulk) f.if(i32.eqz(bulk), once);
      else once();
      f.brIf(done, i64.eqz(m.addressRegister('RCX')));
      if (instruction.repeat === 'zero') {
        const zero = m.flag('ZF');
        f.brIf(done, key.repeat === 0xf3 ? i32.eqz(zero) : zero);
      }
      setWord(f, STATE.betweenIterations, i32.const(1));
      // The next iteration counts as an instruction of its own. The block was charged for the first; a REP ends it.
      const budget = f.let(word(STATE.budget));
      f.if(i32.leS(budget, i32.const(0)), () => exits.leave(f, i32.const(Outcome.Budget)));
      setWord(f, STATE.budget, i32.sub(budget, i32.const(1)));
      f.br(again);
    });
  });
  setWord(f, STATE.betweenIterations, i32.const(0));
}
