/** Operands in AT&T syntax: `%register`, `$immediate`, `displacement(base,index,scale)`, `*indirect`. */
import type { Decoded, MemoryOperand, OperandValue } from '../decoded';
import { RIP_BASE } from '../decoded';
import type { OperandSpec } from '../form';
import type { DisassembleOptions } from './operand-text';
import { branchTarget, constantOffset, hasOverride, hex, immediateText, symbolSuffix } from './operand-text';
import { SEGMENT_NAMES, generalName, registerName } from './register-names';

const INDIRECT = ['JMP', 'CALL'];

function memoryText(decoded: Decoded, spec: OperandSpec, memory: MemoryOperand, rip: bigint): string {
  const { base, index, scale, displacement, segment } = memory;
  const shownSegment = spec.letter === 'Y' || hasOverride(memory) ? `%${SEGMENT_NAMES[segment]}:` : '';
  const offset = constantOffset(decoded, rip, memory);
  if (offset !== undefined) return shownSegment + hex(offset) + (base === RIP_BASE ? '(%rip)' : '');
  const shownDisplacement = displacement === 0n ? '' : displacement < 0n ? `-${hex(-displacement)}` : hex(displacement);
  const shownBase = base >= 0 ? `%${generalName(base, decoded.addressSize)}` : '';
  const shownIndex = index >= 0 ? `,%${generalName(index, decoded.addressSize)}` : '';
  const shownScale = index >= 0 && decoded.addressSize !== 16 ? `,${1 << scale}` : '';
  return `${shownSegment}${shownDisplacement}(${shownBase}${shownIndex}${shownScale})`;
}

/** One operand's text; `rip` is the offset of the instruction in CS. */
export function attOperand(
  decoded: Decoded,
  spec: OperandSpec,
  value: OperandValue,
  rip: bigint,
  options: DisassembleOptions,
): string {
  const star = INDIRECT.includes(decoded.instruction.name) ? '*' : '';
  switch (value.kind) {
    case 'register':
      return `${star}%${registerName(spec, value.number, decoded.size)}`;
    case 'memory': {
      const offset = constantOffset(decoded, rip, value.memory);
      const text = star + memoryText(decoded, spec, value.memory, rip);
      return offset === undefined ? text : text + symbolSuffix(options, offset);
    }
    case 'immediate':
      return `$${immediateText(decoded, spec, value.value)}`;
    case 'relative': {
      const target = branchTarget(decoded, rip, value.value);
      return hex(target) + symbolSuffix(options, target);
    }
    case 'far':
      return `$${hex(BigInt(value.selector))}, $${hex(BigInt(value.offset))}`;
    case 'condition':
      return '';
    case 'one':
      return '$1';
  }
}
