/**
 * SSE arithmetic, comparison and logic (SDM Vol. 1, 5.5.1, 5.6.1, 5.7, 5.10.3 to 5.10.5). What rounds or raises SIMD
 * floating-point exceptions is computed by the slow function `sse` in soft-float, so that MXCSR is exact; scalar
 * arithmetic and comparisons run in line where the result provably agrees (sse-fast.ts).
 */
import { i32 } from '../../wasm/expr';
import { define } from '../define';
import type { Feature, Instruction } from '../define';
import { op } from '../form';
import type { Form } from '../form';
import { sseOperation } from '../float-operations';
import { immediateByte } from './simd-entry';
import { and, andNot, or, xor } from './simd-lane';
import type { Binary } from './simd-lane';
import { areNumbers, fastComparison, fastScalar } from './sse-fast';
import type { ScalarOperator } from './sse-fast';

interface ElementType {
  readonly suffix: 'PS' | 'PD' | 'SS' | 'SD';
  readonly prefix: string;
  /** Type of the source operand. */
  readonly type: string;
  readonly feature: Feature;
}

const PS: ElementType = { suffix: 'PS', prefix: 'np', type: 'ps', feature: 'SSE' };
const PD: ElementType = { suffix: 'PD', prefix: '66', type: 'pd', feature: 'SSE2' };
const SS: ElementType = { suffix: 'SS', prefix: 'f3', type: 'ss', feature: 'SSE' };
const SD: ElementType = { suffix: 'SD', prefix: 'f2', type: 'sd', feature: 'SSE2' };

/** Destination, source and perhaps an immediate, all in soft-float. */
function computed(name: string, forms: readonly Form[], feature: Feature): Instruction {
  const operation = sseOperation(name);
  return define(name, { forms, feature }, (m, [dst, src, by]) => {
    m.enterSse();
    const source = m.sourceOffset(src!, true);
    const immediate = by ? immediateByte(m, by) : i32.const(0);
    m.call('sse', i32.const(operation), m.registerOffset(dst!), source, immediate);
  });
}

function family(name: string, opcode: string, types: readonly ElementType[], immediate = ''): Instruction[] {
  return types.map(({ suffix, prefix, type, feature }) =>
    computed(name + suffix, [op(`${prefix} 0f ${opcode}`, `V${type},W${type}${immediate}`, { uimm: true })], feature),
  );
}

/** The scalar forms of an operation that WebAssembly has too: in line where that is exact, else in soft-float. */
function scalarFamily(name: ScalarOperator, opcode: string): Instruction[] {
  const packed = family(name, opcode, [PS, PD]);
  const scalar = [SS, SD].map(({ suffix, prefix, type, feature }) => {
    const forms = [op(`${prefix} 0f ${opcode}`, `V${type},W${type}`)];
    const operation = sseOperation(name + suffix);
    return define(name + suffix, { forms, feature }, (m, [dst, src]) => {
      m.enterSse();
      const b = m.read(src!);
      const a = name === 'SQRT' ? b : m.read(dst!);
      const { result, counts } = fastScalar(m, name, a, b);
      m.if(
        counts,
        () => m.write(dst!, result),
        () => m.call('sse', i32.const(operation), m.registerOffset(dst!), m.stage(b), i32.const(0)),
      );
    });
  });
  return [...packed, ...scalar];
}

/** SSE3's and SSE4.1's have their own maps and features. */
function later(name: string, encoding: string, operands: string, feature: Feature): Instruction {
  return computed(name, [op(encoding, operands, { uimm: true })], feature);
}

function logic(name: string, opcode: string, compute: Binary): Instruction[] {
  return [PS, PD].map(({ suffix, prefix, type, feature }) =>
    define(name + suffix, { forms: [op(`${prefix} 0f ${opcode}`, `V${type},W${type}`)], feature }, (m, [dst, src]) => {
      m.enterSse();
      const b = m.readVector(src!, true);
      m.writeVector(dst!, compute(m.readVector(dst!), b));
    }),
  );
}

/** Sets ZF, PF and CF; OF, SF and AF are cleared. */
function comparison(name: string, opcode: string): Instruction[] {
  const types = [
    { ...SS, prefix: 'np' },
    { ...SD, prefix: '66' },
  ];
  return types.map(({ suffix, prefix, type, feature }) => {
    const operation = sseOperation(name + suffix);
    const forms = [op(`${prefix} 0f ${opcode}`, `V${type},W${type}`)];
    return define(name + suffix, { forms, feature }, (m, [left, right]) => {
      m.enterSse();
      const b = m.read(right!);
      const a = m.read(left!);
      m.if(
        areNumbers(a, b),
        () => m.setFlags(fastComparison(a, b)),
        () => {
          m.call('sse', i32.const(operation), m.registerOffset(left!), m.stage(b), i32.const(0));
          m.setFlags(m.narrow(m.result2()));
        },
      );
    });
  });
}

const ALL = [PS, PD, SS, SD];

export const SSE_ARITHMETIC: readonly Instruction[] = [
  ...scalarFamily('SQRT', '51'),
  ...family('RSQRT', '52', [PS, SS]),
  ...family('RCP', '53', [PS, SS]),
  ...logic('AND', '54', and),
  ...logic('ANDN', '55', (a, b) => andNot(b, a)),
  ...logic('OR', '56', or),
  ...logic('XOR', '57', xor),
  ...scalarFamily('ADD', '58'),
  ...scalarFamily('MUL', '59'),
  ...scalarFamily('SUB', '5c'),
  ...family('MIN', '5d', ALL),
  ...scalarFamily('DIV', '5e'),
  ...family('MAX', '5f', ALL),
  ...family('CMP', 'c2', ALL, ',Ib'),
  ...comparison('UCOMI', '2e'),
  ...comparison('COMI', '2f'),
  later('ADDSUBPD', '66 0f d0', 'Vpd,Wpd', 'SSE3'),
  later('ADDSUBPS', 'f2 0f d0', 'Vps,Wps', 'SSE3'),
  later('HADDPD', '66 0f 7c', 'Vpd,Wpd', 'SSE3'),
  later('HADDPS', 'f2 0f 7c', 'Vps,Wps', 'SSE3'),
  later('HSUBPD', '66 0f 7d', 'Vpd,Wpd', 'SSE3'),
  later('HSUBPS', 'f2 0f 7d', 'Vps,Wps', 'SSE3'),
  later('ROUNDPS', '66 0f 3a 08', 'Vps,Wps,Ib', 'SSE4_1'),
  later('ROUNDPD', '66 0f 3a 09', 'Vpd,Wpd,Ib', 'SSE4_1'),
  later('ROUNDSS', '66 0f 3a 0a', 'Vss,Wss,Ib', 'SSE4_1'),
  later('ROUNDSD', '66 0f 3a 0b', 'Vsd,Wsd,Ib', 'SSE4_1'),
  later('DPPS', '66 0f 3a 40', 'Vps,Wps,Ib', 'SSE4_1'),
  later('DPPD', '66 0f 3a 41', 'Vpd,Wpd,Ib', 'SSE4_1'),
];
