// Makes trials: random operands and states for a variant, with memory operands led into the data pages. Every fifth
// is a special one, which crosses a page or faults.

import { assemble } from '../../../src/isa/assemble/assemble';
import type { Random, Variant } from '../../../src/isa/assemble/enumerate';
import { randomMemory } from '../../../src/isa/assemble/enumerate';
import { RIP_BASE } from '../../../src/isa/decoded';
import type { MemoryOperand, OperandValue } from '../../../src/isa/decoded';
import type { OperandSpec } from '../../../src/isa/form';
import { operandBits } from '../../../src/isa/form';
import { hasImplicitMemory, Implicit } from './implicit';
import { CODE, DATA, IMAGE, PAGE, segmentBase } from './layout';
import type { Mode } from './layout';
import type { Profile } from './random-state';
import { fillState, interesting64, interestingLanes, random64, randomFor } from './random-state';
import { Places, SPECIALS } from './places';
import type { Special } from './places';
import { undefinedFlags } from './undefined-flags';
import { ARITHMETIC } from './vector';
import type { Patch, Span, Trial } from './vector';

/** One trial of so many is special. */
const SPECIAL_PERIOD = 5;
const AC = 0x40000;
const DF = 0x400;
const SHIFTS = /^(SHL|SAL|SHR|SAR|ROL|ROR|RCL|RCR|SHLD|SHRD)$/;

/** What the form's registers and memory hold. */
export function profileOf({ form, instruction, memory }: Variant): Profile {
  const types = form.operands.map(({ type }) => type);
  const letters = form.operands.map(({ letter }) => letter);
  if (/^F/.test(instruction.name) || instruction.name === 'WAIT') return 'extended';
  if (types.some((type) => type === 'ss' || type === 'ps')) return 'single';
  if (types.some((type) => type === 'sd' || type === 'pd')) return 'double';
  if (letters.some((letter) => ['V', 'W', 'U', 'P', 'Q', 'N', 'xmm0', 'st0', 'sti'].includes(letter)))
    return /(S|D)2|2P[SD]/.test(instruction.name) ? 'single' : 'integer';
  if (/MXCSR|EMMS/.test(instruction.name)) return 'single';
  return instruction.feature === 'FPU' && memory ? 'extended' : 'none';
}

/** A trial under construction. */
class Maker {
  readonly image = new DataView(new ArrayBuffer(IMAGE.bytes));
  readonly overrides = new Map<number, bigint>();
  readonly patches: Patch[] = [];
  readonly ignored: Span[] = [];
  readonly random: Random;
  readonly places: Places;
  readonly mode: Mode;
  readonly profile: Profile;
  readonly addressSize: 16 | 32 | 64;
  readonly lock: boolean;
  readonly repeat: 0xf2 | 0xf3 | undefined;
  readonly size: number;
  flags: number;
  /** These choices make no trial. */
  rejected = false;
  /** Jumps have legal targets: where CPUs differ in what they check first, target or stack. */
  jumpsInside: boolean;
  /** Where the first memory operand lies. */
  target: number | undefined;

  constructor(
    readonly variant: Variant,
    readonly seed: number,
    readonly special: Special | undefined,
  ) {
    const { instruction, bits, size, form } = variant;
    this.random = randomFor(seed ^ 0x3c3c3c3c);
    const { random } = this;
    this.size = size;
    this.profile = profileOf(variant);
    this.mode = { bits, stack: random() % 3 === 0 ? 16 : 32 };
    const other = bits === 32 ? 16 : 32;
    this.addressSize = random() % 4 === 0 ? other : bits;
    fillState(this.image, seed, this.profile, bits);
    const locks = instruction.lock === true && variant.memory && 'EM'.includes(form.operands[0]?.letter ?? '-');
    this.lock = locks && random() % 5 === 0;
    this.repeat = instruction.repeat && random() % 3 !== 0 ? (random() % 2 ? 0xf3 : 0xf2) : undefined;
    const direction = instruction.repeat && random() % 3 === 0 ? DF : 0;
    this.flags = 0x202 | (random() & ARITHMETIC) | direction | (special === 'misaligned' ? AC : 0);
    this.places = new Places(random, special);
    this.jumpsInside = instruction.name === 'CALL' && special !== undefined;
  }

