/**
 * String comparisons of SSE4.2 (SDM Vol. 2B, 4.1, PCMPESTRI and its kin). The comparison is TypeScript; the record gives
 * it the lengths and places the index in ECX, or the mask in XMM0. Memory operands need no alignment.
 */
import { i32, i64, select } from '../../wasm/expr';
import type { I32, I64, V128 } from '../../wasm/expr';
import { define } from '../define';
import type { Instruction } from '../define';
import { op } from '../form';
import { sseOperation } from '../float-operations';
import type { Semantics } from '../semantics';
import { immediateByte } from './simd-entry';
import { and, constantLanes, fromLow32, lanes, lanesOfMask, swizzle } from './simd-lane';

/** |rAX| or |rDX| at 32 or (REX.W) 64 bits, at most 16; the comparison cuts it to 8 for words. */
function explicitLength(m: Semantics, name: 'RAX' | 'RDX'): I32 {
  const value: I64 = m.size === 64 ? (m.register(name, 64) as I64) : i64.extendS(m.register(name, 32) as I32);
  const signed = m.let(value);
  const magnitude = m.let(select(i64.ltS(signed, i64.const(0)), i64.sub(i64.const(0), signed), signed));
  return m.let(i32.wrap(select(i64.ltU(magnitude, i64.const(16)), magnitude, i64.const(16))));
}

/** Imm8 in bits 7:0, the lengths of the first and second string in bits 15:8 and 23:16. */
function control(m: Semantics, immediate: I32, isExplicit: boolean): I32 {
  if (!isExplicit) return immediate;
  const first = i32.shl(explicitLength(m, 'RAX'), i32.const(8));
  return i32.or(immediate, i32.or(first, i32.shl(explicitLength(m, 'RDX'), i32.const(16))));
}

/** Ones in the bytes whose bit of the 16-bit `mask` is set. */
function lanesOfBytes(mask: I32): V128 {
  const spread = swizzle(fromLow32(mask), constantLanes(8, [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]));
  const own = constantLanes(
    8,
    Array.from({ length: 16 }, (_, lane) => 1 << (lane & 7)),
  );
  return lanes('eq', 8)(and(spread, own), own);
}

function comparison(name: string, opcode: string): Instruction {
  const isExplicit = name[4] === 'E';
  const givesMask = name.endsWith('M');
  const operands = givesMask ? 'Vdq,Wdq,Ib,XMM0' : 'Vdq,Wdq,Ib';
  const forms = [op(`66 0f 3a ${opcode}`, operands, { uimm: true, sized: isExplicit })];
  return define(name, { forms, feature: 'SSE4_2' }, (m, [first, second, by, mask]) => {
    m.enterSse();
    const source = m.sourceOffset(second!, false);
    const immediate = immediateByte(m, by!);
    const operation = i32.const(sseOperation(name));
    m.call('sse', operation, m.registerOffset(first!), source, control(m, immediate, isExplicit));
    const result = m.result(32) as I32;
    const flags = m.narrow(m.result2());
    if (givesMask) {
      const words = m.bit(immediate, 0);
      const lanesOrBits = select(
        m.bit(immediate, 6),
        select(words, lanesOfMask(16, result), lanesOfBytes(result)),
        fromLow32(result),
      );
      m.writeVector(mask!, lanesOrBits);
    } else m.setRegister('RCX', 32, result);
    m.setFlags(flags);
  });
}

export const SIMD_STRING: readonly Instruction[] = [
  comparison('PCMPESTRM', '60'),
  comparison('PCMPESTRI', '61'),
  comparison('PCMPISTRM', '62'),
  comparison('PCMPISTRI', '63'),
];
