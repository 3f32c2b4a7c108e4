/**
 * Numbers of the x87 and SSE operations that are computed in TypeScript: how records name them in calls of the slow
 * functions `x87`, `x87Environment` and `sse`.
 */
import { assert } from '../common/assert';

/** What an x87 operation does; `Source` tells with which operand, and bits tell where the result goes. */
export const X87_OPERATIONS = [
  ...['PENDING', 'FNINIT', 'FNCLEX', 'FLDCW', 'FNOP'],
  ...['FADD', 'FMUL', 'FSUB', 'FSUBR', 'FDIV', 'FDIVR', 'FCOM', 'FUCOM', 'FCOMI', 'FUCOMI', 'FTST', 'FXAM'],
  ...['FLD', 'FST', 'FSTPNCE', 'FISTT', 'FXCH', 'FCMOV', 'FFREE', 'FINCSTP', 'FDECSTP', 'FCHS', 'FABS'],
  ...['FLD1', 'FLDL2T', 'FLDL2E', 'FLDPI', 'FLDLG2', 'FLDLN2', 'FLDZ'],
  ...['F2XM1', 'FYL2X', 'FPTAN', 'FPATAN', 'FXTRACT', 'FPREM1', 'FPREM', 'FYL2XP1'],
  ...['FSQRT', 'FSINCOS', 'FRNDINT', 'FSCALE', 'FSIN', 'FCOS'],
] as const;
export type X87OperationName = (typeof X87_OPERATIONS)[number];

/** The other operand of an x87 operation: ST(i), or memory in one of its formats (SDM Vol. 1, 8.1.2 and 8.3.1). */
export const X87_SOURCES = ['STi', 'single', 'double', 'extended', 'word', 'doubleword', 'quadword', 'bcd'] as const;
export type X87Source = (typeof X87_SOURCES)[number];

/** Fields of an x87 operation's number besides the operation itself (bits 0-7) and its source (bits 8-11). */
export const X87_FIELD = {
  sourceShift: 8,
  sourceMask: 15,
  /** Number of registers popped afterwards, bits 12-13. */
  popShift: 12,
  popMask: 3,
  /** The result goes to ST(i) instead of ST(0). */
  toSti: 0x4000,
} as const;

/** The number of an x87 operation. */
export function x87Operation(name: X87OperationName, source: X87Source = 'STi', pops = 0, toSti = false): number {
  return (
    X87_OPERATIONS.indexOf(name) |
    (X87_SOURCES.indexOf(source) << X87_FIELD.sourceShift) |
    (pops << X87_FIELD.popShift) |
    (toSti ? X87_FIELD.toSti : 0)
  );
}

/** Operations of `x87Environment`. */
export const X87_ENVIRONMENT = { FNSTENV: 0, FLDENV: 1, FNSAVE: 2, FRSTOR: 3 } as const;

const ARITHMETIC = ['ADD', 'MUL', 'SUB', 'MIN', 'DIV', 'MAX', 'SQRT', 'CMP', 'ROUND'] as const;
const TYPES = ['PS', 'PD', 'SS', 'SD'] as const;

/** SSE operations by mnemonic (CMPxx with the predicate as immediate, conversions to integers by register width). */
export const SSE_OPERATIONS: readonly string[] = [
  ...ARITHMETIC.flatMap((name) => TYPES.map((type) => name + type)),
  ...['RCPPS', 'RCPSS', 'RSQRTPS', 'RSQRTSS', 'ADDSUBPS', 'ADDSUBPD', 'HADDPS', 'HADDPD', 'HSUBPS', 'HSUBPD'],
  ...['DPPS', 'DPPD', 'COMISS', 'COMISD', 'UCOMISS', 'UCOMISD'],
  ...['CVTPI2PS', 'CVTPI2PD', 'CVTDQ2PS', 'CVTDQ2PD', 'CVTSI2SS', 'CVTSI2SD', 'CVTSI2SS64', 'CVTSI2SD64'],
  ...['', 'T'].flatMap((t) => [
    ...[`CVT${t}PS2PI`, `CVT${t}PD2PI`, `CVT${t}PS2DQ`, `CVT${t}PD2DQ`],
    ...[`CVT${t}SS2SI`, `CVT${t}SD2SI`, `CVT${t}SS2SI64`, `CVT${t}SD2SI64`],
  ]),
  ...['CVTPS2PD', 'CVTPD2PS', 'CVTSS2SD', 'CVTSD2SS'],
];

/** The number of an SSE operation. */
export function sseOperation(name: string): number {
  const number = SSE_OPERATIONS.indexOf(name);
  assert(number >= 0, `SSE operation ${name}`);
  return number;
}
