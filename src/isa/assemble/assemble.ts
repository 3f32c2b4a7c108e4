/**
 * The test assembler: an encoding line and operand values to bytes, the inverse of the decoder. Tests and vector makers
 * use it; it emits one encoding per operand list (the shortest displacement, no redundant prefix).
 * Source: SDM Vol. 2A, chapter 2.
 */
import type { CodeBits, OperandValue } from '../decoded';
import type { Form } from '../form';
import { isSized, operandBits } from '../form';
import type { Bits } from '../semantics';
import { addressBytes, littleEndian } from './address';

/** How an instruction is to be encoded, besides its operands. */
export interface Encoding {
  /** Mode: size of the code segment. */
  readonly bits: CodeBits;
  /** Operand size in bits; ignored where the form has but one. */
  readonly size: Bits;
  readonly addressSize: 16 | 32 | 64;
  readonly lock?: boolean;
  /** REP (F3H) or REPNE (F2H). */
  readonly repeat?: 0xf2 | 0xf3;
  /** Segment override for implicit memory operands. */
  readonly dataSegment?: number;
}

const SEGMENT_PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
const DS = 3;
const SS = 2;

/** What the operand size asks of the prefixes; undefined when the form has no such size in the mode. */
function sizePrefixes(form: Form, { bits, size }: Encoding): { operand66: boolean; wide: boolean } | undefined {
  const free = { operand66: false, wide: form.w === 1 };
  if (!isSized(form)) return bits !== 64 && free.wide ? undefined : free;
  let operand66 = false;
  let wide = false;
  if (bits !== 64) {
    if (size === 64 || form.w === 1) return undefined;
    operand66 = size !== bits;
  } else if (form.force64) {
    if (size !== 64) return undefined;
    wide = free.wide;
  } else if (size === 64) {
    wide = form.w === 1 || !form.default64;
  } else {
    if (size === 32 && form.default64) return undefined;
    operand66 = size === 16;
  }
  if ((wide && form.w === 0) || (!wide && form.w === 1)) return undefined;
  const refuses66 =
    form.noPrefix66 ||
    form.prefix === 0x66 ||
    (form.prefix === 'none' && form.operands.some(({ type }) => type === 'y'));
  return operand66 && refuses66 ? undefined : { operand66, wide };
}

/** Bytes under construction: fields of ModRM and REX, and what follows them. */
class Parts {
  rex = 0;
  needsRex = false;
  forbidsRex = false;
  segmentPrefix: number | undefined;
  mod = 3;
  reg = 0;
  rm = 0;
  opcodeLow = 0;
  readonly tail: number[] = [];
  readonly immediates: number[] = [];

  constructor(
    readonly form: Form,
    readonly encoding: Encoding,
  ) {}

  /** Low three bits of a register number; notes what it asks of REX. */
  register(number: number, byteRegister: boolean, rexBit: number): number {
    if (byteRegister && number >= 16) {
      this.forbidsRex = true;
      return number - 12;
    }
    if (byteRegister && number >= 4) this.needsRex = true;
    if (number >= 8) this.rex |= rexBit;
    return number & 7;
  }

  /** False when the segment cannot be asked for. */
  segment(wanted: number, standard: number): boolean {
    if (wanted === standard) return true;
    if (this.encoding.bits === 64 && wanted < 4) return false;
    this.segmentPrefix = SEGMENT_PREFIXES[wanted];
    return true;
  }

  /** Places one operand; false when it cannot be encoded. */
  place(index: number, value: OperandValue): boolean {
    const spec = this.form.operands[index]!;
    const { bits, size, addressSize } = this.encoding;
    const width = operandBits(spec, size);
    switch (value.kind) {
      case 'register': {
        if (['fixed', 'segment', 'st0', 'xmm0'].includes(spec.letter)) return true;
        const byteRegister = spec.type === 'b';
        if (spec.letter === 'Z') this.opcodeLow = this.register(value.number, byteRegister, 1);
        else if ('CDGPSV'.includes(spec.letter)) this.reg = this.register(value.number, byteRegister, 4);
        else this.rm = this.register(value.number, byteRegister, 1);
        return true;
      }
      case 'memory': {
        const { memory } = value;
        if (spec.letter === 'Y') return true;
        if (spec.letter === 'X') return this.segment(memory.segment, DS);
        if (spec.letter === 'O') {
          this.immediates.push(...littleEndian(memory.displacement, addressSize));
          return this.segment(memory.segment, DS);
        }
        const address = addressBytes(memory, addressSize, bits === 64);
        if (!address) return false;
        this.mod = address.mod;
        this.rm = address.rm;
        this.rex |= address.rex;
        this.tail.push(...address.tail);
        return this.segment(memory.segment, memory.base === 4 || memory.base === 5 ? SS : DS);
      }
      case 'immediate':
      case 'relative':
        this.immediates.push(...littleEndian(value.value, width));
        return true;
      case 'far':
        this.immediates.push(...littleEndian(BigInt(value.offset), size), ...littleEndian(BigInt(value.selector), 16));
        return true;
      case 'condition':
        this.opcodeLow = value.code;
        return true;
      case 'one':
        return true;
    }
  }
}

const ESCAPES = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];

/**
 * Encodes `form` with `operands` (parallel to the form's). Undefined when the mode or the sizes cannot express it; the
 * operands' values are taken modulo their fields' widths.
 */
export function assemble(form: Form, operands: readonly OperandValue[], encoding: Encoding): Uint8Array | undefined {
  const { bits, addressSize, lock, repeat, dataSegment } = encoding;
  const sizes = sizePrefixes(form, encoding);
  if (!sizes || (form.mode === 'legacy' && bits === 64) || (form.mode === 'long' && bits !== 64)) return undefined;
  if (bits === 64 ? addressSize === 16 : addressSize === 64) return undefined;
  const parts = new Parts(form, encoding);
  if (form.extension !== undefined) parts.reg = form.extension;
  if (!operands.every((value, index) => parts.place(index, value))) return undefined;
  if (dataSegment !== undefined && !parts.segment(dataSegment, DS)) return undefined;
  if (sizes.wide) parts.rex |= 8;
  const rex = parts.rex !== 0 || parts.needsRex ? [0x40 | parts.rex] : [];
  if (rex.length > 0 && (bits !== 64 || parts.forbidsRex)) return undefined;
  const modrm = form.modrm ?? (parts.mod << 6) | (parts.reg << 3) | parts.rm;
  return Uint8Array.from([
    ...(lock ? [0xf0] : []),
    ...(repeat ? [repeat] : []),
    ...(parts.segmentPrefix !== undefined ? [parts.segmentPrefix] : []),
    ...(addressSize !== bits ? [0x67] : []),
    ...(sizes.operand66 ? [0x66] : []),
    ...(typeof form.prefix === 'number' ? [form.prefix] : []),
    ...rex,
    ...ESCAPES[form.map]!,
    form.opcode | parts.opcodeLow,
    ...(form.hasModrm ? [modrm, ...parts.tail] : []),
    ...parts.immediates,
  ]);
}
