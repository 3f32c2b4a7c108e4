/**
 * What machines share: handler table and compiled WebAssembly are functions of the instruction set alone. The last of
 * them is kept, so that a machine made again (a restart, a restored snapshot, a test) does not pay for compiling anew.
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

/** The bytes of `generateInterpreter` for all instructions, not profiled, as the build wrote them; undefined without them. */
export type ReadyMadeInterpreter = () => Uint8Array<ArrayBuffer> | undefined;

let last: { instructions: readonly Instruction[]; profiled: boolean; compiled: CompiledInterpreter } | undefined;

/** The interpreter of `instructions`; `profiled`: with the calls of `profile.ts`. */
export function compiledInterpreter(
  instructions: readonly Instruction[],
  plan: MemoryPlan,
  profiled: boolean,
  readyMade?: ReadyMadeInterpreter,
): CompiledInterpreter {
  if (last?.instructions === instructions && last.profiled === profiled) return last.compiled;
  const handlers = new HandlerTable(instructions);
  const bytes = (!profiled && readyMade?.()) || generateInterpreter(plan, handlers, profiled);
  const compiled = { handlers, module: new WebAssembly.Module(bytes) };
  last = { instructions, profiled, compiled };
  return compiled;
}
