// The stack of a guest as we tell it: rows with their functions, lines and what their variables are read from.
import { shownFrames, type ShownFrame } from '../../../src/dap/frames';
import type { CallFrame } from '../../../src/dap/frame-pointers';
import type { Images } from '../../../src/dap/images/images';
import { unwind } from '../../../src/dap/stack';
import type { Machine } from '../../../src/machine/machine';
import { knownRegisters } from '../../../src/symbols/dwarf/cfi-step';
import { evaluate } from '../../../src/symbols/expression/evaluate';
import { ON_ENTRY } from '../../../src/symbols/symbol-file';
import type { Target } from '../../../src/targets/target';
import type { FrameScope } from '../../symbols/dwarf/leaves';

/** A row of the stack. */
export interface OurRow extends ShownFrame {
  /** The function's name, or that of the symbol, without how far and in which mode. */
  readonly bare: string;
  /** Registers, memory and values on entry of its frame. */
  readonly values: FrameScope;
}

/** A frame that has a place on the stack. */
interface Physical {
  readonly frame: CallFrame;
  readonly rows: readonly ShownFrame[];
  readonly known: ReadonlyMap<string, bigint>;
}

const BITS = 64;

/** The rows from the innermost on, without labels; `most` frames of the stack, and one more for the callers' values. */
export async function ourStack(target: Target, machine: Machine, images: Images, most: number): Promise<OurRow[]> {
  const position = await target.position(1);
  const read = (linear: bigint, length: number) => target.readMemory(1, 'linear', linear, length);
  const stack: Physical[] = [];
  for await (const frame of unwind(target, 1, images, position)) {
    const rows = shownFrames(images, frame, stack.at(-1)?.frame, position).filter(({ isLabel }) => !isLabel);
    stack.push({ frame, rows, known: await knownRegisters(frame, read, BITS) });
    if (stack.length > most) break;
  }
  return stack.slice(0, most).flatMap(({ rows }, at) => {
    const values = valuesOf(machine, stack, at);
    return rows.map((row) => ({ ...row, bare: row.scope?.name ?? symbolOf(images, row) ?? row.name, values }));
  });
}

const symbolOf = (images: Images, { at }: ShownFrame): string | undefined => images.symbolAt(at)?.symbol.name;

function valuesOf(machine: Machine, stack: readonly Physical[], at: number): FrameScope {
  const { known, rows } = stack[at]!;
  return {
    register: (name) => {
      const value = known.get(name);
      return value === undefined ? undefined : { value, bits: BITS };
    },
    variable: (name) => {
      const caller = stack[at + 1];
      const callee = rows.at(-1)?.scope;
      const image = caller?.rows[0]?.image;
      if (!caller || !callee || image?.slide === undefined || !name.startsWith(ON_ENTRY)) return undefined;
      const returns = BigInt.asUintN(64, caller.frame.ip - image.slide);
      const register = name.slice(ON_ENTRY.length);
      const value = image.symbols.valueOnEntry?.(returns, register, callee.name, image.slide, callee.entry);
      return value && BigInt.asUintN(64, evaluate(value, valuesOf(machine, stack, at + 1)).value);
    },
    read: (space, address, length) => machine.readMemory(space, address, length),
  };
}
