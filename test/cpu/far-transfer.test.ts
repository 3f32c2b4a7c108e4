/**
 * Far JMP, CALL, RET and IRET: targets, gates, privilege, stacks.
 * Source: SDM Vol. 2A/B, CALL, JMP, RET, IRET; Vol. 3A 5.8.
 */
import { deepEqual, equal } from 'node:assert/strict';
import { STATE } from '../../src/cpu/layout';
import type { SlowFunctions } from '../../src/isa/slow';
import type { Outcome } from '../../src/isa/slow';
import { descriptor, gate, PLACE, Rig, SELECTOR } from './rig';
import type { RigMode } from './rig';

interface Case {
  readonly name: string;
  readonly mode: RigMode;
  readonly call: (slow: SlowFunctions) => Outcome;
  readonly prepare?: (rig: Rig) => void;
  /** Values pushed before, 16, 32 or 64 bits each, first on top. */
  readonly frame?: readonly (number | bigint)[];
  readonly frameBytes?: 2 | 4 | 8;
  /** Fault as `vector:error`, or where the processor is: CS:RIP SS:RSP. */
  readonly ends: string;
  readonly stack?: readonly string[];
  readonly bytes?: 2 | 4 | 8;
  readonly also?: (rig: Rig) => void;
}

const jump =
  (selector: number, offset: bigint, size = 32) =>
  (slow: SlowFunctions) =>
    slow.farJump(selector, offset, size);
const call =
  (selector: number, offset: bigint, size = 32) =>
  (slow: SlowFunctions) =>
    slow.farCall(selector, offset, size);
const iret = (size: number) => (slow: SlowFunctions) => slow.interruptReturn(size);
const retf =
  (size: number, release = 0) =>
  (slow: SlowFunctions) =>
    slow.farReturn(size, release);

const callGate =
  (selector: number, type = 0xec, parameters = 0) =>
  (rig: Rig) => {
    rig.setDescriptor(SELECTOR.callGate, gate(selector, 0x4321, type, parameters));
    if (rig.mode.startsWith('long')) rig.setDescriptor(SELECTOR.callGate + 8, 0n);
  };

