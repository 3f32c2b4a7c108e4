// What our machine makes of flags that the SDM leaves undefined: the choices that the records' headers describe. Vectors
// do not compare these (undefined-flags.ts).

import assert from 'node:assert/strict';
import { CODE, IMAGE } from './layout';
import { VectorMachine } from './machine';
import type { Trial } from './vector';

const FLAGS = { C: 1, P: 4, A: 0x10, Z: 0x40, S: 0x80, O: 0x800 } as const;

function flagsOf(letters: string): number {
  return [...letters].reduce((flags, letter) => flags | FLAGS[letter as keyof typeof FLAGS], 0);
}

function lettersOf(flags: number): string {
  return Object.entries(FLAGS)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([letter]) => letter)
    .join('');
}

interface Choice {
  readonly name: string;
  readonly code: readonly number[];
  readonly bits?: 32 | 64;
  readonly rax?: bigint;
  readonly rcx?: bigint;
  readonly rdx?: bigint;
  /** Flags before: letters of C P A Z S O. */
  readonly before?: string;
  readonly after: string;
}

const CHOICES: readonly Choice[] = [
  { name: 'and: AF is 0', code: [0x21, 0xc8], rax: 7n, rcx: 5n, before: 'A', after: 'P' },
  { name: 'test: AF is 0', code: [0x85, 0xc8], rax: 2n, rcx: 5n, before: 'AC', after: 'PZ' },
  { name: 'shl by 1: AF is 0', code: [0xd1, 0xe0], rax: 1n, before: 'A', after: '' },
  { name: 'shl by 4: OF as if by 1', code: [0xc1, 0xe0, 4], rax: 0x0c000000n, after: 'PSO' },
  {
    name: 'shl of a byte by 9: CF is the bit that left last',
    code: [0xc0, 0xe0, 9],
    rax: 1n,
    before: 'C',
    after: 'PZ',
  },
  { name: 'shr by 4: OF as if by 1', code: [0xc1, 0xe8, 4], rax: 0x0000000fn, after: 'CPZ' },
  { name: 'shr of a byte by 8', code: [0xc0, 0xe8, 8], rax: 0x80n, after: 'CPZ' },
  { name: 'sar by 4: OF is 0', code: [0xc1, 0xf8, 4], rax: 0x80000008n, before: 'AO', after: 'CPS' },
  { name: 'rol by 4: OF is CF xor the sign', code: [0xc1, 0xc0, 4], rax: 0x18000000n, before: 'O', after: 'C' },
  { name: 'ror by 4: OF of the two highest bits', code: [0xc1, 0xc8, 4], rax: 4n, after: 'O' },
  {
    name: 'shld by 8: AF is 0, OF of sign and carry',
    code: [0x0f, 0xa4, 0xd0, 8],
    rax: 0x00800000n,
    before: 'A',
    after: 'PSO',
  },
  {
    name: 'mul: SF, ZF, PF of the low half, AF is 0',
    code: [0xf7, 0xe1],
    rax: 0x80000000n,
    rcx: 3n,
    before: 'A',
    after: 'CPSO',
  },
  { name: 'imul: the same', code: [0x0f, 0xaf, 0xc1], rax: 0x10000n, rcx: 0x10000n, before: 'AS', after: 'CPZO' },
  { name: 'div: flags stay', code: [0xf7, 0xf1], rax: 100n, rcx: 7n, rdx: 0n, before: 'CPAZSO', after: 'CPAZSO' },
  { name: 'idiv: flags stay', code: [0xf7, 0xf9], rax: 100n, rcx: 7n, rdx: 0n, before: 'AS', after: 'AS' },
  { name: 'bsf: SF, ZF, PF of the source', code: [0x0f, 0xbc, 0xc1], rcx: 0x80000003n, before: 'CAO', after: 'PS' },
  { name: 'bsr: the same', code: [0x0f, 0xbd, 0xc1], rcx: 0n, before: 'CAOS', after: 'PZ' },
  { name: 'bt: CF alone', code: [0x0f, 0xa3, 0xc8], rax: 4n, rcx: 2n, before: 'PASO', after: 'CPASO' },
  { name: 'aaa: OF is 0, SF, ZF, PF of AL', code: [0x37], bits: 32, rax: 0x0an, before: 'SO', after: 'CPAZ' },
  { name: 'das: OF is 0', code: [0x2f], bits: 32, rax: 0x2an, before: 'O', after: 'PA' },
  { name: 'aam: CF and AF are 0', code: [0xd4, 10], bits: 32, rax: 27n, before: 'CAO', after: '' },
  { name: 'aad: CF and AF are 0', code: [0xd5, 10], bits: 32, rax: 0x0109n, before: 'CAO', after: '' },
];

describe('flags that the SDM leaves undefined', () => {
  let machine: VectorMachine;
  before(() => {
    machine = new VectorMachine();
  });

  for (const { name, code, bits = 64, rax = 0n, rcx = 0n, rdx = 0n, before: set = '', after } of CHOICES) {
    it(name, () => {
      const trial: Trial = {
        mode: { bits, stack: 32 },
        profile: 'none',
        seed: 1,
        code: Uint8Array.from(code),
        at: CODE.at + 0x800,
        overrides: [rax, rcx, rdx].map((value, register) => [register, value] as const),
        patches: [],
        flags: 0x202 | flagsOf(set),
        undefinedFlags: 0,
        crosses: false,
        ignored: [],
      };
      const image = Buffer.alloc(IMAGE.bytes);
      machine.initialImage(trial, image);
      const result = machine.run(trial, image);
      assert.equal(result.fault, undefined);
      assert.equal(lettersOf(result.flags), after);
    });
  }
});
