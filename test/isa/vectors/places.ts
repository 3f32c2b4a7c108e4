// Where the memory operands and the code of a trial lie.

import type { Random } from '../../../src/isa/assemble/enumerate';
import { CODE, DATA, PAGE } from './layout';
import { random64 } from './random-state';

/** What a special trial is about. */
export const SPECIALS = [
  'cross',
  'read-only',
  'code-cross',
  'cross-unmapped',
  'code-unmapped',
  'cross',
  'below',
  'limit',
  'cross-read-only',
  'non-canonical',
  'cross',
  'code-cross',
  'misaligned',
] as const;
export type Special = (typeof SPECIALS)[number];

const END = DATA.at + DATA.pages * PAGE;
const READ_ONLY = DATA.at + DATA.writablePages * PAGE;

export interface Place {
  readonly linear: number;
  /** A non-canonical offset to use instead where 64 bits can hold it. */
  readonly nonCanonical?: bigint;
}

export class Places {
  /** Data or code of the trial cross a page. */
  crosses = false;

  constructor(
    private readonly random: Random,
    private readonly special: Special | undefined,
  ) {}

  private below(limit: number): number {
    return this.random() % limit;
  }

  /** A place for `bytes` bytes of data; `plain`: whatever the trial is about. */
  next(bytes: number, plain = false): Place {
    const place = this.choose(bytes, plain);
    if ((place.linear & (PAGE - 1)) + bytes > PAGE) this.crosses = true;
    return place;
  }

  private choose(bytes: number, plain: boolean): Place {
    const length = Math.min(bytes, 512);
    const inside = 1 + this.below(Math.max(1, length - 1));
    // A byte cannot cross: it lies behind the boundary of the unmapped page instead.
    const special = length === 1 && this.special?.startsWith('cross') ? 'below' : this.special;
    switch (plain ? undefined : special) {
      case 'cross':
        return { linear: DATA.at + PAGE - inside };
      case 'cross-read-only':
        return { linear: READ_ONLY - inside };
      case 'cross-unmapped':
        return { linear: END - inside };
      case 'below':
        return { linear: DATA.at - inside };
      case 'read-only':
        return { linear: READ_ONLY + 16 * this.below(64) };
      case 'limit':
        return { linear: READ_ONLY + 0x780 + this.below(0x100) };
      case 'non-canonical': {
        const raw = random64(this.random) & ~0x0000800000000000n;
        return { linear: END + this.below(PAGE), nonCanonical: raw | (1n << 62n) };
      }
      case 'misaligned':
        return { linear: DATA.at + 64 + 16 * this.below(100) + 1 + this.below(15) };
      default: {
        const aligned = this.below(4) === 0 ? this.below(2 * PAGE - 1024) : 16 * this.below(448);
        return { linear: DATA.at + (aligned % PAGE > PAGE - 512 ? aligned - 512 : aligned) };
      }
    }
  }

  /** A place for `length` bytes of code. */
  code(length: number): number {
    const at = this.chooseCode(length);
    if ((at & (PAGE - 1)) + length > PAGE) this.crosses = true;
    return at;
  }

  private chooseCode(length: number): number {
    const inside = length === 1 ? 0 : 1 + this.below(length - 1);
    if (this.special === 'code-cross' && inside > 0) return CODE.at + PAGE - inside;
    if (this.special === 'code-unmapped' || this.special === 'code-cross') return CODE.at + CODE.pages * PAGE - inside;
    return CODE.at + 0x800 + this.below(64);
  }
}