  register(number: number): bigint {
    return this.overrides.get(number) ?? this.image.getBigUint64(IMAGE.registers + number * 8, true);
  }

  setRegister(number: number, value: bigint): void {
    this.overrides.set(number, BigInt.asUintN(this.mode.bits === 64 ? 64 : 32, value));
  }

  /** Sets the low `bits` of a register, as an address of that size needs. */
  setLow(number: number, value: bigint, bits: number): void {
    const mask = (1n << BigInt(bits)) - 1n;
    this.setRegister(number, (this.register(number) & ~mask) | (value & mask));
  }

  /** Offset in segment `segment` of a linear address. */
  offset(linear: number | bigint, segment: number): bigint {
    return BigInt(linear) - BigInt(segmentBase(this.mode, segment));
  }

  patch(at: number, value: bigint, bytes: number): void {
    const room = Math.min(bytes, 16, DATA.at + DATA.pages * PAGE - at);
    if (this.patches.length >= 4 || at < DATA.at || room <= 0) return;
    const content = Uint8Array.from({ length: room }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn));
    this.patches.push({ at, bytes: content });
  }

  /** An offset in the code segment to jump to: usually into the code pages. */
  jumpTarget(): bigint {
    // Not where the instruction itself may lie: its bytes are not meant to be run from their middle.
    const inside = BigInt(CODE.at + 0x40 + (this.random() % 0x780)) - BigInt(this.codeBase);
    return !this.jumpsInside && this.random() % 6 === 0 ? interesting64(this.random) : inside;
  }

  get codeBase(): number {
    return segmentBase(this.mode, 1);
  }

  /** A memory operand of `bytes` bytes at a place that the special kind asks for. */
  memory(bytes: number): MemoryOperand {
    const shape = this.shape();
    const place = this.places.next(bytes);
    this.target ??= place.linear;
    const offset =
      place.nonCanonical !== undefined && this.addressSize === 64
        ? place.nonCanonical
        : this.offset(place.linear, shape.segment);
    if (this.random() % 3 === 0) {
      const value = this.patchValue(bytes);
      this.patch(place.linear, value, bytes);
    }
    return this.lead(shape, offset);
  }

  private patchValue(bytes: number): bigint {
    const low = interestingLanes(this.random, this.profile);
    return bytes > 8 ? (interestingLanes(this.random, this.profile) << 64n) | low : low;
  }

  private shape(): MemoryOperand {
    for (;;) {
      const shape = randomMemory(this.random, this.mode.bits, this.addressSize);
      const usesFs = shape.segment === 4; // FS is null outside 64-bit code, and the C library's inside
      if (usesFs && (this.mode.bits === 64 || this.special !== 'limit')) continue;
      if (shape.base >= 0 && shape.base === shape.index) continue;
      if (this.special === 'non-canonical' && (shape.base < 0 || shape.base === RIP_BASE)) continue;
      if (shape.segment === 1 && this.special !== 'read-only') continue; // CS: never writable
      return shape;
    }
  }

  /** Sets registers or displacement so that `shape` gives `offset`. */
  private lead(shape: MemoryOperand, offset: bigint): MemoryOperand {
    const { base, index, scale, displacement } = shape;
    const bits = this.addressSize;
    if (base === RIP_BASE) return { ...shape, displacement: offset }; // the instruction's end is subtracted later
    const scaled = index < 0 ? 0n : this.register(index) << BigInt(scale);
    if (base >= 0) {
      this.setLow(base, offset - scaled - displacement, bits);
      return shape;
    }
    if (index < 0) return { ...shape, displacement: BigInt.asIntN(bits === 16 ? 16 : 32, offset) };
    const small = BigInt(this.random() % 256);
    this.setLow(index, small, bits);
    return { ...shape, displacement: BigInt.asIntN(32, offset - (small << BigInt(scale))) };
  }

  operand(spec: OperandSpec, noRex: boolean): OperandValue {
    const { random, mode } = this;
    const bits = operandBits(spec, this.size);
    const { form, memory } = this.variant;
    switch (spec.letter) {
      case 'I': {
        const raw = random() % 2 ? random64(random) : random64(random) & 0x3fn;
        const unsigned = form.uimm === true || spec.type === 'w';
        return { kind: 'immediate', value: unsigned ? BigInt.asUintN(bits, raw) : BigInt.asIntN(bits, raw) };
      }
      case 'J':
        return { kind: 'relative', value: 0n };
      case 'cc':
        return { kind: 'condition', code: random() % 16 };
      case 'one':
        return { kind: 'one' };
      case 'fixed':
      case 'segment':
        return { kind: 'register', number: spec.register! };
      case 'st0':
      case 'xmm0':
        return { kind: 'register', number: 0 };
      case 'S':
        return { kind: 'register', number: random() % 6 };
      case 'O': {
        const { linear } = this.places.next(bits / 8);
        this.target ??= linear;
        const segment = mode.bits === 64 ? 5 : [0, 2, 3, 5][random() % 4]!;
        const chosen = random() % 3 ? 3 : segment;
        const displacement = BigInt.asUintN(this.addressSize, this.offset(linear, chosen));
        return { kind: 'memory', memory: { segment: chosen, base: -1, index: -1, scale: 0, displacement } };
      }
    }
    if (memory && 'EMQW'.includes(spec.letter)) return { kind: 'memory', memory: this.memory(bits / 8 || 16) };
    const vector = 'NPQ'.includes(spec.letter) || spec.letter === 'sti';
    if (vector) return { kind: 'register', number: random() % 8 };
    if (spec.type === 'b' && !'VWU'.includes(spec.letter) && (noRex || mode.bits !== 64)) {
      const number = random() % 8;
      return { kind: 'register', number: number < 4 ? number : number + 12 };
    }
    return { kind: 'register', number: random() % (mode.bits === 64 && !noRex ? 16 : 8) };
  }

  finish(): Trial | undefined {
    const { variant, random, mode } = this;
    const { form, instruction, bits, size } = variant;
    const noRex = random() % 3 === 0;
    let operands = form.operands.map((spec) => this.operand(spec, noRex));
    operands = new Implicit(this).adjust(operands);
    if (this.rejected || !this.isInDomain()) return undefined;
    const { addressSize, lock, repeat } = this;
    const dataSegment = this.dataSegment;
    const encoding = { bits, size, addressSize, lock, repeat, dataSegment };
    const length = assemble(form, this.relativeTo(operands, 0n, true), encoding)?.length;
    if (length === undefined) return undefined;
    const at = this.places.code(length);
    const rip = BigInt(at - this.codeBase);
    const placed = this.relativeTo(operands, rip + BigInt(length), false);
    if (!placed || this.jumpsIntoItself(placed, rip, length)) return undefined;
    const code = assemble(form, placed, encoding);
    if (code?.length !== length) return undefined;
    const count = SHIFTS.test(instruction.name) ? this.shiftCount(placed) : 0;
    if (/^SH[LR]D$/.test(instruction.name) && size === 16 && count > 16) return undefined;
    return {
      mode,
      profile: this.profile,
      seed: this.seed,
      code,
      at,
      overrides: [...this.overrides],
      patches: this.patches,
      flags: this.flags,
      undefinedFlags: undefinedFlags(instruction.name, size, count),
      ignored: this.ignored,
      crosses: this.places.crosses,
    };
  }

  /**
   * F2XM1 and FYL2XP1 are undefined for operands that are not small. CVTPI2PS from memory is no x87 instruction on AMD
   * parts, so that an x87 exception that waits goes on waiting.
   */
  private isInDomain(): boolean {
    const { name } = this.variant.instruction;
    if (name === 'CVTPI2PS' && this.variant.memory) return (this.image.getUint8(IMAGE.fxsave + 2) & 0x80) === 0;
    const limit = { F2XM1: 16383, FYL2XP1: 16381 }[name];
    if (limit === undefined) return true;
    const top = (this.image.getUint16(IMAGE.fxsave + 2, true) >> 11) & 7;
    const exponent = this.image.getUint16(IMAGE.fxsave + 40 + top * 16, true) & 0x7fff;
    return exponent < limit || exponent === 0x7fff;
  }

  /** Segment of implicit memory operands; undefined for the default. */
  get dataSegment(): number | undefined {
    return this.implicitSegment === 3 ? undefined : this.implicitSegment;
  }
  implicitSegment = 3;

  /** RIP-relative displacements and jump displacements from the next instruction's offset. */
  private relativeTo(operands: readonly OperandValue[], next: bigint, trying: boolean): OperandValue[] {
    return operands.map((value, index) => {
      if (value.kind === 'memory' && value.memory.base === RIP_BASE) {
        const displacement = BigInt.asIntN(32, value.memory.displacement - next);
        return { kind: 'memory', memory: { ...value.memory, displacement } };
      }
      if (value.kind !== 'relative' || trying) return value;
      const bits = operandBits(this.variant.form.operands[index]!, this.size);
      const far = BigInt.asIntN(bits, this.jumpTarget() - next);
      return { kind: 'relative', value: bits === 8 ? BigInt.asIntN(8, random64(this.random)) : far };
    });
  }

  /** A jump to its own bytes would run what was never meant to be code. */
  private jumpsIntoItself(operands: readonly OperandValue[], rip: bigint, length: number): boolean {
    const size = BigInt(length);
    const cut = (value: bigint): bigint => (this.size === 16 ? value & 0xffffn : value);
    return operands.some(
      (value) =>
        value.kind === 'relative' &&
        cut(value.value + rip + size) - rip >= 0n &&
        cut(value.value + rip + size) - rip < size,
    );
  }

  private shiftCount(operands: readonly OperandValue[]): number {
    const by = operands[operands.length - 1]!;
    const mask = this.size === 64 ? 63n : 31n;
    if (by.kind === 'one') return 1;
    return Number((by.kind === 'immediate' ? BigInt.asUintN(8, by.value) : this.register(1)) & mask);
  }
}

