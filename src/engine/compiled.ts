/**
 * What machines of one shape share: handler table and compiled WebAssembly are functions of the instruction set and the
 * memory plan alone. The last of them is kept, so that a machine made again (a restart, a restored snapshot, a test)
 * does not pay for generating and compiling anew.
 */
import type { Instruction } from '../isa/define';
import type { MemoryPlan } from '../memory/plan';
import { HandlerTable } from './handler-table';
import { generateInterpreter } from './interpreter-module';

/** An interpreter without its state. */
export interface CompiledInterpreter {
  readonly handlers: HandlerTable;
  readonly module: WebAssembly.Module;
}

let last: { instructions: readonly Instruction[]; plan: string; compiled: CompiledInterpreter } | undefined;

/** The interpreter of `instructions` over memory divided by `plan`; `profiled`: with the calls of `profile.ts`. */
export function compiledInterpreter(
  instructions: readonly Instruction[],
  plan: MemoryPlan,
  profiled: boolean,
): CompiledInterpreter {
  const key = JSON.stringify([plan, profiled]);
  if (last?.instructions === instructions && last.plan === key) return last.compiled;
  const handlers = new HandlerTable(instructions);
  const compiled = { handlers, module: new WebAssembly.Module(generateInterpreter(plan, handlers, profiled)) };
  last = { instructions, plan: key, compiled };
  return compiled;
}
