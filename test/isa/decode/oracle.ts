/** What iced-x86 says of an instruction, brought into the shape in which our decoder's answer is compared with it. */
import * as iced from 'iced-x86';
import type { CodeBits, Decoded, MemoryOperand } from '../../../src/isa/decoded';
import { RIP_BASE } from '../../../src/isa/decoded';
import { operandBits } from '../../../src/isa/form';
import type { OperandSpec } from '../../../src/isa/form';
import { COMPLETE_FEATURES, DIFFERENCES, UNDEFINED_IN_MODE } from './differences';
import { intelMnemonic } from '../../../src/isa/disassemble/mnemonic';
import { branchTarget, constantOffset } from '../../../src/isa/disassemble/operand-text';
import { SEGMENT_NAMES, generalName, registerName } from '../../../src/isa/disassemble/register-names';

/** Bytes between one instruction's start and the next one's in a batch. */
export const SLOT = 16;

const { OpKind } = iced;
type IcedInstruction = iced.Instruction;

function icedRegister(register: number): string {
  const name = iced.Register[register]!.toLowerCase();
  return name.replace(/^(r\d+)l$/, '$1b');
}

/** In 64-bit mode CS, DS, ES and SS overrides do nothing (SDM Vol. 1, 3.4.2.1), but iced reports them. */
function segmentName(name: string, long: boolean): string {
  return long && !['fs', 'gs'].includes(name) ? 'flat' : name;
}

function ourRegister(spec: OperandSpec, number: number, size: number): string {
  const name = registerName(spec, number, size);
  return name === 'st' ? 'st0' : name.replace(/^st\((\d)\)$/, 'st$1');
}

function memoryDifference(
  decoded: Decoded,
  memory: MemoryOperand,
  spec: OperandSpec,
  other: IcedInstruction,
  ip: bigint,
) {
  const long = other.codeSize === iced.CodeSize.Code64;
  const width = decoded.addressSize;
  const name = (number: number): string => (number < 0 ? 'none' : generalName(number, width));
  const isRip = memory.base === RIP_BASE;
  const ours = [
    isRip ? (width === 64 ? 'rip' : 'eip') : name(memory.base),
    name(memory.index),
    1 << memory.scale,
    segmentName(SEGMENT_NAMES[memory.segment]!, long),
    isRip ? constantOffset(decoded, ip, memory) : BigInt.asUintN(width, memory.displacement),
  ].join(' ');
  const theirs = [
    icedRegister(other.memoryBase),
    icedRegister(other.memoryIndex),
    other.memoryIndex === iced.Register.None ? 1 : other.memoryIndexScale, // without an index the scale means nothing
    segmentName(icedRegister(other.memorySegment), long),
    BigInt.asUintN(width, other.memoryDisplacement),
  ].join(' ');
  if (ours !== theirs) return `memory ${ours}, expected ${theirs}`;
  const bits = operandBits(spec, decoded.size) + (spec.type === 'p' ? 16 : 0);
  const expected = iced.MemorySizeExt.size(other.memorySize) * 8;
  return bits !== 0 && bits !== expected ? `memory of ${bits} bits, expected ${expected}` : undefined;
}

/** Widths in bits of iced's immediate kinds. */
const IMMEDIATE_BITS: Readonly<Record<number, number>> = {
  [OpKind.Immediate8]: 8,
  [OpKind.Immediate8_2nd]: 8,
  [OpKind.Immediate16]: 16,
  [OpKind.Immediate32]: 32,
  [OpKind.Immediate64]: 64,
  [OpKind.Immediate8to16]: 16,
  [OpKind.Immediate8to32]: 32,
  [OpKind.Immediate8to64]: 64,
  [OpKind.Immediate32to64]: 64,
};

/** String operands: the segment and registers are implied by the kind. */
const STRING_SOURCES = [OpKind.MemorySegSI, OpKind.MemorySegESI, OpKind.MemorySegRSI];
const STRING_DESTINATIONS = [OpKind.MemoryESDI, OpKind.MemoryESEDI, OpKind.MemoryESRDI];
const MASKMOVS = [OpKind.MemorySegDI, OpKind.MemorySegEDI, OpKind.MemorySegRDI];

