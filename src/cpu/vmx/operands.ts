/**
 * An instruction's memory operand as exits report it: linear address, displacement, and the fields of the instruction
 * information. Source: SDM Vol. 3C 28.2.1 and 28.2.5; address computation, Vol. 1 3.7.5.
 */
import { RIP_BASE } from '../../isa/decoded';
import type { Decoded, MemoryOperand } from '../../isa/decoded';
import { SEGMENT } from '../../isa/semantics';
import { MODE, STATE } from '../layout';
import type { ProcessorState } from '../state';
import { memoryOperandFields } from './instruction-information';

/** The memory operand of `decoded`, or undefined if it has none. */
export function memoryOf(decoded: Decoded): MemoryOperand | undefined {
  for (const operand of decoded.operands) if (operand.kind === 'memory') return operand.memory;
  return undefined;
}

/** Number of the general, control or debug register in operand `index`, or -1 if it is none. */
export function registerOf(decoded: Decoded, index: number): number {
  const operand = decoded.operands[index];
  return operand?.kind === 'register' ? operand.number : -1;
}

/** The operand's effective address: its offset in the segment, cut to the address size. */
export function effectiveAddress(state: ProcessorState, decoded: Decoded, memory: MemoryOperand): bigint {
  let offset = memory.displacement;
  if (memory.base === RIP_BASE) offset += state.rip + BigInt(decoded.length);
  else if (memory.base >= 0) offset += state.general(memory.base);
  if (memory.index >= 0) offset += state.general(memory.index) << BigInt(memory.scale);
  return BigInt.asUintN(decoded.addressSize, offset);
}

/** Linear address of byte `offset` in `segment`: in 64-bit mode only FS and GS have a base. */
export function linearOf(state: ProcessorState, segment: number, offset: bigint): bigint {
  const is64 = (state.word(STATE.mode) & MODE.codeMask) === MODE.code64;
  if (is64) return BigInt.asUintN(64, segment >= SEGMENT.FS ? offset + state.segmentBase(segment) : offset);
  return BigInt.asUintN(32, offset + state.segmentBase(segment));
}

/** The displacement that exit qualifications report, sign-extended; for RIP-relative operands the sum with RIP. */
export function displacementOf(state: ProcessorState, decoded: Decoded, memory: MemoryOperand): bigint {
  const isRelative = memory.base === RIP_BASE;
  const sum = isRelative ? memory.displacement + state.rip + BigInt(decoded.length) : memory.displacement;
  return BigInt.asUintN(64, sum);
}

/** The fields of the instruction information that describe a memory operand. */
export function memoryFields(decoded: Decoded, memory: MemoryOperand): ReturnType<typeof memoryOperandFields> {
  return memoryOperandFields({
    scale: (1 << memory.scale) as 1 | 2 | 4 | 8,
    addressSize: decoded.addressSize,
    segment: memory.segment,
    index: memory.index >= 0 ? memory.index : undefined,
    base: memory.base >= 0 && memory.base !== RIP_BASE ? memory.base : undefined,
  });
}
