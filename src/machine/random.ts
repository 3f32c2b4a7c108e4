/**
 * The machine's randomness: SplitMix64 (Steele, Lea, Flood 2014) from a seed. What RDRAND and RDSEED give, and nothing
 * of the host's.
 */

/** A seeded generator of unsigned 64-bit values; its state is one such value. */
export class Random {
  /** `seed` is any integer; its low 64 bits count. */
  constructor(private state: bigint) {
    this.state = BigInt.asUintN(64, state);
  }

  /** The next value, 0 to 2^64 - 1. */
  next(): bigint {
    this.state = BigInt.asUintN(64, this.state + 0x9e3779b97f4a7c15n);
    let z = this.state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  }

  /** The next value as a fraction from 0 to 1 (exclusive). */
  fraction(): number {
    return Number(this.next() >> 11n) / 2 ** 53;
  }

  save(): bigint {
    return this.state;
  }

  restore(state: bigint): void {
    this.state = state;
  }
}
