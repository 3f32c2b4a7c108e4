/**
 * LZMA's coding: a range coder over adaptive bit models, and the matches and literals that it codes. Source: Igor Pavlov's
 * "LZMA specification" (public domain). NOT IMPLEMENTED: the `.lzma` file around it, end markers (LZMA2 has none).
 */
import { damaged } from '../byte-reader';

const STATES = 12;
/** A bit model is the probability of 0 in 1/2048. */
const HALF = 1024;
const MODEL_BITS = 11;
const MODEL_MOVE = 5;
const LEAST_MATCH = 2;

/** A length's models: two choices, then 8 low and 8 middle ones for each of 16 positions, then 256. */
const LENGTH = { choice: 0, longer: 1, low: 2, middle: 2 + 128, high: 2 + 256, size: 2 + 256 + 256 } as const;

/** Where each group of models begins. */
const MATCH = 0;
const REPEAT = MATCH + STATES * 16;
const REPEAT_OLDER = REPEAT + STATES;
const REPEAT_THIRD = REPEAT_OLDER + STATES;
const REPEAT_FOURTH = REPEAT_THIRD + STATES;
const REPEAT_LONG = REPEAT_FOURTH + STATES;
const SLOT = REPEAT_LONG + STATES * 16;
const SPECIAL = SLOT + 4 * 64;
const ALIGN = SPECIAL + 115;
const MATCH_LENGTH = ALIGN + 16;
const REPEAT_LENGTH = MATCH_LENGTH + LENGTH.size;
const LITERAL = REPEAT_LENGTH + LENGTH.size;
const LITERAL_SIZE = 0x300;

/** Decodes pieces of LZMA that share models and a window, which is what was written before. */
export class LzmaDecoder {
  private models = new Uint16Array(0);
  private literalContextBits = 0;
  private literalPositionMask = 0;
  private positionMask = 0;
  private state = 0;
  /** Distances less 1 of the last four matches, the latest first. */
  private readonly repeats = new Uint32Array(4);
  /** 32 bits each, held as signed numbers. */
  private range = 0;
  private code = 0;
  private input: Uint8Array = new Uint8Array(0);
  private from = 0;

  /** Bytes go to `output`, from its start on; matches reach back in it as far as `windowStart`. */
  constructor(
    private readonly output: Uint8Array,
    public windowStart = 0,
  ) {}

  /** Starts with these properties (a byte that says three numbers of bits) and fresh models. */
  setProperties(properties: number): void {
    const literalContextBits = properties % 9;
    const literalPositionBits = Math.floor(properties / 9) % 5;
    const positionBits = Math.floor(properties / 45);
    if (positionBits > 4 || literalContextBits + literalPositionBits > 4) throw damagedLzma('its properties are wrong');
    this.literalContextBits = literalContextBits;
    this.literalPositionMask = (1 << literalPositionBits) - 1;
    this.positionMask = (1 << positionBits) - 1;
    const size = LITERAL + (LITERAL_SIZE << (literalContextBits + literalPositionBits));
    if (this.models.length !== size) this.models = new Uint16Array(size);
    this.reset();
  }

  /** Fresh models. */
  reset(): void {
    if (this.models.length === 0) throw damagedLzma('it does not say its properties');
    this.models.fill(HALF);
    this.repeats.fill(0);
    this.state = 0;
  }

  /** Decodes `input` to `output` from `start` on, exactly to `end`. Throws the `damaged` UserError. */
  decode(input: Uint8Array, start: number, end: number): void {
    if (this.models.length === 0) throw damagedLzma('it does not say its properties');
    this.input = input;
    this.range = -1;
    this.code = 0;
    for (this.from = 1; this.from < 5; this.from += 1) this.code = (this.code << 8) | (input[this.from] ?? 0);
    for (let at = start; at < end;) at = this.next(at, end);
    this.normalize();
    if (this.from !== input.length || this.code !== 0) throw damagedLzma('a piece of it has another length');
  }

  /** One literal or match at `at`; gives where it ends. */
  private next(at: number, end: number): number {
    const { repeats } = this;
    const position = (at - this.windowStart) & this.positionMask;
    const wasLiteral = this.state < 7;
    if (this.bit(MATCH + this.state * 16 + position) === 0) {
      this.output[at] = this.literal(at);
      this.state = this.state < 4 ? 0 : this.state < 10 ? this.state - 3 : this.state - 6;
      return at + 1;
    }
    let length: number;
    if (this.bit(REPEAT + this.state) === 0) {
      length = this.length(MATCH_LENGTH, position);
      repeats.copyWithin(1, 0, 3);
      repeats[0] = this.distance(Math.min(length - LEAST_MATCH, 3));
      this.state = wasLiteral ? 7 : 10;
    } else if (this.repeated(position)) {
      length = 1;
      this.state = wasLiteral ? 9 : 11;
    } else {
      length = this.length(REPEAT_LENGTH, position);
      this.state = wasLiteral ? 8 : 11;
    }
    return this.copy(at, length, end);
  }

