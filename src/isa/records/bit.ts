/**
 * Bit instructions (SDM Vol. 1, 5.1.6; Vol. 2: BT, BTC, BTR, BTS, BSF, BSR, POPCNT, CRC32).
 * Undefined flags: BT and its kin change CF alone; BSF and BSR set SF, ZF and PF from the source and clear the others.
 * LZCNT and TZCNT do not exist: F3H before BSR and BSF is ignored.
 */
import { i32, i64 } from '../../wasm/expr';
import type { I32, I64 } from '../../wasm/expr';
import { define } from '../define';
import type { Instruction } from '../define';
import { op } from '../form';
import type { Address, Int, Operand, Semantics } from '../semantics';

/** A bit string in memory goes on in both directions: the operand-sized word in which the (signed) offset falls. */
function bitStringWord(m: Semantics, base: Operand, offset: Int): Address {
  const log2 = Math.log2(m.size);
  const index = i64.shrS(m.signExtend(offset, m.size, 64) as I64, i64.const(log2));
  return m.displaced(m.address(base), i64.shl(index, i64.const(log2 - 3)));
}

type Change = (m: Semantics, value: Int, mask: Int) => Int;

function bitTest(name: string, opcode: string, extension: number, change?: Change): Instruction {
  const forms = [op(`0f ${opcode}`, 'Ev,Gv'), op(`0f ba /${extension}`, 'Ev,Ib', { uimm: true })];
  return define(name, { forms, lock: change !== undefined }, (m, [base, offset]) => {
    const fromRegister = offset!.kind === 'register';
    const position = m.read(offset!, fromRegister ? m.size : 8);
    const index = m.let(i32.and(m.narrow(position), i32.const(m.size - 1)));
    const changed = (value: Int): Int => change!(m, value, m.shl(m.constant(1), index));
    let value: Int;
    if (fromRegister && base!.kind === 'memory') {
      const place = bitStringWord(m, base!, position);
      if (change) m.prove(place, m.size / 8);
      value = m.load(place, m.size);
      if (change) m.store(place, changed(value), m.size);
    } else {
      value = change ? m.readForWrite(base!) : m.read(base!);
      if (change) m.write(base!, changed(value));
    }
    m.setCarry(i32.and(m.narrow(m.shrU(value, index)), i32.const(1)));
  });
}

export const BT = bitTest('BT', 'a3', 4);
export const BTS = bitTest('BTS', 'ab', 5, (m, value, mask) => m.or(value, mask));
export const BTR = bitTest('BTR', 'b3', 6, (m, value, mask) => m.and(value, m.not(mask)));
export const BTC = bitTest('BTC', 'bb', 7, (m, value, mask) => m.xor(value, mask));

function bitScan(name: string, opcode: string, scan: (m: Semantics, value: Int) => Int): Instruction {
  return define(name, { forms: [op(`0f ${opcode}`, 'Gv,Ev')] }, (m, [dst, src]) => {
    const value = m.read(src!);
    // A source of 0 leaves the destination as it is, its upper half included.
    m.if(i32.eqz(m.isZero(value)), () => m.write(dst!, scan(m, value)));
    m.setArithmeticFlags(value, undefined, m.size);
  });
}

export const BSF = bitScan('BSF', 'bc', (m, value) => (m.size === 64 ? i64.ctz(value as I64) : i32.ctz(value as I32)));
export const BSR = bitScan('BSR', 'bd', (m, value) =>
  m.size === 64 ? i64.sub(i64.const(63), i64.clz(value as I64)) : i32.sub(i32.const(31), i32.clz(value as I32)),
);

export const POPCNT = define('POPCNT', { forms: [op('f3 0f b8', 'Gv,Ev')], feature: 'POPCNT' }, (m, [dst, src]) => {
  const value = m.read(src!);
  m.write(dst!, m.size === 64 ? i64.popcnt(value as I64) : i32.popcnt(value as I32));
  m.setFlags(i32.shl(m.isZero(value), i32.const(6)));
});

/** The polynomial 11EDC6F41H with its bits in the opposite order, as a division from the low end uses it. */
const CASTAGNOLI = 0x82f63b78;

/** Divides `bits` low bits away, one per turn. */
function reduced(m: Semantics, value: Int, bits: number): Int {
  const { code } = m;
  const turns = code.local('i32');
  code.set(turns, i32.const(bits));
  const nextTurn = (): I32 => i32.sub(turns.get(), i32.const(1));
  if (value.type === 'i64') {
    const rest = code.local('i64');
    code.set(rest, value as I64);
    code.loop((again) => {
      const polynomial = i64.and(i64.sub(i64.const(0), i64.and(rest.get(), i64.const(1))), i64.const(CASTAGNOLI));
      code.set(rest, i64.xor(i64.shrU(rest.get(), i64.const(1)), polynomial));
      code.set(turns, nextTurn());
      code.brIf(again, turns.get());
    });
    return rest.get();
  }
  const rest = code.local('i32');
  code.set(rest, value as I32);
  code.loop((again) => {
    const polynomial = i32.and(i32.sub(i32.const(0), i32.and(rest.get(), i32.const(1))), i32.const(CASTAGNOLI | 0));
    code.set(rest, i32.xor(i32.shrU(rest.get(), i32.const(1)), polynomial));
    code.set(turns, nextTurn());
    code.brIf(again, turns.get());
  });
  return rest.get();
}

export const CRC32 = define(
  'CRC32',
  { forms: [op('f2 0f 38 f0', 'Gy,Eb'), op('f2 0f 38 f1', 'Gy,Ev')], feature: 'SSE4_2' },
  (m, [dst, src]) => {
    const data = m.read(src!);
    const bits = src!.bits as 8 | 16 | 32 | 64;
    const sum = m.narrow(m.read(dst!));
    const start = bits === 64 ? i64.xor(data as I64, i64.extendU(sum)) : i32.xor(data as I32, sum);
    const rest = reduced(m, start, bits);
    m.write(dst!, m.zeroExtend(m.zeroExtend(rest, 32), dst!.bits as 32 | 64));
  },
);
