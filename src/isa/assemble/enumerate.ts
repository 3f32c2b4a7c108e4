/**
 * Every form at every size in every mode with registers and with memory, and random operands for each: the test
 * assembler's input. Randomness comes from the caller's generator, so that a run repeats.
 */
import type { CodeBits, MemoryOperand, OperandValue } from '../decoded';
import { RIP_BASE } from '../decoded';
import type { Instruction } from '../define';
import type { Form, OperandSpec } from '../form';
import { operandBits, operandSizes } from '../form';
import type { Bits } from '../semantics';
import type { Encoding } from './assemble';

/** Returns the next random number, an unsigned 32-bit integer. */
export type Random = () => number;

/** xorshift32 (Marsaglia 2003); `seed` must not be 0 modulo 2^32. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
}

/** One form in one mode at one operand size, with a register or memory in ModRM. */
export interface Variant {
  readonly instruction: Instruction;
  readonly form: Form;
  readonly bits: CodeBits;
  readonly size: Bits;
  readonly memory: boolean;
}

const MODES: readonly CodeBits[] = [16, 32, 64];
const EITHER = ['E', 'Q', 'W'];
const MEMORY = ['M', 'O', 'X', 'Y'];

function memoryChoices(form: Form): readonly boolean[] {
  const memory = form.operands.some(({ letter }) => MEMORY.includes(letter));
  if (memory || form.rm === 'mem') return [true];
  return form.rm !== 'reg' && form.operands.some(({ letter }) => EITHER.includes(letter)) ? [false, true] : [false];
}

function existsAt(form: Form, bits: CodeBits, size: Bits): boolean {
  if (bits === 64 ? form.mode === 'legacy' : form.mode === 'long' || form.w === 1) return false;
  if (operandSizes(form).length === 1) return true;
  if (bits !== 64) return size !== 64;
  if (form.force64) return size === 64;
  if (form.w !== undefined && (size === 64) !== (form.w === 1)) return false;
  return !(form.default64 && size === 32);
}

/** All variants of the instructions' forms; those that `assemble` cannot make (66H taken already) are among them. */
export function* variants(instructions: readonly Instruction[]): Generator<Variant> {
  for (const instruction of instructions)
    for (const form of instruction.forms)
      for (const bits of MODES)
        for (const size of operandSizes(form))
          for (const memory of memoryChoices(form))
            if (existsAt(form, bits, size)) yield { instruction, form, bits, size, memory };
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[random() % values.length]!;
}

/** A value of `bits` bits that is often small or at the edge of a narrower width. */
function randomValue(random: Random, bits: number): bigint {
  const raw = (BigInt(random()) << 32n) | BigInt(random());
  return BigInt.asIntN(bits, pick(random, [raw, raw & 0x7fn, BigInt.asIntN(8, raw), -1n, 0n, 1n << BigInt(bits - 1)]));
}

const PAIRS_16 = [
  [3, 6],
  [3, 7],
  [5, 6],
  [5, 7],
  [6, -1],
  [7, -1],
  [5, -1],
  [3, -1],
  [-1, -1],
] as const;

function randomSegment(random: Random, bits: CodeBits, base: number): number {
  const standard = base === 4 || base === 5 ? 2 : 3;
  if (random() % 4 !== 0) return standard;
  return bits === 64 ? 4 + (random() & 1) : random() % 6;
}

/** A memory operand that the mode and address size can express. */
export function randomMemory(random: Random, bits: CodeBits, addressSize: 16 | 32 | 64): MemoryOperand {
  if (addressSize === 16) {
    const [base, index] = pick(random, PAIRS_16);
    const displacement = randomValue(random, 16);
    return { segment: randomSegment(random, bits, base), base, index, scale: 0, displacement };
  }
  const registers = bits === 64 ? 16 : 8;
  const shape = random() % 8;
  const base = shape === 0 ? -1 : shape === 1 && bits === 64 ? RIP_BASE : random() % registers;
  const chosen = random() % 2 === 0 || base === RIP_BASE ? -1 : random() % registers;
  const index = chosen === 4 ? -1 : chosen;
  const scale = index < 0 ? 0 : random() % 4;
  const displacement = randomValue(random, 32);
  return { segment: randomSegment(random, bits, base), base, index, scale, displacement };
}