  /** Brings the repeated distance to the front; true for a match of one byte. */
  private repeated(position: number): boolean {
    const { repeats, state } = this;
    if (this.bit(REPEAT_OLDER + state) === 0) return this.bit(REPEAT_LONG + state * 16 + position) === 0;
    const which = this.bit(REPEAT_THIRD + state) === 0 ? 1 : 2 + this.bit(REPEAT_FOURTH + state);
    const distance = repeats[which]!;
    repeats.copyWithin(1, 0, which);
    repeats[0] = distance;
    return false;
  }

  private copy(at: number, length: number, end: number): number {
    const { output } = this;
    const distance = this.repeats[0]! + 1;
    if (distance > at - this.windowStart || length > end - at) throw damagedLzma('a match in it lies outside');
    const stop = at + length;
    for (let to = at; to < stop; to += 1) output[to] = output[to - distance]!;
    return stop;
  }

  private literal(at: number): number {
    const { output, windowStart } = this;
    const before = at > windowStart ? output[at - 1]! : 0;
    const place = (at - windowStart) & this.literalPositionMask;
    const context = (place << this.literalContextBits) + (before >> (8 - this.literalContextBits));
    const models = LITERAL + LITERAL_SIZE * context;
    let symbol = 1;
    if (this.state >= 7) {
      // After a match, the byte that would have followed it chooses the models until a bit differs.
      const distance = this.repeats[0]! + 1;
      if (distance > at - windowStart) throw damagedLzma('a match in it lies outside');
      let matched = output[at - distance]!;
      while (symbol < 0x100) {
        const expected = (matched >> 7) & 1;
        matched <<= 1;
        const bit = this.bit(models + ((1 + expected) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (bit !== expected) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.bit(models + symbol);
    return symbol & 0xff;
  }

  private length(models: number, position: number): number {
    if (this.bit(models + LENGTH.choice) === 0) {
      return LEAST_MATCH + this.tree(models + LENGTH.low + 8 * position, 3);
    }
    if (this.bit(models + LENGTH.longer) === 0) {
      return LEAST_MATCH + 8 + this.tree(models + LENGTH.middle + 8 * position, 3);
    }
    return LEAST_MATCH + 16 + this.tree(models + LENGTH.high, 8);
  }

  /** A distance less 1: a slot gives its highest two bits and how many follow. */
  private distance(lengthClass: number): number {
    const slot = this.tree(SLOT + 64 * lengthClass, 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const high = (2 | (slot & 1)) << bits;
    if (slot < 14) return high + this.reverseTree(SPECIAL + high - slot, bits);
    return (high | (this.direct(bits - 4) << 4) | this.reverseTree(ALIGN, 4)) >>> 0;
  }

  private tree(models: number, bits: number): number {
    let symbol = 1;
    for (let index = 0; index < bits; index += 1) symbol = (symbol << 1) | this.bit(models + symbol);
    return symbol - (1 << bits);
  }

  private reverseTree(models: number, bits: number): number {
    let symbol = 1;
    let value = 0;
    for (let index = 0; index < bits; index += 1) {
      const bit = this.bit(models + symbol);
      symbol = (symbol << 1) | bit;
      value |= bit << index;
    }
    return value;
  }

  /** Bits without a model. */
  private direct(bits: number): number {
    let value = 0;
    for (let index = 0; index < bits; index += 1) {
      this.normalize();
      this.range >>>= 1;
      this.code = (this.code - this.range) | 0;
      const isZero = this.code >> 31;
      this.code = (this.code + (this.range & isZero)) | 0;
      value = (value << 1) | (isZero + 1);
    }
    return value;
  }

  private bit(model: number): number {
    this.normalize();
    const { models } = this;
    const probability = models[model]!;
    const bound = Math.imul(this.range >>> MODEL_BITS, probability);
    if (this.code >>> 0 < bound >>> 0) {
      this.range = bound;
      models[model] = probability + (((1 << MODEL_BITS) - probability) >> MODEL_MOVE);
      return 0;
    }
    this.range = (this.range - bound) | 0;
    this.code = (this.code - bound) | 0;
    models[model] = probability - (probability >> MODEL_MOVE);
    return 1;
  }

  private normalize(): void {
    if ((this.range & 0xff00_0000) !== 0) return;
    this.range <<= 8;
    this.code = (this.code << 8) | (this.input[this.from] ?? 0);
    this.from += 1;
  }
}

/** The error for LZMA data that contradict themselves. */
export function damagedLzma(why: string): Error {
  return damaged('The LZMA data', why);
}
