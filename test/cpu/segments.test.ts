/**
 * Segment loads, system segments, descriptor tables, LAR/LSL/VERR/VERW, system calls, port permission.
 * Source: SDM Vol. 2, the instructions; Vol. 3A chapters 3 and 5.
 */
import { deepEqual, equal } from 'node:assert/strict';
import { STATE } from '../../src/cpu/layout';
import { MSR } from '../../src/cpu/msr-numbers';
import type { Outcome, SlowFunctions } from '../../src/isa/slow';
import { descriptor, PLACE, Rig, SELECTOR } from './rig';
import type { RigMode } from './rig';

const [ES, SS, DS, FS, GS] = [0, 2, 3, 4, 5];

/** Mode, segment, selector, and the outcome: `Done` or a fault. */
const LOADS: readonly (readonly [string, RigMode, number, number, string])[] = [
  ['null DS', 'protected0', DS, 0, 'Done'],
  ['null DS with RPL', 'protected0', DS, 3, 'Done'],
  ['null SS', 'protected0', SS, 0, '13:0'],
  ['null SS in 64-bit mode', 'long0', SS, 0, 'Done'],
  ['null SS, RPL not CPL', 'long0', SS, 1, '13:0'],
  ['null SS at level 3', 'long3', SS, 3, '13:0'],
  ['SS', 'protected0', SS, SELECTOR.data0, 'Done'],
  ['SS, RPL not CPL', 'protected0', SS, SELECTOR.data0 | 1, '13:10'],
  ['SS, DPL not CPL', 'protected0', SS, SELECTOR.data3 & ~3, '13:20'],
  ['SS read-only', 'protected0', SS, SELECTOR.readOnly, '13:a8'],
  ['SS is code', 'protected0', SS, SELECTOR.code0, '13:8'],
  ['SS not present', 'protected0', SS, SELECTOR.absentData, '12:90'],
  ['DS readable code', 'protected0', DS, SELECTOR.code0, 'Done'],
  ['DS inner data', 'protected3', DS, SELECTOR.data0, '13:10'],
  ['DS, RPL above DPL', 'protected0', DS, SELECTOR.data0 | 3, '13:10'],
  ['DS conforming code of an inner level', 'protected3', DS, SELECTOR.conforming, '13:50'],
  ['DS system segment', 'protected0', DS, SELECTOR.tss, '13:58'],
  ['DS not present', 'protected0', DS, SELECTOR.absentData, '11:90'],
  ['DS beyond the table', 'protected0', DS, 0x7ff8, '13:7ff8'],
  ['DS in an unusable LDT', 'protected0', DS, 0x0c, '13:c'],
  ['real mode', 'real', ES, 0x1234, 'Done'],
  ['virtual-8086 mode', 'virtual', ES, 0x1234, 'Done'],
];

describe('segment loads', () => {
  for (const [name, mode, number, selector, expected] of LOADS) {
    it(name, () => {
      const rig = new Rig(mode);
      // Conforming execute-only code, so that its row tells readability from conformity.
      rig.setDescriptor(SELECTOR.conforming, descriptor(0, 0xffffffff, 0xc09c));
      if (name.includes('LDT')) rig.call((slow) => slow.loadSystemSegment(0, 0));
      equal(
        rig.call((slow) => slow.loadSegment(number, selector)),
        expected,
      );
      if (expected === 'Done') equal(rig.state.selector(number), selector);
    });
  }

  it('sets the accessed bit in memory', () => {
    const rig = new Rig('protected0');
    rig.slow.loadSegment(ES, SELECTOR.data1 & ~3);
    equal(rig.memory.read8(BigInt(PLACE.gdt + (SELECTOR.data1 & ~7) + 5)), 0xb3);
  });

  it('real mode keeps the limit ("unreal mode"), virtual-8086 mode does not', () => {
    const unreal = new Rig('real');
    unreal.state.setQuad(STATE.cr0, unreal.state.quad(STATE.cr0) | 1n);
    unreal.processor.stateReplaced(false);
    unreal.slow.loadSegment(DS, SELECTOR.data0);
    unreal.state.setQuad(STATE.cr0, unreal.state.quad(STATE.cr0) & ~1n);
    unreal.processor.stateReplaced(false);
    unreal.slow.loadSegment(DS, 0x1234);
    deepEqual([unreal.state.segmentBase(DS), unreal.state.segmentLimit(DS)], [0x12340n, 0xffffffff]);
    const virtual = new Rig('virtual');
    virtual.slow.loadSegment(DS, 0x1234);
    deepEqual([virtual.state.segmentBase(DS), virtual.state.segmentLimit(DS)], [0x12340n, 0xffff]);
  });

  it('POP SS moves the pointer at the old width and blocks events for one instruction', () => {
    const rig = new Rig('protected0');
    rig.state.setGeneral(4, 0x1fffen);
    rig.slow.popSegment(SS, SELECTOR.data16, 4);
    equal(rig.rsp, 0x20002n);
    equal(
      rig.call((slow) => slow.blockByMovSs()),
      'DoneCheck',
    );
    equal(rig.processor.interruptibility.movSs, true);
    rig.processor.endShadow();
    equal(rig.attends, false);
  });
});

