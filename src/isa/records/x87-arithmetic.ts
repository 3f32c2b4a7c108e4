/**
 * x87 arithmetic, comparison and transcendental instructions (SDM Vol. 1, 5.2.2 to 5.2.4, 8.3.5 to 8.3.8). The
 * undocumented aliases of FCOM and FCOMP that every processor executes are among them (SDM Vol. 2D,
 * tables leave them blank).
 */
import { i32, i64 } from '../../wasm/expr';
import type { Int, Semantics } from '../semantics';
import { define } from '../define';
import type { Instruction } from '../define';
import { op } from '../form';
import { x87Operation } from '../float-operations';
import type { X87OperationName, X87Source } from '../float-operations';
import { callX87, callX87WithMemory, enterX87, MEMORY_TYPE } from './x87-entry';

const feature = 'FPU';
type MemorySource = Exclude<X87Source, 'STi'>;

/** With a memory operand; `pops` registers leave the stack. */
function withMemory(
  name: string,
  operation: X87OperationName,
  sources: readonly (readonly [encoding: string, source: MemorySource])[],
  pops = 0,
): Instruction[] {
  return sources.map(([encoding, source]) =>
    define(name, { forms: [op(encoding, MEMORY_TYPE[source])], feature }, (m, [operand]) => {
      enterX87(m);
      callX87WithMemory(m, x87Operation(operation, source, pops), operand!);
    }),
  );
}

/** ST(0) with ST(i): the result goes to ST(0), or with `toSti` to ST(i). */
function withRegister(
  name: string,
  operation: X87OperationName,
  encodings: readonly string[],
  { pops = 0, toSti = false } = {},
): Instruction {
  const forms = encodings.map((encoding) => op(encoding, toSti ? 'STi,ST0' : 'ST0,STi'));
  return define(name, { forms, feature }, (m, operands) => {
    enterX87(m);
    callX87(m, x87Operation(operation, 'STi', pops, toSti), operands[toSti ? 0 : 1]!);
  });
}

/** An arithmetic operation's extension, and that of its `STi,ST0` forms, which swaps FSUB with FSUBR, FDIV with FDIVR. */
function arithmetic(operation: X87OperationName, n: number, reversed: number): Instruction[] {
  const integer = operation.replace('F', 'FI');
  return [
    ...withMemory(operation, operation, [
      [`d8 /${n}`, 'single'],
      [`dc /${n}`, 'double'],
    ]),
    ...withMemory(integer, operation, [
      [`da /${n}`, 'doubleword'],
      [`de /${n}`, 'word'],
    ]),
    withRegister(operation, operation, [`d8 /${n}`]),
    withRegister(operation, operation, [`dc /${reversed}`], { toSti: true }),
    withRegister(`${operation}P`, operation, [`de /${reversed}`], { toSti: true, pops: 1 }),
  ];
}

function comparison(name: 'FCOM' | 'FICOM', n: number, pops: number): Instruction[] {
  const isInteger = name === 'FICOM';
  return withMemory(
    name + (pops ? 'P' : ''),
    'FCOM',
    isInteger
      ? [
          [`da /${n}`, 'doubleword'],
          [`de /${n}`, 'word'],
        ]
      : [
          [`d8 /${n}`, 'single'],
          [`dc /${n}`, 'double'],
        ],
    pops,
  );
}

/** Compares with ST(1) and pops both. */
function popsBoth(name: string, operation: X87OperationName, encoding: string): Instruction {
  return define(name, { forms: [op(encoding)], feature }, (m) => {
    enterX87(m);
    const number = i32.const(x87Operation(operation, 'STi', 2));
    m.call('x87', number, i32.const(1), i64.const(0), i32.const(0), i32.const(-1), i64.const(0));
  });
}

/** FCOMI and its kin: ZF, PF and CF instead of the condition code, unless an unmasked exception keeps them. */
function toFlags(name: string, operation: X87OperationName, encoding: string, pops: number): Instruction {
  return define(name, { forms: [op(encoding, 'ST0,STi')], feature }, (m, [, other]) => {
    enterX87(m);
    callX87(m, x87Operation(operation, 'STi', pops), other!);
    const flags = m.result(32);
    const isSet = m.result2();
    m.if(m.narrow(isSet), () => m.setFlags(m.narrow(flags)));
  });
}

