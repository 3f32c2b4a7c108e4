/**
 * The disassembler: a decoded instruction as text in Intel or AT&T syntax.
 * Source: SDM Vol. 2A, 3.1.1; GNU as manual, 9.16 (AT&T).
 * NOT IMPLEMENTED: redundant prefixes and branch hints are not shown.
 */
import type { Decoded } from '../decoded';
import { attOperand } from './att';
import { intelOperand } from './intel';
import { attMnemonic, intelMnemonic } from './mnemonic';
import type { DisassembleOptions } from './operand-text';
import { branchTarget, constantOffset } from './operand-text';
import { SEGMENT_NAMES } from './register-names';

export type { DisassembleOptions } from './operand-text';

export interface Disassembly {
  /** The whole line: prefixes, mnemonic, operands. */
  readonly text: string;
  /** `lock`, `rep`, `repe`, `repne`, or a segment of an instruction with implicit operands. */
  readonly prefixes: readonly string[];
  readonly mnemonic: string;
  /** In the order of the syntax. */
  readonly operands: readonly string[];
  /** Offset in CS that a relative branch goes to. */
  readonly target?: bigint;
  /** Offset of a RIP-relative or absolute memory operand. */
  readonly dataOffset?: bigint;
}

/** Their operands stand in Intel's order in AT&T syntax as well. */
const UNREVERSED = ['BOUND', 'ENTER'];

function prefixesOf({ lock, repeat, instruction, form, dataSegment }: Decoded): string[] {
  const prefixes: string[] = lock ? ['lock'] : [];
  if (repeat === 0xf2) prefixes.push('repne');
  else if (repeat === 0xf3) prefixes.push(instruction.repeat === 'zero' ? 'repe' : 'rep');
  if (instruction.repeat && form.operands.every(({ letter }) => letter !== 'X') && dataSegment !== 3)
    prefixes.push(SEGMENT_NAMES[dataSegment]!);
  return prefixes;
}

/** Renders `decoded`, which lies at offset `rip` in CS (its linear address where CS has base 0). */
export function disassemble(decoded: Decoded, rip: bigint, options: DisassembleOptions = {}): Disassembly {
  const att = options.syntax === 'att';
  const { form } = decoded;
  const operands: string[] = [];
  let target: bigint | undefined;
  let dataOffset: bigint | undefined;
  for (const [index, value] of decoded.operands.entries()) {
    const spec = form.operands[index]!;
    // ST is implied beside memory (FADD m32fp).
    if (value.kind === 'condition' || (spec.letter === 'st0' && decoded.memory)) continue;
    operands.push((att ? attOperand : intelOperand)(decoded, spec, value, rip, options));
    if (value.kind === 'relative') target = branchTarget(decoded, rip, value.value);
    if (value.kind === 'memory') dataOffset ??= constantOffset(decoded, rip, value.memory);
  }
  if (att && !UNREVERSED.includes(decoded.instruction.name)) operands.reverse();
  const mnemonic = (att ? attMnemonic : intelMnemonic)(decoded);
  const prefixes = prefixesOf(decoded);
  const head = [...prefixes, mnemonic].join(' ');
  const text = operands.length > 0 ? `${head} ${operands.join(', ')}` : head;
  return { text, prefixes, mnemonic, operands, target, dataOffset };
}