const SYSTEM: readonly (readonly [string, RigMode, 0 | 1, number, string])[] = [
  ['LLDT null', 'protected0', 0, 0, 'Done'],
  ['LLDT', 'protected0', 0, SELECTOR.ldt, 'Done'],
  ['LLDT of a TSS', 'protected0', 0, SELECTOR.tss2, '13:68'],
  ['LLDT from the LDT', 'protected0', 0, SELECTOR.ldt | 4, '13:b4'],
  ['LTR null', 'protected0', 1, 0, '13:0'],
  ['LTR', 'protected0', 1, SELECTOR.tss2, 'Done'],
  ['LTR busy', 'protected0', 1, SELECTOR.tss, '13:58'],
  ['LTR of an LDT', 'protected0', 1, SELECTOR.ldt, '13:b0'],
  ['LLDT, 16 bytes', 'long0', 0, SELECTOR.ldt, 'Done'],
];

describe('LLDT and LTR', () => {
  for (const [name, mode, which, selector, expected] of SYSTEM) {
    it(name, () => {
      const rig = new Rig(mode);
      equal(
        rig.call((slow) => slow.loadSystemSegment(which, selector)),
        expected,
      );
      if (expected === 'Done') equal(rig.state.selector(6 + which), selector);
    });
  }
  it('LTR marks the TSS busy', () => {
    const rig = new Rig('protected0');
    rig.slow.loadSystemSegment(1, SELECTOR.tss2);
    equal(rig.memory.read8(BigInt(PLACE.gdt + SELECTOR.tss2 + 5)), 0x8b);
    equal(rig.state.segmentRights(7), 0x8b);
  });
  it('64-bit bases come from 16 bytes and must be canonical', () => {
    const rig = new Rig('long0');
    rig.setDescriptor(SELECTOR.ldt + 8, 0xffff8000n);
    rig.slow.loadSystemSegment(0, SELECTOR.ldt);
    equal(rig.state.segmentBase(6), 0xffff800000001800n);
    rig.setDescriptor(SELECTOR.ldt + 8, 0x10000n);
    equal(
      rig.call((slow) => slow.loadSystemSegment(0, SELECTOR.ldt)),
      '13:b0',
    );
  });
});

describe('LGDT and SGDT', () => {
  const TABLES: readonly (readonly [RigMode, number, bigint])[] = [
    ['protected0', 32, 0x89abcdefn],
    ['protected0', 16, 0xabcdefn],
    ['long0', 64, 0xffff800089abcdefn],
  ];
  for (const [mode, size, base] of TABLES) {
    it(`${mode}, ${size}-bit operand`, () => {
      const rig = new Rig(mode);
      rig.memory.write16(0x9000n, 0x1234);
      rig.memory.write64(0x9002n, 0xffff800089abcdefn);
      rig.slow.loadDescriptorTable(0, DS, 0x9000n, size);
      equal(rig.state.quad(STATE.gdtr), base);
      rig.slow.storeDescriptorTable(0, DS, 0x9100n);
      equal(rig.memory.read16(0x9100n), 0x1234);
      equal(rig.memory.read32(0x9102n), Number(base & 0xffffffffn));
    });
  }
  it('a base that is not canonical is #GP(0)', () => {
    const rig = new Rig('long0');
    rig.memory.write64(0x9002n, 1n << 60n);
    equal(
      rig.call((slow) => slow.loadDescriptorTable(1, DS, 0x9000n, 64)),
      '13:0',
    );
  });
});

