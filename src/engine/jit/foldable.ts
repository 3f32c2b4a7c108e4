/**
 * Which decoded instructions a region takes in: those of 64-bit code whose meaning neither changes the mode nor needs a
 * look at events behind it, and that do not always call TypeScript. All others are the interpreter's.
 */
import { effectsOf } from '../../isa/effects';
import type { HandlerKey } from '../handler-table';
import type { EntryView } from './entry-view';

const FILES: ReadonlySet<string | undefined> = new Set([undefined, 'general', 'xmm', 'segment']);
const known = new WeakMap<HandlerKey, boolean>();

function isKeyFoldable({ instruction, form, size, operands, repeat }: HandlerKey): boolean {
  const { exit, privilege, protectedOnly, endsBlock } = instruction;
  if (repeat !== 0 || exit || privilege !== undefined || protectedOnly || endsBlock) return false;
  if (operands.some(({ file }) => !FILES.has(file))) return false;
  const memory = operands.some(({ kind }) => kind === 'memory');
  const { slowFunctions } = effectsOf(instruction, form, size, memory);
  // SSE arithmetic calls only where its fast path does not hold.
  return [...slowFunctions].every((name) => name === 'sse');
}

/** True when a region can run the instruction at `entry`. */
export function isFoldable(entry: EntryView): boolean {
  const { key } = entry;
  if (!key || !entry.isAddress64) return false;
  let answer = known.get(key);
  if (answer === undefined) known.set(key, (answer = isKeyFoldable(key)));
  return answer;
}
