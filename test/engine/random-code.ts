// Random 64- or 32-bit code for comparing makers of one meaning: arithmetic of every size, shifts, moves, conditions, stack and
// short jumps over registers and a few pages of memory, in a loop.
const le = (value: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => (value >> (i * 8)) & 255);

/** Registers that random code changes: all but RSP, the loop's counter (R15, EDI) and the bases of memory operands. */
const FREE = { 64: [0, 1, 2, 6, 7, 8, 9, 10, 11], 32: [0, 1, 2, 6] } as const;
/** RBX, RBP, R12, R13: they point into the data pages and stay. */
const BASES = { 64: [3, 5, 12, 13], 32: [3, 5] } as const;
/** dec r15, dec edi. */
const COUNT_DOWN = { 64: [0x49, 0xff, 0xcf], 32: [0xff, 0xcf] } as const;

/** Makes the bytes of one instruction after the other. */
export class RandomCode {
  constructor(
    private readonly random: () => number,
    private readonly bits: 64 | 32 = 64,
  ) {}

  /** A loop of `length` instructions that R15 or EDI counts down, then HLT. */
  loop(length: number): number[] {
    const instructions = Array.from({ length }, () => this.instruction());
    const body = instructions.flatMap((bytes, i) => [...this.jumpOver(instructions.slice(i, i + 3)), ...bytes]);
    const counted = [...body, ...COUNT_DOWN[this.bits]];
    return [...counted, 0x0f, 0x85, ...le(-(counted.length + 6), 4), 0xf4]; // jnz to the start, hlt
  }

  private below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  /** A REX prefix, where there is one. */
  private rexed(rex: number): number[] {
    return this.bits === 64 ? [rex] : [];
  }

  private pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  /** Sometimes a conditional jump over one or two of the instructions that follow, without their own jumps. */
  private jumpOver(following: readonly (readonly number[])[]): number[] {
    if (this.below(6) !== 0) return [];
    const distance = following[0]!.length;
    return [0x70 | this.below(16), distance];
  }

  /** Prefixes for an operand size, and the opcode's low bit. */
  private sized(): { prefix: number[]; wide: 0 | 1; rex: number; bytes: number } {
    const size = this.pick(this.bits === 64 ? [8, 16, 32, 32, 64, 64] : [8, 16, 32, 32]);
    return {
      prefix: size === 16 ? [0x66] : [],
      wide: size === 8 ? 0 : 1,
      rex: size === 64 ? 0x48 : 0x40,
      bytes: size === 8 ? 1 : size === 16 ? 2 : 4,
    };
  }

  /** REX bits and ModRM of `register` (or an opcode extension) and a register or memory operand. */
  private modrm(register: number, memory = this.below(3) === 0): { rex: number; bytes: number[] } {
    if (!memory) {
      const rm = this.pick(FREE[this.bits]);
      return { rex: ((register >> 3) << 2) | (rm >> 3), bytes: [0xc0 | ((register & 7) << 3) | (rm & 7)] };
    }
    const base = this.pick(BASES[this.bits]);
    const displacement = this.below(256);
    const rex = ((register >> 3) << 2) | (base >> 3);
    const field = 0x40 | ((register & 7) << 3);
    return (base & 7) === 4
      ? { rex, bytes: [field | 4, 0x24, displacement] }
      : { rex, bytes: [field | (base & 7), displacement] };
  }

  private instruction(): number[] {
    const { prefix, wide, rex, bytes } = this.sized();
    const register = this.pick(FREE[this.bits]);
    const make = (opcode: readonly number[], of: { rex: number; bytes: number[] }, ...behind: number[]): number[] => [
      ...prefix,
      ...this.rexed(rex | of.rex),
      ...opcode,
      ...of.bytes,
      ...behind,
    ];
    const immediate = (): number[] => le(this.below(2 ** 32) | 0, bytes);
    const wideOnly = (opcode: readonly number[], memory?: boolean, ...behind: number[]): number[] => [
      ...prefix,
      ...this.rexed(rex | this.modrmKept(register, memory).rex),
      ...opcode,
      ...this.kept!.bytes,
      ...behind,
    ];
    switch (this.below(16)) {
      case 0:
      case 1:
      case 2: // ADD, OR, ADC, SBB, AND, SUB, XOR, CMP, both directions
        return make([(this.below(8) << 3) | (this.below(2) << 1) | wide], this.modrm(register));
      case 3: // the same with an immediate
        return make([0x80 | wide], this.modrm(this.below(8)), ...immediate());
      case 4: // shifts and rotates by one or by an immediate
        return this.below(2) === 0
          ? make([0xd0 | wide], this.modrm(this.pick([0, 1, 2, 3, 4, 5, 7])))
          : make([0xc0 | wide], this.modrm(this.pick([0, 1, 2, 3, 4, 5, 7])), this.below(256));
      case 5: // by CL
        return make([0xd2 | wide], this.modrm(this.pick([0, 1, 2, 3, 4, 5, 7])));
      case 6: // INC, DEC
        return make([0xfe | wide], this.modrm(this.below(2)));
      case 7: // NOT, NEG, MUL, IMUL
        return make([0xf6 | wide], this.modrm(this.pick([2, 3, 4, 5])));
      case 8: // TEST
        return make([0x84 | wide], this.modrm(register));
      case 9: // MOV
        return make([0x88 | (this.below(2) << 1) | wide], this.modrm(register));
      case 10: // MOVZX, MOVSX
        return make([0x0f, this.pick([0xb6, 0xb7, 0xbe, 0xbf])], this.modrm(register));
      case 11: // SETcc
        return [...this.rexed(0x40 | this.modrmKept(0).rex), 0x0f, 0x90 | this.below(16), ...this.kept!.bytes];
      case 12: // CMOVcc, IMUL, BSF, BSR
        return wideOnly([0x0f, this.pick([0x40 | this.below(16), 0xaf, 0xbc, 0xbd])]);
      case 13: // BT, BTS, BTR, BTC with an immediate; XADD, XCHG
        return this.below(2) === 0
          ? [
              ...prefix,
              ...this.rexed(rex | this.modrmKept(4 | this.below(4)).rex),
              0x0f,
              0xba,
              ...this.kept!.bytes,
              this.below(256),
            ]
          : make(this.pick([[0x0f, 0xc0 | wide], [0x86 | wide]]), this.modrm(register));
      case 14: {
        // PUSH and POP of a register
        const push = [...this.rexed(0x40 | (register >> 3)), 0x50 | (register & 7)];
        return [...push, ...push.slice(0, -1), 0x58 | (register & 7)];
      }
      default: // CLC, STC, CMC, CLD, CDQ and relatives, SHLD
        return this.below(2) === 0
          ? [this.pick([0xf8, 0xf9, 0xf5, 0xfc, 0x98, 0x99])]
          : wideOnly([0x0f, this.pick([0xa4, 0xac])], undefined, this.below(64));
    }
  }

  private kept: { rex: number; bytes: number[] } | undefined;

  private modrmKept(register: number, memory?: boolean): { rex: number; bytes: number[] } {
    return (this.kept = this.modrm(register, memory));
  }
}