/** Kind (0 LAR, 1 LSL, 2 VERR, 3 VERW), selector, and the result, or `undefined` for ZF = 0. */
const RIGHTS: readonly (readonly [string, RigMode, number, number, bigint | undefined])[] = [
  ['LAR of data', 'protected0', 0, SELECTOR.data0, 0xc09200n],
  ['LAR of a TSS', 'protected0', 0, SELECTOR.tss2, 0x8900n],
  ['LAR of an inner segment', 'protected3', 0, SELECTOR.data0, undefined],
  ['LAR null', 'protected0', 0, 0, undefined],
  ['LAR of a 16-bit TSS in IA-32e mode', 'long0', 0, SELECTOR.taskGate, undefined],
  ['LSL, pages', 'protected0', 1, SELECTOR.data0, 0xffffffffn],
  ['LSL, bytes', 'protected0', 1, SELECTOR.code16, 0xffffn],
  ['VERR of code', 'protected0', 2, SELECTOR.code0, 0n],
  ['VERW of read-only data', 'protected0', 3, SELECTOR.readOnly, undefined],
  ['VERW', 'protected0', 3, SELECTOR.data0, 0n],
  ['VERR of a system segment', 'protected0', 2, SELECTOR.tss, undefined],
];

describe('LAR, LSL, VERR, VERW', () => {
  for (const [name, mode, kind, selector, expected] of RIGHTS) {
    it(name, () => {
      const rig = new Rig(mode);
      rig.setDescriptor(SELECTOR.taskGate, descriptor(0, 0x2b, 0x81));
      rig.slow.accessRights(kind, selector);
      equal(rig.state.quad(STATE.result2), expected === undefined ? 0n : 1n);
      if (expected !== undefined && kind < 2) equal(rig.state.quad(STATE.result), expected);
    });
  }
});

const setUp = (rig: Rig): void => {
  const { processor } = rig;
  processor.writeMsr(MSR.STAR, 0x0023_0028_0000_0000n);
  processor.writeMsr(MSR.LSTAR, 0xffff_8000_0000_1000n);
  processor.writeMsr(MSR.FMASK, 0x300n);
  processor.writeMsr(MSR.SYSENTER_CS, 0x8n);
  processor.writeMsr(MSR.SYSENTER_EIP, 0x1_0000_2000n);
  processor.writeMsr(MSR.SYSENTER_ESP, 0x1_0000_3000n);
};

interface CallCase {
  readonly name: string;
  readonly mode: RigMode;
  readonly run: (slow: SlowFunctions) => Outcome;
  readonly ends: string;
  readonly prepare?: (rig: Rig) => void;
  readonly cpl?: number;
}

const rcx = (value: bigint) => (rig: Rig) => {
  rig.state.setGeneral(1, value);
  rig.state.setGeneral(2, 0x7000n);
  rig.state.setGeneral(11, 0x246n);
};

const CALLS: readonly CallCase[] = [
  { name: 'SYSCALL', mode: 'long3', run: (slow) => slow.syscall(), ends: '28:ffff800000001000 30:5000', cpl: 0 },
  { name: 'SYSCALL outside 64-bit mode', mode: 'compatibility3', run: (slow) => slow.syscall(), ends: '6' },
  {
    name: 'SYSRET to 64-bit code',
    mode: 'long0',
    prepare: rcx(0x1234n),
    run: (slow) => slow.sysret(64),
    ends: '33:1234 2b:5000',
    cpl: 3,
  },
  {
    name: 'SYSRET to 32-bit code',
    mode: 'long0',
    prepare: rcx(0x1_0000_1234n),
    run: (slow) => slow.sysret(32),
    ends: '23:1234 2b:5000',
    cpl: 3,
  },
  {
    name: 'SYSRET, RCX not canonical',
    mode: 'long0',
    prepare: rcx(1n << 60n),
    run: (slow) => slow.sysret(64),
    ends: '13:0',
  },
  { name: 'SYSRET at level 3', mode: 'long3', run: (slow) => slow.sysret(64), ends: '13:0' },
  { name: 'SYSENTER, 32 bits', mode: 'protected3', run: (slow) => slow.sysenter(), ends: '8:2000 10:3000', cpl: 0 },
  {
    name: 'SYSENTER, 64 bits',
    mode: 'long3',
    run: (slow) => slow.sysenter(),
    ends: '8:100002000 10:100003000',
    cpl: 0,
  },
  { name: 'SYSENTER in real mode', mode: 'real', run: (slow) => slow.sysenter(), ends: '13:0' },
  {
    name: 'SYSEXIT, 32 bits',
    mode: 'protected0',
    prepare: rcx(0x6000n),
    run: (slow) => slow.sysexit(32),
    ends: '1b:7000 23:6000',
    cpl: 3,
  },
  {
    name: 'SYSEXIT, 64 bits',
    mode: 'long0',
    prepare: rcx(0x6000n),
    run: (slow) => slow.sysexit(64),
    ends: '2b:7000 33:6000',
    cpl: 3,
  },
];