const CONTROL_REGISTERS = [0, 2, 3, 4];
const DATA_SEGMENTS = [0, 2, 3, 4, 5];

function randomRegister(random: Random, spec: OperandSpec, first: boolean, bits: CodeBits, noRex: boolean): number {
  switch (spec.letter) {
    case 'fixed':
    case 'segment':
      return spec.register!;
    case 'st0':
    case 'xmm0':
      return 0;
    case 'C':
      return pick(random, bits === 64 ? [...CONTROL_REGISTERS, 8] : CONTROL_REGISTERS);
    case 'S':
      return first ? pick(random, DATA_SEGMENTS) : random() % 6;
    case 'D':
    case 'N':
    case 'P':
    case 'Q':
    case 'sti':
      return random() % 8;
  }
  if (spec.type === 'b' && (noRex || bits !== 64)) {
    const number = random() % 8;
    return number < 4 ? number : number + 12;
  }
  return random() % (bits === 64 && !noRex ? 16 : 8);
}

function randomOperand(
  random: Random,
  { form, bits, size, memory }: Variant,
  index: number,
  addressSize: 16 | 32 | 64,
  noRex: boolean,
): OperandValue {
  const spec = form.operands[index]!;
  const width = operandBits(spec, size);
  const at = (segment: number, base: number, displacement = 0n): OperandValue => ({
    kind: 'memory',
    memory: { segment, base, index: -1, scale: 0, displacement },
  });
  switch (spec.letter) {
    case 'I': {
      const value = randomValue(random, width);
      const unsigned = form.uimm === true || spec.type === 'w';
      return { kind: 'immediate', value: unsigned ? BigInt.asUintN(width, value) : value };
    }
    case 'J':
      return { kind: 'relative', value: randomValue(random, width) };
    case 'A': {
      const offset = Number(BigInt.asUintN(width, randomValue(random, width)));
      return { kind: 'far', selector: random() & 0xffff, offset };
    }
    case 'cc':
      return { kind: 'condition', code: random() % 16 };
    case 'one':
      return { kind: 'one' };
    case 'O':
      return at(randomSegment(random, bits, -1), -1, BigInt.asUintN(addressSize, randomValue(random, addressSize)));
    case 'X':
      return at(randomSegment(random, bits, -1), 6);
    case 'Y':
      return at(0, 7);
  }
  if (memory && [...EITHER, 'M'].includes(spec.letter))
    return { kind: 'memory', memory: randomMemory(random, bits, addressSize) };
  return { kind: 'register', number: randomRegister(random, spec, index === 0, bits, noRex) };
}

/** A variant with random operands and a random address size, segment, LOCK and repeat prefix where they are legal. */
export function randomInstance(
  random: Random,
  variant: Variant,
): { readonly operands: readonly OperandValue[]; readonly encoding: Encoding } {
  const { instruction, form, bits, size } = variant;
  const other = bits === 32 ? 16 : 32;
  const addressSize = random() % 4 === 0 ? other : bits;
  const noRex = random() % 3 === 0; // gives AH, CH, DH and BH their chance in 64-bit mode
  const operands = form.operands.map((_, index) => randomOperand(random, variant, index, addressSize, noRex));
  const lock = instruction.lock === true && operands[0]?.kind === 'memory' && random() % 4 === 0;
  const repeat = instruction.repeat && random() % 2 === 0 ? pick(random, [0xf2, 0xf3] as const) : undefined;
  return { operands, encoding: { bits, size, addressSize, lock, repeat } };
}
