/** The calls in a piece of code: what "step into target" offers. Source: SDM Vol. 2A, CALL. */
import { type Decoder, MAX_INSTRUCTION_LENGTH } from '../isa/decode';
import type { CodeBits } from '../isa/decoded';
import type { Read } from './disassembly';

/** A call: linear addresses. */
export interface CallSite {
  readonly at: bigint;
  /** Undefined for a call through a register or memory. */
  readonly target: bigint | undefined;
}

/** Code that is looked through, [start, end), and its code segment's size. */
export interface CodeRange {
  readonly start: bigint;
  readonly end: bigint;
  readonly codeBits: CodeBits;
}

/** A line has less code. */
const MOST_BYTES = 4096n;

/** The near calls in a range that begins at an instruction, in its order; those behind bytes that are no code are missing. */
export async function callSites(
  decoder: Decoder,
  read: Read,
  { start, end, codeBits }: CodeRange,
): Promise<CallSite[]> {
  const length = end - start < MOST_BYTES ? end - start : MOST_BYTES;
  const bytes = await read(start, Number(length) + MAX_INSTRUCTION_LENGTH);
  const sites: CallSite[] = [];
  for (let at = 0; at < Number(length) && at < bytes.length;) {
    const decoded = decoder.decode(bytes, at, bytes.length, codeBits);
    if ('failure' in decoded) break;
    const next = start + BigInt(at + decoded.length);
    if (decoded.instruction.name === 'CALL') {
      const [operand] = decoded.operands;
      const target = operand?.kind === 'relative' ? BigInt.asUintN(64, next + operand.value) : undefined;
      sites.push({ at: start + BigInt(at), target });
    }
    at += decoded.length;
  }
  return sites;
}