const CASES: readonly Case[] = [
  {
    name: 'real JMP',
    mode: 'real',
    call: jump(0x1234, 0x10n, 16),
    ends: '1234:10 0:5000',
    also: (rig) => equal(rig.state.segmentBase(1), 0x12340n),
  },
  { name: 'real JMP beyond the limit', mode: 'real', call: jump(0x1234, 0x10000n), ends: '13:0' },
  {
    name: 'real CALL',
    mode: 'real',
    call: call(0x1234, 0x10n, 16),
    ends: '1234:10 0:4ffc',
    stack: ['102', '100'],
    bytes: 2,
  },
  { name: 'real RETF n', mode: 'real', call: retf(16, 4), frame: [0x77, 0x300], frameBytes: 2, ends: '300:77 0:5004' },
  { name: 'V86 JMP', mode: 'virtual', call: jump(0x1234, 0x10n, 16), ends: '1234:10 0:5000' },
  { name: 'JMP null', mode: 'protected0', call: jump(0, 0n), ends: '13:0' },
  { name: 'JMP beyond the table', mode: 'protected0', call: jump(0x1000, 0n), ends: '13:1000' },
  { name: 'JMP to data', mode: 'protected0', call: jump(SELECTOR.data0, 0n), ends: '13:10' },
  { name: 'JMP to outer code', mode: 'protected0', call: jump(SELECTOR.code3, 0n), ends: '13:18' },
  { name: 'JMP with RPL above CPL', mode: 'protected0', call: jump(SELECTOR.code0 | 3, 0n), ends: '13:8' },
  { name: 'JMP to absent code', mode: 'protected0', call: jump(SELECTOR.absentCode, 0n), ends: '11:88' },
  {
    name: 'JMP to conforming code keeps CPL',
    mode: 'protected3',
    call: jump(SELECTOR.conforming, 0x50n),
    ends: '53:50 23:5000',
    also: (rig) => equal(rig.cpl, 3),
  },
  { name: 'JMP beyond the limit', mode: 'protected0', call: jump(SELECTOR.code16, 0x10000n), ends: '13:0' },
  {
    name: 'JMP sets the accessed bit and the code size',
    mode: 'protected0',
    call: jump(SELECTOR.code16, 0x50n),
    ends: '40:50 10:5000',
    also: (rig) => {
      equal(rig.codeWidth, 16);
      equal(rig.memory.read8(BigInt(PLACE.gdt + SELECTOR.code16 + 5)), 0x9b);
    },
  },
  {
    name: 'compatibility to 64-bit mode',
    mode: 'compatibility3',
    call: jump(SELECTOR.code64User, 0x50n),
    ends: '33:50 23:5000',
    also: (rig) => equal(rig.codeWidth, 64),
  },
  { name: '64-bit JMP m16:64, not canonical', mode: 'long0', call: jump(SELECTOR.code64, 1n << 60n, 64), ends: '13:0' },
  {
    name: 'L and D set are reserved',
    mode: 'long0',
    prepare: (rig) => rig.setDescriptor(SELECTOR.code64, descriptor(0, 0xffffffff, 0xe09a)),
    call: jump(SELECTOR.code64, 0n),
    ends: '13:28',
  },
  {
    name: 'CALL pushes at the operand size',
    mode: 'protected0',
    call: call(SELECTOR.code0, 0x50n),
    ends: '8:50 10:4ff8',
    stack: ['102', '8'],
    bytes: 4,
  },
  {
    name: '64-bit CALL',
    mode: 'long0',
    call: call(SELECTOR.code64, 0x50n, 64),
    ends: '28:50 10:4ff0',
    stack: ['102', '28'],
    bytes: 8,
  },
  {
    name: 'JMP through a gate, same level',
    mode: 'protected3',
    prepare: callGate(SELECTOR.code3),
    call: jump(SELECTOR.callGate, 0n),
    ends: '1b:4321 23:5000',
  },
  {
    name: 'JMP through a gate cannot change level',
    mode: 'protected3',
    prepare: callGate(SELECTOR.code0),
    call: jump(SELECTOR.callGate, 0n),
    ends: '13:8',
  },
  {
    name: 'gate above CPL',
    mode: 'protected3',
    prepare: callGate(SELECTOR.code0, 0x8c),
    call: call(SELECTOR.callGate, 0n),
    ends: '13:70',
  },
  {
    name: 'gate not present',
    mode: 'protected3',
    prepare: callGate(SELECTOR.code0, 0x6c),
    call: call(SELECTOR.callGate, 0n),
    ends: '11:70',
  },
  { name: 'gate to null', mode: 'protected3', prepare: callGate(0), call: call(SELECTOR.callGate, 0n), ends: '13:0' },
  {
    name: 'CALL to an inner level copies parameters',
    mode: 'protected3',
    prepare: callGate(SELECTOR.code0, 0xec, 2),
    frame: [0xaaaa, 0xbbbb],
    frameBytes: 4,
    call: call(SELECTOR.callGate, 0n),
    ends: '8:4321 10:5fe8',
    stack: ['102', '1b', 'aaaa', 'bbbb', '4ff8', '23'],
    bytes: 4,
    also: (rig) => equal(rig.cpl, 0),
  },
  {
    name: 'CALL through a 16-bit gate',
    mode: 'protected3',
    prepare: callGate(SELECTOR.code0, 0xe4, 1),
    frame: [0xaaaa],
    frameBytes: 2,
    call: call(SELECTOR.callGate, 0n),
    ends: '8:4321 10:5ff6',
    stack: ['102', '1b', 'aaaa', '4ffe', '23'],
    bytes: 2,
  },
  {
    name: '64-bit CALL to an inner level: null SS, no parameters',
    mode: 'long3',
    prepare: callGate(SELECTOR.code64),
    call: call(SELECTOR.callGate, 0n),
    ends: '28:4321 0:5fe0',
    stack: ['102', '33', '5000', '3b'],
    bytes: 8,
  },
  {
    name: '64-bit gate must lead to 64-bit code',
    mode: 'long3',
    prepare: callGate(SELECTOR.code0),
    call: call(SELECTOR.callGate, 0n),
    ends: '13:8',
  },
  {
    name: 'RETF, same level',
    mode: 'protected0',
    call: retf(32, 4),
    frame: [0x77, SELECTOR.code0],
    frameBytes: 4,
    ends: '8:77 10:5004',
  },
  {
    name: 'RETF to an outer level releases both stacks and drops inner segments',
    mode: 'protected0',
    call: retf(32, 4),
    frame: [0x77, SELECTOR.code3, 0, 0x4800, SELECTOR.data3],
    frameBytes: 4,
    ends: '1b:77 23:4804',
    also: (rig) => {
      equal(rig.cpl, 3);
      equal(rig.state.selector(3), 0);
    },
  },
  {
    name: 'RETF to an inner level',
    mode: 'protected3',
    call: retf(32),
    frame: [0, SELECTOR.code0],
    frameBytes: 4,
    ends: '13:8',
  },
  { name: 'RETF to null', mode: 'protected0', call: retf(32), frame: [0, 0], frameBytes: 4, ends: '13:0' },
  {
    name: 'RETF to an outer level with a null SS',
    mode: 'protected0',
    call: retf(32),
    frame: [0, SELECTOR.code3, 0x4800, 0],
    frameBytes: 4,
    ends: '13:0',
  },
  {
    name: 'RETF to an outer level with an inner SS',
    mode: 'protected0',
    call: retf(32),
    frame: [0, SELECTOR.code3, 0x4800, SELECTOR.data0 | 3],
    frameBytes: 4,
    ends: '13:10',
  },
  {
    name: 'real IRET',
    mode: 'real',
    call: iret(16),
    frame: [0x77, 0x300, 0x7002],
    frameBytes: 2,
    ends: '300:77 0:5000',
    also: (rig) => equal(rig.state.rflags, 0x7002),
  },
  { name: 'V86 IRET needs IOPL 3', mode: 'virtual', call: iret(16), frame: [0, 0, 0], frameBytes: 2, ends: '13:0' },
  {
    name: 'V86 IRET with IOPL 3 leaves IOPL and VM alone',
    mode: 'virtual',
    prepare: (rig) => (rig.state.rflags = 0x23202),
    call: iret(32),
    frame: [0x77, 0x300, 0x82],
    frameBytes: 4,
    ends: '300:77 0:5000',
    also: (rig) => equal(rig.state.rflags, 0x23082),
  },
  {
    name: 'IRET, same level',
    mode: 'protected0',
    call: iret(32),
    frame: [0x77, 8, 0x3246],
    frameBytes: 4,
    ends: '8:77 10:5000',
    also: (rig) => equal(rig.state.rflags, 0x3246),
  },
  {
    name: 'IRET at CPL 3 with IOPL 0 changes neither IF nor IOPL',
    mode: 'protected3',
    call: iret(32),
    frame: [0x77, SELECTOR.code3, 0x3002],
    frameBytes: 4,
    ends: '1b:77 23:5000',
    also: (rig) => equal(rig.state.rflags, 0x202),
  },
  {
    name: 'IRET to an outer level',
    mode: 'protected0',
    call: iret(32),
    frame: [0x77, SELECTOR.code3, 0x202, 0x4800, SELECTOR.data3],
    frameBytes: 4,
    ends: '1b:77 23:4800',
  },
  {
    name: 'IRET to virtual-8086 mode',
    mode: 'protected0',
    call: iret(32),
    frame: [0x77, 0x300, 0x20202, 0x4800, 0x11, 0x22, 0x33, 0x44, 0x55],
    frameBytes: 4,
    ends: '300:77 11:4800',
    also: (rig) => {
      equal(rig.state.rflags, 0x20202);
      deepEqual(
        [0, 3, 4, 5].map((number) => rig.state.selector(number)),
        [0x22, 0x33, 0x44, 0x55],
      );
      equal(rig.cpl, 3);
      equal(rig.codeWidth, 16);
    },
  },
  {
    name: '64-bit IRET pops SS:RSP at the same level; SS may be null',
    mode: 'long0',
    call: iret(64),
    frame: [0x77, SELECTOR.code64, 0x202, 0x4800, 0],
    frameBytes: 8,
    ends: '28:77 0:4800',
  },
  {
    name: '64-bit IRET to level 3',
    mode: 'long0',
    call: iret(64),
    frame: [0x77, SELECTOR.code64User, 0x202, 0x4800, SELECTOR.data64User],
    frameBytes: 8,
    ends: '33:77 3b:4800',
  },
  {
    name: '64-bit IRET to compatibility mode',
    mode: 'long0',
    call: iret(64),
    frame: [0x77, SELECTOR.code3, 0x202, 0x4800, SELECTOR.data3],
    frameBytes: 8,
    ends: '1b:77 23:4800',
    also: (rig) => equal(rig.codeWidth, 32),
  },
  {
    name: '64-bit IRET to level 3 with a null SS',
    mode: 'long0',
    call: iret(64),
    frame: [0, SELECTOR.code64User, 2, 0, 0],
    frameBytes: 8,
    ends: '13:0',
  },
  {
    name: '64-bit IRET, RIP not canonical',
    mode: 'long0',
    call: iret(64),
    frame: [1n << 50n, SELECTOR.code64, 2, 0, 0],
    frameBytes: 8,
    ends: '13:0',
  },
  {
    name: '64-bit IRET with NT',
    mode: 'long0',
    prepare: (rig) => (rig.state.rflags = 0x4202),
    call: iret(64),
    ends: '13:0',
  },
];

