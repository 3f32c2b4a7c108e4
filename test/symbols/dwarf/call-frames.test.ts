// Unwinding by call frame information made by hand: every instruction, both sections, and steps over a small stack.
import assert from 'node:assert/strict';
import { CallFrames, type SavedRegister } from '../../../src/symbols/dwarf/call-frames';
import { cfiStep, type CfiFrame } from '../../../src/symbols/dwarf/cfi-step';
import { DwarfSections } from '../../../src/symbols/dwarf/sections';
import { ElfFile } from '../../../src/symbols/elf/elf-file';
import type { Expression } from '../../../src/symbols/expression/ast';
import { memoryBytes } from '../../../src/symbols/symbol-file';
import { Bytes, elfImage } from '../elf-image';
import { leb } from './dies';

const START = 0x1000n;
/** CFA = rsp + 8, the return address at CFA - 8. */
const USUAL = [0x0c, 7, 8, 0x80 | 16, 1];

interface Options {
  readonly common?: readonly number[];
  readonly augmentation?: string;
  /** What the augmentation says, with its length. */
  readonly data?: readonly number[];
  readonly section?: '.debug_frame' | '.eh_frame';
  readonly bits?: 32 | 64;
  readonly version?: number;
}

/** Call frame information of one function of 0x100 bytes. */
function framesOf(instructions: readonly number[], options: Options = {}): CallFrames {
  const { common = USUAL, augmentation = '', data = [], section = '.debug_frame', bits = 64, version = 4 } = options;
  const isEh = section === '.eh_frame';
  const word = bits / 8;
  const cie = new Bytes()
    .number(isEh ? 0 : 0xffff_ffff, 4)
    .u8(isEh ? 1 : version)
    .text(augmentation);
  if (!isEh && version >= 4) cie.u8(word, 0);
  cie.u8(1, ...leb(-word, true), bits === 64 ? 16 : 8, ...data, ...common);
  const first = new Bytes().number(cie.length, 4).bytes(cie.finish());
  const address = 0x9000n;
  const fde = new Bytes().number(isEh ? first.length + 4 : 0, 4);
  // In `.eh_frame` 4 bytes from the place itself on.
  const place = address + BigInt(first.length + 8);
  if (isEh) fde.number(BigInt.asUintN(32, START - place), 4).number(0x100, 4);
  else fde.number(START, word).number(0x100, word);
  if (augmentation.startsWith('z')) fde.u8(0);
  fde.u8(...instructions);
  const contents = first.number(fde.length, 4).bytes(fde.finish()).number(0, 4).finish();
  const image = elfImage([{ name: section, flags: isEh ? 2 : 0, address, contents }], { bits });
  return new CallFrames(new DwarfSections(new ElfFile(memoryBytes(image))));
}

function shown(expression: Expression): string {
  switch (expression.kind) {
    case 'register':
      return expression.name;
    case 'constant':
      return String(BigInt.asIntN(64, expression.value));
    case 'binary':
      return `${shown(expression.left)}${expression.operator}${shown(expression.right)}`;
    case 'dereference':
    case 'cast':
      return expression.kind === 'cast' ? shown(expression.of) : `*(${shown(expression.of)})`;
    default:
      return expression.kind;
  }
}

function saved(one: SavedRegister): string {
  if (one.kind === 'undefined') return 'gone';
  return one.kind === 'memory' ? `at ${shown(one.address)}` : shown(one.value);
}