export type { Maker };

const CODE_SPECIALS: readonly Special[] = ['code-cross', 'code-unmapped'];
/**
 * Instructions of which the SDM does not say what they check first or how far: ARPL that writes nothing, MASKMOV with
 * bytes masked off.
 */
const FEW_SPECIALS: readonly Special[] = ['cross', 'code-cross', 'code-unmapped'];

/** What is accessed in parts, images of x87 state and 80-bit values: a page's fault may come before the limit's. */
const IMAGE_SPECIALS = SPECIALS.filter((special) => special !== 'limit');

/** Instructions without a data access, or with one whose width differs: PUSH of a segment register, MOVSXD r16. */
function accessesAsExpected({ instruction, form, size }: Variant): boolean {
  const { name } = instruction;
  if (/^(NOP|LEA|PREFETCH.*)$/.test(name) || (name === 'MOVSXD' && size === 16)) return false;
  return !(name === 'PUSH' && form.operands[0]?.letter === 'segment' && size === 32);
}

function hasImage({ form, instruction }: Variant): boolean {
  return form.operands.some(({ code }) => code === 'M') && instruction.name !== 'LEA';
}

function specialsOf(variant: Variant): readonly Special[] {
  const { name } = variant.instruction;
  if (!accessesAsExpected(variant)) return CODE_SPECIALS;
  const inParts = hasImage(variant) || (variant.memory && variant.form.operands.some(({ type }) => type === 't'));
  if (inParts) return IMAGE_SPECIALS;
  if (name === 'ARPL' || name.startsWith('MASKMOV')) return FEW_SPECIALS;
  return variant.memory || hasImplicitMemory(name) ? SPECIALS : CODE_SPECIALS;
}

/** Whether unaligned operands above eight bytes raise #AC is up to the CPU (SDM Vol. 2B, MOVDQU). */
function checksAlignment(variant: Variant): boolean {
  const { form, size } = variant;
  return !hasImage(variant) && form.operands.every((spec) => operandBits(spec, size) <= 64);
}

/** Trial number `n` of a variant from `seed`; undefined when these random choices cannot be encoded or run. */
export function makeTrial(variant: Variant, n: number, seed: number): Trial | undefined {
  const kinds = specialsOf(variant);
  const chosen = n % SPECIAL_PERIOD === 0 ? kinds[(n / SPECIAL_PERIOD) % kinds.length] : undefined;
  const special = chosen === 'misaligned' && !checksAlignment(variant) ? 'cross' : chosen;
  return new Maker(variant, seed, special).finish();
}
