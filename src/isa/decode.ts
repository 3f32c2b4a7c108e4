/**
 * The instruction decoder: bytes to `Decoded`, by tables made once from the records' forms.
 * Source: SDM Vol. 2A, chapter 2 (format, prefixes, REX), Vol. 2D, appendix A (opcode maps); LOCK legality: Vol. 2A,
 * LOCK; the 15-byte limit: Vol. 3A, 6.15, #GP.
 * VEX, EVEX, XOP and 3DNow! encodings are undefined: no form has them, and where C4, C5, 62 or 8F are LDS, LES, BOUND
 * or POP, those forms take no ModRM byte of such a prefix.
 * NOT IMPLEMENTED: AMD's variants (LOCK MOV CR0, 66H near branches in 64-bit mode).
 */
import type { CodeBits, DecodeFailure, Decoded, MemoryOperand, OperandValue } from './decoded';
import type { Feature, Instruction } from './define';
import type { OperandSpec } from './form';
import { operandBits } from './form';
import type { Bits } from './semantics';
import { Cursor } from './decode/cursor';
import { memoryOperand } from './decode/modrm';
import type { Candidate, OpcodeSlot } from './decode/opcode-table';
import { PREFIX_CLASS, contextBit, opcodeTable } from './decode/opcode-table';

/** Most bytes that an instruction may have. */
export const MAX_INSTRUCTION_LENGTH = 15;

export interface Decoder {
  /**
   * Decodes the instruction at `bytes[start]`, reading below `end` only. `truncated` says that `end` came too early,
   * `too long` that the instruction is longer than 15 bytes (#GP(0)), `undefined` that it raises #UD; `length` counts
   * the bytes looked at.
   */
  decode(bytes: Uint8Array, start: number, end: number, bits: CodeBits): Decoded | DecodeFailure;
}

const DS = 3;
const RSI = 6;
const RDI = 7;
const REX_W = 8;
const REX_R = 4;
const REX_B = 1;

/** Control registers that exist: CR0, CR2, CR3, CR4, CR8 (SDM Vol. 2B, MOV to/from control registers). */
const CONTROL_REGISTERS = 0b1_0001_1101;

const REGISTERS: readonly OperandValue[] = Array.from({ length: 20 }, (_, number) => ({ kind: 'register', number }));
const CONDITIONS: readonly OperandValue[] = Array.from({ length: 16 }, (_, code) => ({ kind: 'condition', code }));
const ONE: OperandValue = { kind: 'one' };

/** What prefixes a byte can be: 0 none, 1 segment, 2 66H, 3 67H, 4 LOCK, 5 F2H and F3H. */
const PREFIXES = new Uint8Array(256);
for (const byte of [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]) PREFIXES[byte] = 1;
PREFIXES[0x66] = 2;
PREFIXES[0x67] = 3;
PREFIXES[0xf0] = 4;
PREFIXES[0xf2] = PREFIXES[0xf3] = 5;

class TableDecoder implements Decoder {
  private readonly cursor = new Cursor();
  // Prefixes of the instruction at hand.
  private long = false;
  private rex = 0;
  private override = -1;
  private operand66 = false;
  private address67 = false;
  private locked = false;
  private repeat: 0 | 0xf2 | 0xf3 = 0;
  // Its opcode, ModRM and sizes.
  private opcode = 0;
  private modrm = 0;
  private size: Bits = 32;
  private addressSize: 16 | 32 | 64 = 32;
  private memory: MemoryOperand | undefined;

  constructor(private readonly table: readonly (OpcodeSlot | undefined)[]) {}

