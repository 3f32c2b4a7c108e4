/**
 * Which decoded instructions a region takes in: those of 32- and 64-bit code with addresses of that size whose meaning
 * neither changes the mode nor needs a look at events behind it, and that do not always call TypeScript; of repeated ones
 * REP MOVS and REP STOS. All others are the interpreter's. What the fold wants to know of an instruction before it writes
 * it is here, too; both come from the instruction's effects.
 */
import { effectsOf } from '../../isa/effects';
import type { CodeBits } from '../../isa/decoded';
import { FLAG } from '../../isa/semantics';
import type { HandlerKey } from '../handler-table';
import type { EntryView } from './entry-view';

/** What the fold knows of an instruction beforehand. */
export interface Traits {
  readonly isFoldable: boolean;
  /** It has a path on which the interpreter takes over. */
  readonly mayLeave: boolean;
  /** It writes arithmetic flags. */
  readonly setsFlags: boolean;
}

const FILES: ReadonlySet<string | undefined> = new Set([undefined, 'general', 'xmm', 'segment']);
const ARITHMETIC = Object.values(FLAG).reduce((mask, bit) => mask | bit, 0);
const LEAVES: Traits = { isFoldable: false, mayLeave: true, setsFlags: false };
const known = new WeakMap<HandlerKey, Traits>();

function traitsOfKey({ instruction, form, size, operands, repeat }: HandlerKey): Traits {
  const { privilege, protectedOnly, endsBlock } = instruction;
  if (privilege !== undefined || protectedOnly || endsBlock || (repeat !== 0 && !instruction.bulk)) return LEAVES;
  if (operands.some(({ file }) => !FILES.has(file))) return LEAVES;
  const memory = operands.some(({ kind }) => kind === 'memory');
  const effects = effectsOf(instruction, form, size, memory);
  const { slowFunctions, readsMemory, writesMemory, mayFault, exits, flagsWritten } = effects;
  return {
    // SSE arithmetic calls only where its fast path does not hold.
    isFoldable: [...slowFunctions].every((name) => name === 'sse'),
    mayLeave: readsMemory || writesMemory || mayFault || exits.size > 0 || slowFunctions.size > 0,
    setsFlags: (flagsWritten & ARITHMETIC) !== 0,
  };
}

/** The traits of the instruction at `entry` of code of `codeSize` bits; a pseudo entry leaves. */
export function traitsOf(entry: EntryView, codeSize: CodeBits): Traits {
  const { key } = entry;
  if (!key || entry.addressSize !== codeSize) return LEAVES;
  // A near jump of 16 bits cuts EIP.
  if (codeSize === 32 && key.size === 16 && key.operands.some(({ kind }) => kind === 'relative')) return LEAVES;
  let answer = known.get(key);
  if (answer === undefined) known.set(key, (answer = traitsOfKey(key)));
  return answer;
}

/** True when a region can run the instruction at `entry`. */
export function isFoldable(entry: EntryView, codeSize: CodeBits): boolean {
  return traitsOf(entry, codeSize).isFoldable;
}