describe('symbols: call frame information', () => {
  const cases: [string, number[], offset: bigint, cfa: string, registers: string, Options?][] = [
    ['what all functions share', [], 0n, 'rsp+8', 'rip at rsp+8+-8'],
    ['advance_loc in the middle', [0x41, 0x0e, 16, 0x44, 0x0e, 99], 3n, 'rsp+16', 'rip at rsp+16+-8'],
    [
      'advance_loc 1, 2, 4',
      [2, 1, 3, 1, 0, 4, 1, 0, 0, 0, 0x0e, 32, 2, 9, 0x0e, 99],
      11n,
      'rsp+32',
      'rip at rsp+32+-8',
    ],
    ['set_loc', [1, 0x10, 0x10, 0, 0, 0, 0, 0, 0, 0x0e, 24], 0x10n, 'rsp+24', 'rip at rsp+24+-8'],
    ['set_loc not yet', [1, 0x10, 0x10, 0, 0, 0, 0, 0, 0, 0x0e, 24], 0xfn, 'rsp+8', 'rip at rsp+8+-8'],
    ['def_cfa_register', [0x0d, 6], 0n, 'rbp+8', 'rip at rbp+8+-8'],
    ['def_cfa_sf', [0x12, 6, ...leb(-2, true)], 0n, 'rbp+16', 'rip at rbp+16+-8'],
    ['def_cfa_offset_sf', [0x13, ...leb(-3, true)], 0n, 'rsp+24', 'rip at rsp+24+-8'],
    ['def_cfa_expression', [0x0f, 3, 0x76, 0, 0x06], 0n, '*(rbp)', 'rip at *(rbp)+-8'],
    ['offset, restore', [0x83, 2, 0x8c, 3, 0xc3], 0n, 'rsp+8', 'rip at rsp+8+-8, r12 at rsp+8+-24'],
    [
      'offset_extended, its signed and its negative forms',
      [5, 3, 2, 0x11, 12, ...leb(-1, true), 0x2f, 13, 4],
      0n,
      'rsp+8',
      'rip at rsp+8+-8, rbx at rsp+8+-16, r12 at rsp+8+8, r13 at rsp+8+32',
    ],
    [
      'undefined, same_value, register',
      [7, 3, 0x83, 1, 8, 3, 9, 12, 0, 7, 13],
      0n,
      'rsp+8',
      'rip at rsp+8+-8, rbx rbx, r12 rax, r13 gone',
    ],
    ['restore_extended', [5, 3, 2, 6, 3], 0n, 'rsp+8', 'rip at rsp+8+-8'],
    ['remember_state, restore_state', [0x0a, 0x0e, 64, 0x83, 2, 0x41, 0x0b, 0x41, 0], 1n, 'rsp+8', 'rip at rsp+8+-8'],
    [
      'val_offset and its signed form',
      [0x14, 3, 2, 0x15, 12, ...leb(-2, true)],
      0n,
      'rsp+8',
      'rip at rsp+8+-8, rbx rsp+8+-16, r12 rsp+8+16',
    ],
    [
      'expressions count from the CFA',
      [0x10, 3, 2, 0x23, 40, 0x16, 12, 2, 0x23, 48],
      0n,
      'rsp+8',
      'rip at rsp+8+-8, rbx at rsp+8+40, r12 rsp+8+48',
    ],
    ['arguments that are pushed are passed over', [0x2e, 16], 0n, 'rsp+8', 'rip at rsp+8+-8'],
    [
      '.eh_frame, relative to itself',
      [0x0e, 16],
      0n,
      'rsp+16',
      'rip at rsp+16+-8',
      { section: '.eh_frame', augmentation: 'zR', data: [1, 0x1b] },
    ],
    ['version 3', [0x0e, 16], 0n, 'rsp+16', 'rip at rsp+16+-8', { version: 3 }],
    ['32 bits', [0x0e, 16], 0n, 'esp+16', 'eip at esp+16+4294967292', { bits: 32, common: [0x0c, 4, 4, 0x80 | 8, 1] }],
  ];
  for (const [name, instructions, offset, cfa, wanted, options] of cases) {
    it(name, () => {
      const rules = framesOf(instructions, options).rulesAt(START + offset);
      assert.ok(rules);
      assert.equal(shown(rules.cfa), cfa);
      const same = ([register, one]: [string, SavedRegister]): boolean =>
        one.kind === 'value' && shown(one.value) === register && !wanted.includes(`${register} `);
      const told = [...rules.registers].filter((one) => !same(one) && !/^[re]sp$/.test(one[0]));
      const order = ['rip', 'eip', 'rbx', 'r12', 'r13'];
      told.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
      assert.equal(told.map(([register, one]) => `${register} ${saved(one)}`).join(', '), wanted);
    });
  }

  it('tells nothing outside of its functions, or where it is damaged', () => {
    assert.equal(framesOf([]).rulesAt(START - 1n), undefined);
    assert.equal(framesOf([]).rulesAt(START + 0x100n), undefined);
    const damaged = [[0x0b], [0x3f], [0x0e], [0x0d, 200, 0x80], [0x0f, 1, 0x22], Array<number>(100).fill(0x0a)];
    for (const instructions of damaged)
      assert.equal(framesOf(instructions).rulesAt(START), undefined, `${instructions}`);
  });

  const stack = new Map<bigint, bigint>([
    [0x8000n, 0x2222n],
    [0x8008n, 0xb0n],
    [0x8010n, 0x9000n],
    [0x9000n, 0x7777n],
  ]);
  const read = (address: bigint): Promise<Uint8Array> => {
    const value = stack.get(address);
    return Promise.resolve(value === undefined ? new Uint8Array(0) : new Bytes().number(value, 8).finish());
  };
  const frame: CfiFrame = {
    ...{ ip: START + 0x10_0010n, sp: 0x8000n, bp: 0x8010n, isExact: true },
    known: new Map([
      ['rbx', 1n],
      ['rax', 2n],
    ]),
  };
  const step = (instructions: number[], options?: Options, more: Partial<CfiFrame> = {}) =>
    cfiStep(framesOf(instructions, options), { ...frame, ...more }, read, 0x10_0000n);

  const steps: [string, number[], wanted: object | string | undefined, Options?, Partial<CfiFrame>?][] = [
    ['to the caller', [], { ip: 0x2222n, sp: 0x8008n, bp: 0x8010n, isExact: false, rbx: 1n, rax: 2n }],
    [
      'rbx off the stack',
      [0x0e, 16, 0x90, 2, 0x83, 1],
      { ip: 0x2222n, sp: 0x8010n, bp: 0x8010n, isExact: false, rbx: 0xb0n, rax: 2n },
    ],
    ['by an expression over memory', [0x0f, 3, 0x76, 0, 0x06], undefined],
    [
      'from an expression that reads',
      [0x16, 16, 3, 0x76, 0, 0x06],
      { ip: 0x9000n, sp: 0x8008n, bp: 0x8010n, isExact: false, rbx: 1n, rax: 2n },
    ],
    [
      'out of a handler',
      [],
      { ip: 0x2222n, sp: 0x8008n, bp: 0x8010n, isExact: true, rbx: 1n, rax: 2n },
      { augmentation: 'zS', data: [0] },
    ],
    ['to the end', [7, 16], 'end'],
    ['not from a user program', [], 'end', {}, { isUser: true }],
    ['not without memory', [0x0e, 64], undefined],
    [
      'a return address of a frame that called lies behind its call',
      [],
      { ip: 0x2222n, sp: 0x8008n, bp: 0x8010n, isExact: false, rbx: 1n, rax: 2n },
      {},
      { ip: START + 0x10_0100n, isExact: false },
    ],
    ['but not that of an interrupted one', [], undefined, {}, { ip: START + 0x10_0100n }],
  ];
  for (const [name, instructions, wanted, options, more] of steps) {
    it(`steps ${name}`, async () => {
      const next = await step(instructions, options, more);
      if (next === undefined || next === 'end') return assert.equal(next, wanted);
      const { known, ...rest } = next;
      assert.deepEqual({ ...rest, rbx: known!.get('rbx'), rax: known!.get('rax') }, wanted);
    });
  }

  it('takes the registers of an interrupted frame from where the kernel pushed them', async () => {
    const pushed = new Bytes();
    for (let register = 0n; register < 15n; register += 1n) pushed.number(register * 0x11n, 8);
    const memory = (address: bigint, length: number): Promise<Uint8Array> =>
      address === 0xa000n ? Promise.resolve(pushed.finish().subarray(0, length)) : read(address);
    const interrupted: CfiFrame = { ...frame, known: undefined, pushed: { at: 0xa000n, all: true } };
    const next = await cfiStep(framesOf([]), interrupted, memory, 0x10_0000n);
    assert.ok(next && next !== 'end');
    assert.deepEqual([next.known!.get('rbx'), next.known!.get('r12'), next.known!.get('rdi')], [0x55n, 0x33n, 0xeen]);
  });
});