  decode(bytes: Uint8Array, start: number, end: number, bits: CodeBits): Decoded | DecodeFailure {
    const { cursor } = this;
    cursor.set(bytes, start, Math.min(end, start + MAX_INSTRUCTION_LENGTH));
    this.long = bits === 64;
    this.readPrefixes();
    const slot = this.table[this.readOpcode()];
    if (cursor.short) return this.tooShort(start, end);
    if (!slot) return { failure: 'undefined', length: cursor.position - start };
    this.modrm = slot.hasModrm ? cursor.unsigned8() : 0;
    if (cursor.short) return this.tooShort(start, end);
    const candidate = this.choose(slot);
    if (!candidate) return { failure: 'undefined', length: cursor.position - start };

    const { instruction, form } = candidate;
    this.size = candidate.fixedSize || this.operandSize(candidate, bits);
    this.addressSize = bits === 64 ? (this.address67 ? 32 : 64) : (bits === 32) !== this.address67 ? 32 : 16;
    const dataSegment = this.override < 0 ? DS : this.override;
    const memory = slot.hasModrm && this.modrm < 0xc0 && !candidate.ignoresMod;
    this.memory = memory
      ? memoryOperand(cursor, this.modrm, this.addressSize, this.rex, this.long, this.override, dataSegment)
      : undefined;
    const operands: OperandValue[] = [];
    for (const spec of form.operands) {
      const value = this.operandValue(spec, form.uimm === true, dataSegment);
      if (!value) return { failure: 'undefined', length: cursor.position - start };
      operands.push(value);
    }
    if (this.locked && !(instruction.lock && operands[0]?.kind === 'memory'))
      return { failure: 'undefined', length: cursor.position - start };
    if (cursor.short) return this.tooShort(start, end);
    return {
      instruction,
      form,
      length: cursor.position - start,
      size: this.size,
      addressSize: this.addressSize,
      operands,
      dataSegment,
      lock: this.locked,
      repeat: instruction.repeat && !candidate.mandatory ? this.repeat : 0,
      memory,
    };
  }

  private tooShort(start: number, end: number): DecodeFailure {
    if (end - start >= MAX_INSTRUCTION_LENGTH) return { failure: 'too long', length: MAX_INSTRUCTION_LENGTH };
    return { failure: 'truncated', length: Math.max(end - start, 0) };
  }

  /** The last prefix of each group counts; a REX counts only directly before the opcode (SDM Vol. 2A, 2.1.1, 2.2.1). */
  private readPrefixes(): void {
    const { cursor, long } = this;
    this.rex = this.repeat = 0;
    this.override = -1;
    this.operand66 = this.address67 = this.locked = false;
    for (; cursor.position < cursor.limit; cursor.position++) {
      const byte = cursor.bytes[cursor.position]!;
      if (long && byte >> 4 === 4) {
        this.rex = byte;
        continue;
      }
      const kind = PREFIXES[byte]!;
      if (kind === 0) return;
      this.rex = 0;
      if (kind === 1) {
        // CS, DS, ES and SS overrides are ignored in 64-bit mode (SDM Vol. 1, 3.4.2.1).
        if (byte >= 0x64) this.override = byte - 0x60;
        else if (!long) this.override = (byte >> 3) & 3;
      } else if (kind === 2) this.operand66 = true;
      else if (kind === 3) this.address67 = true;
      else if (kind === 4) this.locked = true;
      else this.repeat = byte as 0xf2 | 0xf3;
    }
  }

  /** Index of the opcode's slot; also keeps the opcode byte. */
  private readOpcode(): number {
    const { cursor } = this;
    let map = 0;
    this.opcode = cursor.unsigned8();
    if (this.opcode === 0x0f) {
      map = 1;
      this.opcode = cursor.unsigned8();
      if (this.opcode === 0x38 || this.opcode === 0x3a) {
        map = this.opcode === 0x38 ? 2 : 3;
        this.opcode = cursor.unsigned8();
      }
    }
    return (map << 8) | this.opcode;
  }

  private choose(slot: OpcodeSlot): Candidate | undefined {
    const { modrm } = this;
    let prefixClass: number = this.operand66 ? PREFIX_CLASS.p66 : PREFIX_CLASS.none;
    if (this.repeat !== 0)
      prefixClass =
        (this.repeat === 0xf3 ? PREFIX_CLASS.f3 : PREFIX_CLASS.f2) +
        (this.operand66 ? PREFIX_CLASS.f3With66 - PREFIX_CLASS.f3 : 0);
    const context = contextBit(prefixClass, this.long, this.rex);
    const modrmBit = 1 << (((modrm >> 3) & 7) | (modrm >= 0xc0 ? 8 : 0));
    for (const candidate of slot.candidates) {
      if ((candidate.contexts & context) === 0 || (candidate.modrms & modrmBit) === 0) continue;
      if (candidate.modrm < 0 || candidate.modrm === modrm) return candidate;
    }
    return undefined;
  }

