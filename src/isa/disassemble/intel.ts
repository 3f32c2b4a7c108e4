/** Operands in Intel syntax: destination first, sizes as `dword ptr`, addresses in brackets. */
import type { Decoded, MemoryOperand, OperandValue } from '../decoded';
import { RIP_BASE } from '../decoded';
import type { OperandSpec } from '../form';
import { operandBits } from '../form';
import type { DisassembleOptions } from './operand-text';
import { branchTarget, constantOffset, hasOverride, hex, immediateText, signedHex, symbolSuffix } from './operand-text';
import { SEGMENT_NAMES, generalName, registerName } from './register-names';

const POINTER: Readonly<Record<number, string>> = {
  8: 'byte ptr ',
  16: 'word ptr ',
  32: 'dword ptr ',
  48: 'fword ptr ',
  64: 'qword ptr ',
  80: 'tbyte ptr ',
  128: 'xmmword ptr ',
};

function pointer({ size, form }: Decoded, spec: OperandSpec): string {
  const bits = operandBits(spec, size);
  if (spec.type !== 'p') return POINTER[bits] ?? '';
  return (form.operands.length === 1 ? 'far ' : '') + POINTER[bits + 16]!;
}

function memoryText(decoded: Decoded, spec: OperandSpec, memory: MemoryOperand, rip: bigint): string {
  const { base, index, scale, displacement, segment } = memory;
  const shownSegment = spec.letter === 'Y' || hasOverride(memory) ? `${SEGMENT_NAMES[segment]}:` : '';
  const offset = constantOffset(decoded, rip, memory);
  let inside: string;
  if (offset !== undefined) inside = (base === RIP_BASE ? 'rel ' : '') + hex(offset);
  else {
    const registers = [
      ...(base >= 0 ? [generalName(base, decoded.addressSize)] : []),
      ...(index >= 0
        ? [generalName(index, decoded.addressSize) + (scale > 0 || base < 0 ? `*${1 << scale}` : '')]
        : []),
    ];
    inside = registers.join('+') + (displacement === 0n ? '' : signedHex(displacement));
  }
  return `${pointer(decoded, spec)}${shownSegment}[${inside}]`;
}

/** One operand's text; `rip` is the offset of the instruction in CS. */
export function intelOperand(
  decoded: Decoded,
  spec: OperandSpec,
  value: OperandValue,
  rip: bigint,
  options: DisassembleOptions,
): string {
  switch (value.kind) {
    case 'register':
      return registerName(spec, value.number, decoded.size);
    case 'memory': {
      const offset = constantOffset(decoded, rip, value.memory);
      const text = memoryText(decoded, spec, value.memory, rip);
      return offset === undefined ? text : text + symbolSuffix(options, offset);
    }
    case 'immediate':
      return immediateText(decoded, spec, value.value);
    case 'relative': {
      const target = branchTarget(decoded, rip, value.value);
      return hex(target) + symbolSuffix(options, target);
    }
    case 'far':
      return `${hex(BigInt(value.selector))}:${hex(BigInt(value.offset))}`;
    case 'condition':
      return '';
    case 'one':
      return '1';
  }
}
