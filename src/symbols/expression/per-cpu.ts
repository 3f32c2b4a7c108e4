/**
 * Variables that Linux has once for each processor: a copy lies at the variable's offset in the processor's area, whose
 * address `__per_cpu_offset` tells. Source: Linux, include/asm-generic/percpu.h. The task at hand is `current_task`, in
 * some versions a member of `pcpu_hot` or called `const_current_task`.
 */
import { isAggregate, plain } from '../types/plain';
import { memberNamed } from '../types/members';
import type { Type } from '../types/type';
import type { Expression } from './ast';
import { quoted, typeError } from './errors';
import type { ExpressionNames } from './names';
import { inMemory, type Operand, typed, valueOf } from './operand';
import { member } from './operators';
import { asPointer, constant, moved } from './places';
import { pointer, U64, U8, unsignedOf } from './types';
import { elementOf, pointedTo } from './value-type';

const OFFSETS = '__per_cpu_offset';
const CURRENT = ['current_task', 'const_current_task'];
/** Linux 6.2 to 6.14 keep it in a structure. */
const HOT = 'pcpu_hot';

/** The start of a processor's area less that of the variables' own addresses. Throws a UserError if there are none. */
function areaOf(cpu: Expression | undefined, names: ExpressionNames, at: number): Expression {
  const offsets = names.symbol(OFFSETS);
  if (!offsets)
    throw typeError(`There are no per-CPU variables here: the program has no symbol ${quoted(OFFSETS)}`, at);
  const table: Expression = { kind: 'constant', value: offsets.address, type: pointer(U64, 'linear') };
  const of: Expression = cpu
    ? { kind: 'binary', operator: '+', left: table, right: cpu }
    : asPointer(moved(table, 8 * (names.cpu ?? 0)), U64);
  return { kind: 'dereference', of };
}

const sum = (left: Expression, right: Expression): Expression => ({
  kind: 'cast',
  type: U64,
  of: { kind: 'binary', operator: '+', left: { kind: 'cast', type: U64, of: left }, right },
});

/** A processor's copy of a variable; undefined if the name is no variable. The processor at hand unless `cpu` says. */
export function perCpuVariable(
  name: string,
  names: ExpressionNames,
  at: number,
  cpu?: Expression,
): Operand | undefined {
  const symbol = names.symbol(name);
  const offset = names.perCpuOffset?.(name) ?? symbol?.address;
  if (offset === undefined) return undefined;
  const address = sum(constant(BigInt.asUintN(64, offset), U64), areaOf(cpu, names, at));
  const type = names.types?.typeOfSymbol(name);
  if (type) return inMemory(address, type);
  const size = symbol?.size;
  const width = size === 1 || size === 2 || size === 4 ? size * 8 : 64;
  const of = asPointer(address, unsignedOf(width));
  return { value: { kind: 'dereference', of }, place: { kind: 'memory', address: of } };
}

/** What a per-CPU pointer points to in a processor's area. Throws a UserError for what is no typed pointer. */
export function perCpuTarget(of: Operand, names: ExpressionNames, at: number, cpu?: Expression): Operand {
  const to: Type | undefined = elementOf(of.type);
  if (!to) throw typeError('A per-CPU variable or a pointer to one is needed', at);
  return inMemory(asPointer(sum(valueOf(of, at), areaOf(cpu, names, at)), pointedTo(to)), to);
}

/** The task that the processor at hand runs; undefined if the program is no Linux. */
export function currentTask(names: ExpressionNames, at: number): Operand | undefined {
  const known = CURRENT.find((name) => names.perCpuOffset?.(name) !== undefined || names.symbol(name));
  if (known !== undefined) {
    const found = perCpuVariable(known, names, at);
    return found && asTask(found, names, at);
  }
  const hot = names.types?.typeOfSymbol(HOT);
  const layout = hot && plain(hot);
  if (!layout || !isAggregate(layout) || !memberNamed(layout, CURRENT[0]!)) return undefined;
  const outer = perCpuVariable(HOT, names, at);
  return outer && member(outer, CURRENT[0]!, at, names.types);
}

/** A pointer without a type as one to a task, where the types know that. */
function asTask(of: Operand, { types }: ExpressionNames, at: number): Operand {
  const task = of.type ? undefined : types?.typeNamed('struct', 'task_struct');
  if (!task) return of;
  const value: Expression = { kind: 'cast', type: pointer(U8, 'linear'), of: valueOf(of, at) };
  return typed({ kind: 'pointer', size: 8, to: task }, value);
}