/** Instructions on the top of the stack without operands, in opcode order from D9 E0. */
const ON_TOP: readonly (readonly [X87OperationName, string])[] = [
  ['FCHS', 'e0'],
  ['FABS', 'e1'],
  ['FTST', 'e4'],
  ['FXAM', 'e5'],
  ['FLD1', 'e8'],
  ['FLDL2T', 'e9'],
  ['FLDL2E', 'ea'],
  ['FLDPI', 'eb'],
  ['FLDLG2', 'ec'],
  ['FLDLN2', 'ed'],
  ['FLDZ', 'ee'],
  ['F2XM1', 'f0'],
  ['FYL2X', 'f1'],
  ['FPTAN', 'f2'],
  ['FPATAN', 'f3'],
  ['FXTRACT', 'f4'],
  ['FPREM1', 'f5'],
  ['FPREM', 'f8'],
  ['FYL2XP1', 'f9'],
  ['FSQRT', 'fa'],
  ['FSINCOS', 'fb'],
  ['FRNDINT', 'fc'],
  ['FSCALE', 'fd'],
  ['FSIN', 'fe'],
  ['FCOS', 'ff'],
];

/** Conditions by their names, ModRM extensions and flags; opcode DB negates them. */
const CONDITIONS: readonly (readonly [suffix: string, code: string, flags: (m: Semantics) => Int])[] = [
  ['B', '/0', (m) => m.flag('CF')],
  ['E', '/1', (m) => m.flag('ZF')],
  ['BE', '/2', (m) => m.or(m.flag('CF'), m.flag('ZF'))],
  ['U', '/3', (m) => m.flag('PF')],
];

/** FCMOVcc: the condition is the operation's argument, since an empty register counts whether it holds or not. */
function conditionalMoves(): Instruction[] {
  return [false, true].flatMap((negated) =>
    CONDITIONS.map(([suffix, extension, flags]) => {
      const forms = [op(`${negated ? 'db' : 'da'} ${extension}`, 'ST0,STi')];
      return define(`FCMOV${negated ? 'N' : ''}${suffix}`, { forms, feature }, (m, [, source]) => {
        enterX87(m);
        const holds = negated ? m.isZero(flags(m)) : m.narrow(flags(m));
        callX87(m, x87Operation('FCMOV'), source!, i64.extendU(holds));
      });
    }),
  );
}

export const X87_ARITHMETIC: readonly Instruction[] = [
  ...arithmetic('FADD', 0, 0),
  ...arithmetic('FMUL', 1, 1),
  ...arithmetic('FSUB', 4, 5),
  ...arithmetic('FSUBR', 5, 4),
  ...arithmetic('FDIV', 6, 7),
  ...arithmetic('FDIVR', 7, 6),
  ...comparison('FCOM', 2, 0),
  ...comparison('FCOM', 3, 1),
  ...comparison('FICOM', 2, 0),
  ...comparison('FICOM', 3, 1),
  withRegister('FCOM', 'FCOM', ['d8 /2', 'dc /2']),
  withRegister('FCOMP', 'FCOM', ['d8 /3', 'dc /3', 'de /2'], { pops: 1 }),
  withRegister('FUCOM', 'FUCOM', ['dd /4']),
  withRegister('FUCOMP', 'FUCOM', ['dd /5'], { pops: 1 }),
  popsBoth('FCOMPP', 'FCOM', 'de d9'),
  popsBoth('FUCOMPP', 'FUCOM', 'da e9'),
  toFlags('FUCOMI', 'FUCOMI', 'db /5', 0),
  toFlags('FCOMI', 'FCOMI', 'db /6', 0),
  toFlags('FUCOMIP', 'FUCOMI', 'df /5', 1),
  toFlags('FCOMIP', 'FCOMI', 'df /6', 1),
  ...ON_TOP.map(([name, modrm]) =>
    define(name, { forms: [op(`d9 ${modrm}`)], feature }, (m) => {
      enterX87(m);
      callX87(m, x87Operation(name));
    }),
  ),
  ...conditionalMoves(),
];