function operandDifference(decoded: Decoded, index: number, other: IcedInstruction, theirIndex: number, ip: bigint) {
  const spec = decoded.form.operands[index]!;
  const value = decoded.operands[index]!;
  const kind = other.opKind(theirIndex);
  const expect = (ours: unknown, theirs: unknown): string | undefined =>
    ours === theirs ? undefined : `operand ${index}: ${String(ours)}, expected ${String(theirs)}`;
  switch (value.kind) {
    case 'register':
      if (kind !== OpKind.Register) return `operand ${index}: register, expected ${OpKind[kind]}`;
      // Selectors are 16 bits wide (SDM Vol. 2, MOV, LLDT, VERR, ...) and REX.W adds nothing to a zero-extended 32-bit
      // result (MOVMSKPS, PEXTRW, ...), but iced names the register at the operand size.
      if (['w', 'd'].includes(spec.type) && 'EGR'.includes(spec.letter))
        return [16, 32, 64].some(
          (bits) =>
            bits >= operandBits(spec, decoded.size) &&
            generalName(value.number, bits) === icedRegister(other.opRegister(theirIndex)),
        )
          ? undefined
          : `operand ${index}: register ${value.number}`;
      return expect(ourRegister(spec, value.number, decoded.size), icedRegister(other.opRegister(theirIndex)));
    case 'memory':
      if (spec.letter === 'X') {
        if (!STRING_SOURCES.includes(kind)) return `operand ${index}: rSI string, expected ${OpKind[kind]}`;
        return expect(
          segmentName(SEGMENT_NAMES[value.memory.segment]!, other.codeSize === iced.CodeSize.Code64),
          segmentName(icedRegister(other.memorySegment), other.codeSize === iced.CodeSize.Code64),
        );
      }
      if (spec.letter === 'Y') return STRING_DESTINATIONS.includes(kind) ? undefined : `operand ${index}: rDI string`;
      if (kind !== OpKind.Memory) return `operand ${index}: memory, expected ${OpKind[kind]}`;
      return memoryDifference(decoded, value.memory, spec, other, ip);
    case 'immediate': {
      const theirBits = IMMEDIATE_BITS[kind];
      if (theirBits === undefined) return `operand ${index}: immediate, expected ${OpKind[kind]}`;
      const ourBits = Math.max(operandBits(spec, decoded.size), decoded.size);
      const bits = Math.min(theirBits, ourBits);
      return expect(BigInt.asUintN(bits, value.value), BigInt.asUintN(bits, other.immediate(theirIndex)));
    }
    case 'relative':
      return expect(branchTarget(decoded, ip, value.value), other.nearBranchTarget);
    case 'far': {
      const wide = kind === OpKind.FarBranch32;
      if (!wide && kind !== OpKind.FarBranch16) return `operand ${index}: far, expected ${OpKind[kind]}`;
      const offset = wide ? other.farBranch32 : other.farBranch16;
      return expect(`${value.selector}:${value.offset}`, `${other.farBranchSelector}:${offset}`);
    }
    case 'one':
      return expect(1n, other.immediate(theirIndex));
    case 'condition':
      return undefined;
  }
}

/** True for operands that our records leave out: those of string instructions and fixed registers. */
function isImplicit(other: IcedInstruction, index: number, decoded: Decoded): boolean {
  const kind = other.opKind(index);
  const isTable = kind === OpKind.Memory && decoded.instruction.name === 'XLATB';
  if (isTable || [...STRING_SOURCES, ...MASKMOVS].includes(kind)) {
    const long = other.codeSize === iced.CodeSize.Code64;
    return (
      segmentName(icedRegister(other.memorySegment), long) === segmentName(SEGMENT_NAMES[decoded.dataSegment]!, long)
    );
  }
  if (STRING_DESTINATIONS.includes(kind)) return true;
  if (kind === OpKind.Register)
    return /^([re]?a[xl]|al|cl|[re]?cx|[re]?dx|xmm0|st0|st1|[re]?[bd]x)$/.test(icedRegister(other.opRegister(index)));
  return false;
}