  /** SDM Vol. 1, 3.6, table 3-4. */
  private operandSize({ form }: Candidate, bits: CodeBits): Bits {
    const operand66 = this.operand66 && form.prefix !== 0x66;
    if (bits !== 64) return (bits === 32) !== operand66 ? 32 : 16;
    if (form.force64 || (this.rex & REX_W) !== 0) return 64;
    return operand66 ? 16 : form.default64 ? 64 : 32;
  }

  /** Undefined when the encoding names a register that does not exist. */
  private operandValue(spec: OperandSpec, zeroExtended: boolean, dataSegment: number): OperandValue | undefined {
    const { cursor, rex, modrm } = this;
    switch (spec.letter) {
      case 'E':
      case 'M':
        if (this.memory) return { kind: 'memory', memory: this.memory };
        return this.general((modrm & 7) | ((rex & REX_B) << 3), spec);
      case 'G':
        return this.general(((modrm >> 3) & 7) | ((rex & REX_R) << 1), spec);
      case 'R':
        return this.general((modrm & 7) | ((rex & REX_B) << 3), spec);
      case 'Z':
        return this.general((this.opcode & 7) | ((rex & REX_B) << 3), spec);
      case 'I': {
        const width = operandBits(spec, this.size);
        const value = zeroExtended || spec.type === 'w' ? cursor.unsigned(width) : cursor.signed(width);
        return { kind: 'immediate', value };
      }
      case 'J':
        return { kind: 'relative', value: cursor.signed(operandBits(spec, this.size)) };
      case 'cc':
        return CONDITIONS[this.opcode & 15]!;
      case 'fixed':
      case 'segment':
        return REGISTERS[spec.register!]!;
      case 'V':
        return REGISTERS[((modrm >> 3) & 7) | ((rex & REX_R) << 1)]!;
      case 'W':
      case 'U':
        if (this.memory) return { kind: 'memory', memory: this.memory };
        return REGISTERS[(modrm & 7) | ((rex & REX_B) << 3)]!;
      case 'P':
      case 'S':
        return REGISTERS[(modrm >> 3) & 7]!;
      case 'Q':
      case 'N':
      case 'sti':
        if (this.memory) return { kind: 'memory', memory: this.memory };
        return REGISTERS[modrm & 7]!;
      case 'C': {
        const number = ((modrm >> 3) & 7) | ((rex & REX_R) << 1);
        return ((CONTROL_REGISTERS >> number) & 1) !== 0 ? REGISTERS[number]! : undefined;
      }
      case 'D':
        return (rex & REX_R) === 0 ? REGISTERS[(modrm >> 3) & 7]! : undefined;
      case 'O':
        return this.memoryValue(dataSegment, -1, cursor.unsigned(this.addressSize));
      case 'X':
        return this.memoryValue(dataSegment, RSI, 0n);
      case 'Y':
        return this.memoryValue(0, RDI, 0n);
      case 'A': {
        const offset = this.size === 16 ? cursor.unsigned16() : cursor.signed32() >>> 0;
        return { kind: 'far', offset, selector: cursor.unsigned16() };
      }
      case 'one':
        return ONE;
      default: // ST0 and XMM0
        return REGISTERS[0]!;
    }
  }

  /** General register `number`; without a REX prefix, byte registers 4-7 are AH, CH, DH, BH (SDM Vol. 2A, table 3-1). */
  private general(number: number, spec: OperandSpec): OperandValue {
    return REGISTERS[spec.type === 'b' && this.rex === 0 && number >= 4 ? number + 12 : number]!;
  }

  private memoryValue(segment: number, base: number, displacement: bigint): OperandValue {
    return { kind: 'memory', memory: { segment, base, index: -1, scale: 0, displacement } };
  }
}

/**
 * Makes a decoder for `instructions`; those whose feature is not in `supported` (default: all are) are undefined. A
 * decoder keeps no state between calls.
 */
export function createDecoder(instructions: readonly Instruction[], supported?: ReadonlySet<Feature>): Decoder {
  return new TableDecoder(opcodeTable(instructions, supported));
}