describe('far transfers', () => {
  for (const { name, mode, call: run, prepare, frame, frameBytes, ends, stack, bytes, also } of CASES) {
    it(name, () => {
      const rig = new Rig(mode);
      prepare?.(rig);
      rig.processor.stateReplaced(false);
      if (frame) {
        const isPopped = stack === undefined;
        const top = PLACE.stack - frame.length * frameBytes!;
        frame.forEach((value, index) => {
          const at = BigInt(top + index * frameBytes!);
          if (frameBytes === 8) rig.memory.write64(at, BigInt(value));
          else if (frameBytes === 4) rig.memory.write32(at, Number(value));
          else rig.memory.write16(at, Number(value));
        });
        equal(isPopped || ends.startsWith('8:'), true);
        rig.state.setGeneral(4, BigInt(top));
      }
      const before = rig.where;
      const outcome = rig.call(run);
      if (/^\d+:[0-9a-f]+$/.test(ends)) {
        equal(outcome, ends);
        equal(rig.where, before);
        return;
      }
      equal(outcome, 'Jumped');
      equal(rig.where, ends);
      if (stack) deepEqual(rig.stack(stack.length, bytes!), stack);
      also?.(rig);
    });
  }

  it('IRET to an outer level drops inner segments and keeps the others', () => {
    const rig = new Rig('long0');
    rig.slow.loadSegment(4, SELECTOR.data3);
    rig.state.setGeneral(4, 0x4000n);
    [0x77, SELECTOR.code64User, 0x202, 0x4800, SELECTOR.data64User].forEach((value, index) =>
      rig.memory.write64(BigInt(0x4000 + index * 8), BigInt(value)),
    );
    rig.slow.interruptReturn(64);
    deepEqual([rig.state.selector(3), rig.state.selector(4)], [0, SELECTOR.data3]);
  });

  it('a push beyond the limit of the stack segment is #SS(0)', () => {
    const rig = new Rig('protected0');
    rig.setDescriptor(SELECTOR.data0, descriptor(0, 0x4fff, 0x4092));
    rig.slow.loadSegment(2, SELECTOR.data0);
    rig.state.setGeneral(4, 0x5002n);
    equal(
      rig.call((slow) => slow.farCall(SELECTOR.code0, 0x50n, 32)),
      '12:0',
    );
    rig.state.setGeneral(4, 0x5000n);
    equal(
      rig.call((slow) => slow.farCall(SELECTOR.code0, 0x50n, 32)),
      'Jumped',
    );
  });

  it('IRET ends blocking by NMI even when it faults', () => {
    const rig = new Rig('protected0');
    rig.processor.interruptibility.nmi = true;
    rig.state.setGeneral(4, 0x3ffffn + 1n);
    equal(
      rig.call((slow) => slow.interruptReturn(32)),
      '14:0',
    );
    equal(rig.processor.interruptibility.nmi, false);
    equal(rig.processor.nmiUnblockedByIret, true);
  });

  it('IRET that loads TF or RF asks for attention', () => {
    const rig = new Rig('protected0');
    rig.state.setGeneral(4, 0x4000n);
    [0x77, 8, 0x102].forEach((value, index) => rig.memory.write32(BigInt(0x4000 + index * 4), value));
    equal(
      rig.call((slow) => slow.interruptReturn(32)),
      'JumpedCheck',
    );
    equal(rig.state.word(STATE.attention) !== 0, true);
  });
});