describe('system calls', () => {
  for (const { name, mode, run, ends, prepare, cpl } of CALLS) {
    it(name, () => {
      const rig = new Rig(mode);
      setUp(rig);
      prepare?.(rig);
      const outcome = rig.call(run);
      if (cpl === undefined) {
        equal(outcome, ends);
        return;
      }
      equal(outcome, 'Jumped');
      equal(rig.where, ends);
      equal(rig.cpl, cpl);
    });
  }

  it('SYSCALL saves RIP and RFLAGS and masks RFLAGS', () => {
    const rig = new Rig('long3');
    setUp(rig);
    rig.state.rflags = 0x2d7;
    rig.slow.syscall();
    deepEqual([rig.state.general(1), rig.state.general(11), rig.state.rflags], [0x102n, 0x2d7n, 0xd7]);
  });

  it('SWAPGS exchanges the bases', () => {
    const rig = new Rig('long0');
    rig.processor.writeMsr(MSR.KERNEL_GS_BASE, 0xffff800000000000n);
    rig.processor.writeMsr(MSR.GS_BASE, 0x1000n);
    rig.slow.swapGs();
    equal(rig.state.segmentBase(GS), 0xffff800000000000n);
    equal(rig.processor.readMsr(MSR.KERNEL_GS_BASE), 0x1000n);
    rig.slow.writeSegmentBase(FS, 0x7000n);
    equal(rig.processor.readMsr(MSR.FS_BASE), 0x7000n);
  });
});

/** Mode, IOPL, bit map bytes at the map's start, port, size, allowed. */
const PORTS: readonly (readonly [string, RigMode, number, readonly number[], number, number, boolean])[] = [
  ['CPL 0', 'protected0', 0, [0xff, 0xff], 0, 1, true],
  ['CPL 3, IOPL 3', 'protected3', 3, [0xff, 0xff], 0, 1, true],
  ['bit clear', 'protected3', 0, [0xfe, 0xff], 0, 1, true],
  ['bit set', 'protected3', 0, [0x01, 0xff], 0, 1, false],
  ['second byte of a word', 'protected3', 0, [0x7f, 0xfe], 7, 2, true],
  ['second byte of a word, set', 'protected3', 0, [0x7f, 0xff], 7, 2, false],
  ['beyond the TSS', 'protected3', 0, [0, 0], 0x100, 1, false],
  ['virtual-8086 mode ignores IOPL', 'virtual', 3, [0xff, 0xff], 0, 1, false],
  ['real mode', 'real', 0, [0xff, 0xff], 0, 1, true],
  ['64-bit TSS', 'long3', 0, [0xfe, 0xff], 0, 4, false],
];

describe('I/O permission', () => {
  for (const [name, mode, iopl, map, port, size, allowed] of PORTS) {
    it(name, () => {
      const rig = new Rig(mode);
      rig.state.rflags |= iopl << 12;
      rig.state.storeSegment(7, { ...rig.state.segment(7), limit: 0x6a }, 0);
      rig.memory.writeBytes(BigInt(PLACE.tss + 0x68), new Uint8Array(map), { system: true });
      equal(
        rig.call((slow) => slow.ioPermission(port, size)),
        allowed ? 'Done' : '13:0',
      );
    });
  }
  it('IN and OUT reach the ports with unsigned values', () => {
    const rig = new Rig('protected0');
    rig.slow.portIn(0x70, 1);
    equal(rig.state.quad(STATE.result), 0x150n);
    rig.slow.portOut(0x80, 4, -1);
    deepEqual(rig.ports, [{ port: 0x80, size: 4, value: 0xffffffff }]);
  });
});
