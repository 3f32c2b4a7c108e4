/** The list of all instruction records. The order is the order of generated tables and stays put. */
import type { Instruction } from '../define';
import * as arithmetic from './arithmetic';
import * as bit from './bit';
import * as compareExchange from './compare-exchange';
import * as control from './control';
import * as controlRegister from './control-register';
import * as decimal from './decimal';
import * as divide from './divide';
import * as far from './far';
import * as flag from './flag';
import * as hint from './hint';
import * as move from './move';
import * as multiply from './multiply';
import * as port from './port';
import * as segment from './segment';
import * as shift from './shift';
import * as stack from './stack';
import * as string from './string';
import * as system from './system';
import * as vmx from './vmx';
import { EXTENDED_STATE } from './extended-state';
import { SIMD_EXTEND } from './simd-extend';
import { SIMD_INTEGER } from './simd-integer';
import { SIMD_LANE_MOVE } from './simd-lane-move';
import { SIMD_MOVE } from './simd-move';
import { SIMD_MULTIPLY } from './simd-multiply';
import { SIMD_SHIFT } from './simd-shift';
import { SIMD_SHUFFLE } from './simd-shuffle';
import { SIMD_STRING } from './simd-string';
import { SSE_ARITHMETIC } from './sse-arithmetic';
import { SSE_CONVERT } from './sse-convert';
import { X87_ARITHMETIC } from './x87-arithmetic';
import { X87_CONTROL } from './x87-control';

const FILES: readonly Readonly<Record<string, Instruction>>[] = [
  ...[arithmetic, move, control, shift, bit, multiply, divide, compareExchange, string, stack, flag, hint],
  ...[segment, far, controlRegister, system, port, decimal, vmx],
];

export const INSTRUCTIONS: readonly Instruction[] = [
  ...FILES.flatMap((file) => Object.values(file)),
  ...[EXTENDED_STATE, X87_CONTROL, X87_ARITHMETIC, SSE_ARITHMETIC, SSE_CONVERT].flat(),
  ...[
    SIMD_MOVE,
    SIMD_LANE_MOVE,
    SIMD_INTEGER,
    SIMD_MULTIPLY,
    SIMD_SHIFT,
    SIMD_SHUFFLE,
    SIMD_EXTEND,
    SIMD_STRING,
  ].flat(),
];
