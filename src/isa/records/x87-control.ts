/**
 * x87 loads, stores, stack and control instructions (SDM Vol. 1, 5.2.1, 5.2.5, 5.2.6, 8.3.3, 8.3.11; Vol. 2). FENI,
 * FDISI and FSETPM of older parts do nothing. The undocumented aliases of FXCH, FSTP and FFREE that every processor
 * executes are there too.
 */
import { i32, i64 } from '../../wasm/expr';
import { define } from '../define';
import type { Feature, Instruction } from '../define';
import { op } from '../form';
import { X87_ENVIRONMENT, x87Operation } from '../float-operations';
import type { X87OperationName, X87Source } from '../float-operations';
import { VECTOR } from '../semantics';
import { checkPending } from './simd-entry';
import { callX87, callX87WithMemory, enterX87, MEMORY_TYPE, storeX87 } from './x87-entry';

const feature = 'FPU';
const CR0_MP_TS = 0xa;
type MemorySource = Exclude<X87Source, 'STi'>;

function load(name: string, encoding: string, source: MemorySource): Instruction {
  return define(name, { forms: [op(encoding, MEMORY_TYPE[source])], feature }, (m, [operand]) => {
    enterX87(m);
    callX87WithMemory(m, x87Operation('FLD', source), operand!);
  });
}

function store(name: string, encoding: string, source: MemorySource): Instruction {
  const operation: X87OperationName = name.startsWith('FISTT') ? 'FISTT' : 'FST';
  const pops = name.endsWith('P') ? 1 : 0;
  const brings: Feature = operation === 'FISTT' ? 'SSE3' : feature;
  return define(name, { forms: [op(encoding, MEMORY_TYPE[source])], feature: brings }, (m, [operand]) => {
    enterX87(m);
    storeX87(m, operation, source, pops, operand!);
  });
}

/** A stack instruction on ST(i). */
function onRegister(name: string, operation: X87OperationName, encodings: readonly string[], pops = 0): Instruction {
  const operands = operation === 'FXCH' ? 'ST0,STi' : 'STi';
  const forms = encodings.map((encoding) => op(encoding, operands));
  return define(name, { forms, feature }, (m, listed) => {
    enterX87(m);
    callX87(m, x87Operation(operation, 'STi', pops), listed.at(-1)!);
  });
}

/** An instruction without operands; `waits` as in `enterX87`. */
function plain(name: string, operation: X87OperationName, encoding: string, waits: boolean): Instruction {
  return define(name, { forms: [op(encoding)], feature }, (m) => {
    enterX87(m, waits);
    callX87(m, x87Operation(operation));
  });
}

/** The environment or the whole state, to or from memory in the format of the mode and operand size. */
function environment(name: keyof typeof X87_ENVIRONMENT, encoding: string): Instruction {
  return define(name, { forms: [op(encoding, 'M', { sized: true })], feature }, (m, [image]) => {
    enterX87(m, name === 'FLDENV' || name === 'FRSTOR');
    const { segment, offset } = m.address(image!);
    m.call('x87Environment', i32.const(X87_ENVIRONMENT[name]), segment, offset, i32.const(m.size));
  });
}

/** Instructions of the 8087 and 80287 that later parts ignore. */
function ignored(name: string, encoding: string): Instruction {
  return define(name, { forms: [op(encoding)], feature }, (m) => enterX87(m, false));
}

export const X87_CONTROL: readonly Instruction[] = [
  load('FLD', 'd9 /0', 'single'),
  load('FLD', 'dd /0', 'double'),
  load('FLD', 'db /5', 'extended'),
  load('FILD', 'df /0', 'word'),
  load('FILD', 'db /0', 'doubleword'),
  load('FILD', 'df /5', 'quadword'),
  load('FBLD', 'df /4', 'bcd'),
  store('FST', 'd9 /2', 'single'),
  store('FST', 'dd /2', 'double'),
  store('FSTP', 'd9 /3', 'single'),
  store('FSTP', 'dd /3', 'double'),
  store('FSTP', 'db /7', 'extended'),
  store('FIST', 'df /2', 'word'),
  store('FIST', 'db /2', 'doubleword'),
  store('FISTP', 'df /3', 'word'),
  store('FISTP', 'db /3', 'doubleword'),
  store('FISTP', 'df /7', 'quadword'),
  store('FISTTP', 'df /1', 'word'),
  store('FISTTP', 'db /1', 'doubleword'),
  store('FISTTP', 'dd /1', 'quadword'),
  store('FBSTP', 'df /6', 'bcd'),
  onRegister('FLD', 'FLD', ['d9 /0']),
  onRegister('FXCH', 'FXCH', ['d9 /1', 'dd /1', 'df /1']),
  onRegister('FST', 'FST', ['dd /2']),
  onRegister('FSTP', 'FST', ['dd /3', 'df /2', 'df /3'], 1),
  onRegister('FSTPNCE', 'FSTPNCE', ['d9 /3']),
  onRegister('FFREE', 'FFREE', ['dd /0']),
  onRegister('FFREEP', 'FFREE', ['df /0'], 1),
  plain('FNOP', 'FNOP', 'd9 d0', true),
  plain('FDECSTP', 'FDECSTP', 'd9 f6', true),
  plain('FINCSTP', 'FINCSTP', 'd9 f7', true),
  plain('FNCLEX', 'FNCLEX', 'db e2', false),
  plain('FNINIT', 'FNINIT', 'db e3', false),
  ignored('FNENI', 'db e0'),
  ignored('FNDISI', 'db e1'),
  ignored('FNSETPM', 'db e4'),
  define('FLDCW', { forms: [op('d9 /5', 'Mw')], feature }, (m, [src]) => {
    enterX87(m);
    const value = m.wide(m.read(src!, 16));
    m.call('x87', i32.const(x87Operation('FLDCW')), i32.const(0), value, i32.const(0), i32.const(-1), i64.const(0));
  }),
  define('FNSTCW', { forms: [op('d9 /7', 'Mw')], feature }, (m, [dst]) => {
    enterX87(m, false);
    m.write(dst!, m.zeroExtend(m.state('fpuControl'), 16));
  }),
  define('FNSTSW', { forms: [op('dd /7', 'Mw'), op('df e0', 'AX')], feature }, (m, [dst]) => {
    enterX87(m, false);
    m.write(dst!, m.zeroExtend(m.state('fpuStatus'), 16));
  }),
  environment('FLDENV', 'd9 /4'),
  environment('FNSTENV', 'd9 /6'),
  environment('FRSTOR', 'dd /4'),
  environment('FNSAVE', 'dd /6'),
  define('WAIT', { forms: [op('9b')], feature }, (m) => {
    m.faultIf(i32.eq(i32.and(m.state('cr0'), i32.const(CR0_MP_TS)), i32.const(CR0_MP_TS)), VECTOR.NM);
    checkPending(m);
  }),
];
