/**
 * Stack frames and flags on the stack (SDM Vol. 2A, ENTER, LEAVE; Vol. 2B, POPA, POPF, PUSHA, PUSHF).
 * NOT IMPLEMENTED: #GP instead of #SS for PUSHA in real mode with an odd SP from 7 to 15.
 */
import { i32, i64 } from '../../wasm/expr';
import type { I64 } from '../../wasm/expr';
import { define } from '../define';
import { op } from '../form';
import { VECTOR } from '../semantics';
import type { GeneralName, Semantics } from '../semantics';

/** Bits of EFLAGS: PUSHF stores VM and RF as 0. */
const IOPL = 0x3000;
const RF = 0x10000;
const VM = 0x20000;

const onStack = { sized: true, default64: true } as const;

export const PUSHF = define('PUSHF', { forms: [op('9c', '', onStack)] }, (m) => {
  const others = m.let(m.state('eflags'));
  const isVirtual = i32.ne(i32.and(others, i32.const(VM)), i32.const(0));
  const isLess = i32.ltU(i32.and(others, i32.const(IOPL)), i32.const(IOPL));
  m.faultIf(i32.and(isVirtual, isLess), VECTOR.GP, i32.const(0));
  const image = i32.or(i32.and(others, i32.const(~(VM | RF))), m.flags());
  m.push(m.size === 64 ? i64.extendU(image) : image, m.size);
});

export const POPF = define('POPF', { forms: [op('9d', '', onStack)], endsBlock: true }, (m) => {
  m.call('popFlags', m.wide(m.stackTop(m.size)), i32.const(m.size));
  m.moveStack(i64.const(m.size / 8));
});

/** From the highest address down. */
const ALL: readonly GeneralName[] = ['RAX', 'RCX', 'RDX', 'RBX', 'RSP', 'RBP', 'RSI', 'RDI'];

const everyRegister = { mode: 'legacy', sized: true } as const;

export const PUSHA = define('PUSHA', { forms: [op('60', '', everyRegister)] }, (m) => {
  const bytes = m.size / 8;
  const top = m.stackPointer();
  // Proved one by one: with a 16-bit stack pointer they may wrap between two registers.
  const places = ALL.map((_, index) => m.stackAddress(m.let(i64.sub(top, i64.const(bytes * (index + 1))))));
  for (const place of places) m.prove(place, bytes);
  ALL.forEach((name, index) => m.store(places[index]!, m.register(name, m.size), m.size));
  m.setStackPointer(i64.sub(top, i64.const(bytes * ALL.length)));
});

export const POPA = define('POPA', { forms: [op('61', '', everyRegister)] }, (m) => {
  const bytes = m.size / 8;
  const popped = ALL.filter((name) => name !== 'RSP').reverse();
  const values = popped.map((name) => m.stackTop(m.size, i64.const(bytes * (7 - ALL.indexOf(name)))));
  popped.forEach((name, index) => m.setRegister(name, m.size, values[index]!));
  m.moveStack(i64.const(bytes * ALL.length));
});

/**
 * The outer frames' pointers of an ENTER with a nesting level above 1, from below the outer frame to below ours. Runs
 * `each(from, to)` with stack offsets for all of them in turn.
 */
function eachOuterFrame(m: Semantics, count: I64, first: I64, each: (from: I64, to: I64) => void): void {
  const { code } = m;
  const bytes = i64.const(m.size / 8);
  const done = code.local('i64');
  code.set(done, i64.const(0));
  code.block((end) =>
    code.loop((again) => {
      code.brIf(end, i64.geU(done.get(), count));
      const distance = m.let(i64.mul(i64.add(done.get(), i64.const(1)), bytes));
      each(m.let(i64.sub(m.wide(m.register('RBP', 64)), distance)), m.let(i64.sub(first, distance)));
      code.set(done, i64.add(done.get(), i64.const(1)));
      code.br(again);
    }),
  );
}

export const ENTER = define(
  'ENTER',
  { forms: [op('c8', 'Iw,Ib', { ...onStack, uimm: true })] },
  (m, [space, nesting]) => {
    const bytes = m.size / 8;
    const level = m.let(i64.and(m.wide(m.read(nesting!, 8)), i64.const(31)));
    const top = m.stackPointer();
    const first = m.stackAddress(m.let(i64.sub(top, i64.const(bytes)))); // where rBP goes, and where rBP will point
    // With a 16-bit stack the frame pointer keeps what ESP has above SP.
    const frame = m.let(i64.add(i64.sub(m.wide(m.register('RSP', 64)), top), first.offset));
    const outer = m.let(i64.sub(level, i64.const(1)));
    const frames = m.let(i64.mul(level, i64.const(bytes)));
    const own = m.let(i64.sub(first.offset, frames)); // where the frame pointer itself goes
    const end = m.let(i64.sub(own, m.wide(m.read(space!, 16))));

    m.prove(first, bytes);
    m.if(i32.wrap(level), () => {
      eachOuterFrame(m, outer, first.offset, (from, to) => {
        m.load(m.stackAddress(from), m.size);
        m.prove(m.stackAddress(to), bytes);
      });
      m.prove(m.stackAddress(own), bytes);
    });
    m.prove(m.stackAddress(end), bytes); // a write there must be possible, though none is made

    m.store(first, m.register('RBP', m.size), m.size);
    m.if(i32.wrap(level), () => {
      eachOuterFrame(m, outer, first.offset, (from, to) =>
        m.store(m.stackAddress(to), m.load(m.stackAddress(from), m.size), m.size),
      );
      m.store(m.stackAddress(own), m.zeroExtend(frame, m.size), m.size);
    });
    m.setRegister('RBP', m.size, m.zeroExtend(frame, m.size));
    m.setStackPointer(end);
  },
);

export const LEAVE = define('LEAVE', { forms: [op('c9', '', onStack)] }, (m) => {
  const frame = m.wide(m.register('RBP', 64));
  const value = m.load(m.stackAddress(frame), m.size);
  m.setStackPointer(i64.add(frame, i64.const(m.size / 8)));
  m.setRegister('RBP', m.size, value);
});