/** One instruction of a batch as iced sees it; valid until the next one is asked for. */
export interface Oracle {
  readonly valid: boolean;
  readonly mnemonic: string;
  readonly instruction: IcedInstruction;
}

/** Walks the `SLOT`-sized slots of a buffer. The caller frees nothing. */
export function eachSlot(bytes: Uint8Array, bits: CodeBits, visit: (start: number, oracle: Oracle) => void): void {
  const decoder = new iced.Decoder(bits, bytes, iced.DecoderOptions.None);
  const instruction = new iced.Instruction();
  try {
    for (let start = 0; start + SLOT <= bytes.length; start += SLOT) {
      decoder.position = start;
      decoder.ip = ipOf(start, bits);
      decoder.decodeOut(instruction);
      const valid = instruction.code !== iced.Code.INVALID;
      visit(start, { valid, mnemonic: iced.Mnemonic[instruction.mnemonic]!.toLowerCase(), instruction });
    }
  } finally {
    instruction.free();
    decoder.free();
  }
}

/** Where the slot at `start` is thought to lie. */
export function ipOf(start: number, bits: CodeBits): bigint {
  return BigInt.asUintN(bits, 0xffff_ffff_8100_0000n + BigInt(start));
}

/**
 * Why it is right that we call an instruction undefined which iced knows, or undefined when it is not: it needs a
 * feature that the records do not claim to have, or the mode lacks it.
 */
export function reasonForUndefined({ instruction, mnemonic }: Oracle, bits: CodeBits): string | undefined {
  if (instruction.encoding !== iced.EncodingKind.Legacy) return 'VEX, EVEX, XOP and 3DNow! are not implemented';
  if (mnemonic === 'wait') return COMPLETE_FEATURES.includes('FPU') ? undefined : 'FPU'; // iced says 8086
  const inMode = UNDEFINED_IN_MODE.find((row) => row.theirs.test(mnemonic) && row.bits.includes(bits));
  if (inMode) return inMode.reason;
  return [...instruction.cpuidFeatures()]
    .map((feature) => iced.CpuidFeature[feature]!)
    .find((feature) => !COMPLETE_FEATURES.includes(feature));
}

/** What differs between our answer and iced's for a valid instruction, or undefined. */
export function difference(decoded: Decoded, oracle: Oracle, ip: bigint): string | undefined {
  const { instruction: other } = oracle;
  const deliberate = DIFFERENCES.find(({ theirs }) => theirs.test(oracle.mnemonic));
  const alias = deliberate?.ours.includes(intelMnemonic(decoded)) ? deliberate : undefined;
  if (!alias && intelMnemonic(decoded) !== oracle.mnemonic)
    return `${intelMnemonic(decoded)}, expected ${oracle.mnemonic}`;
  if (decoded.length !== other.length) return `length ${decoded.length}, expected ${other.length}`;
  if (decoded.lock !== other.hasLockPrefix) return `lock ${decoded.lock}`;
  const repeat = other.hasRepnePrefix ? 0xf2 : other.hasRepePrefix ? 0xf3 : 0;
  if (decoded.instruction.repeat && decoded.repeat !== repeat) return `repeat ${decoded.repeat}, expected ${repeat}`;
  return alias?.anyOperands ? undefined : operandsDifference(decoded, other, ip);
}

function operandsDifference(decoded: Decoded, other: IcedInstruction, ip: bigint): string | undefined {
  const listed = [...decoded.operands.keys()].filter((index) => decoded.operands[index]!.kind !== 'condition');
  const isImplied = (index: number): boolean => ['st0', 'xmm0'].includes(decoded.form.operands[index]!.letter);
  const explicit = listed.length > other.opCount ? listed.filter((index) => !isImplied(index)) : listed;
  let theirs = 0;
  for (const [position, index] of explicit.entries()) {
    while (other.opCount - theirs > explicit.length - position && isImplicit(other, theirs, decoded)) theirs++;
    if (theirs >= other.opCount) return `operand ${index} too many`;
    const found = operandDifference(decoded, index, other, theirs++, ip);
    if (found) return found;
  }
  for (; theirs < other.opCount; theirs++) if (!isImplicit(other, theirs, decoded)) return `operand ${theirs} missing`;
  return undefined;
}
