// IRETQ within the kernel is emitted; it does what TypeScript's IRET does, and leaves to that whatever is another return.

import assert from 'node:assert/strict';
import { Core } from '../../src/cpu/core';
import { RETURN_NOTE, STATE } from '../../src/cpu/layout';
import { EFLAGS, RIGHTS, setSegment } from '../../src/cpu/mode';
import { slowFunctions } from '../../src/cpu/slow-functions';
import type { VmxUnit } from '../../src/cpu/vmx-hooks';
import { SEGMENT } from '../../src/isa/semantics';
import { Outcome } from '../../src/isa/slow';
import { longRig, PAGE, ROOT } from './rig';
import type { Rig } from './rig';

const CODE = 0x10000;
const TARGET = 0x12000;
const STACK = 0x30800;
const GDT = 0x40000;
const [KERNEL_CODE, KERNEL_DATA, USER_CODE, USER_DATA, OTHER_DATA] = [0x08, 0x10, 0x1b, 0x23, 0x28];
const DESCRIPTORS: readonly (readonly [number, bigint])[] = [
  [KERNEL_CODE, 0x00af9b000000ffffn],
  [KERNEL_DATA, 0x00cf93000000ffffn],
  [USER_CODE & ~7, 0x00affb000000ffffn],
  [USER_DATA & ~7, 0x00cff3000000ffffn],
  [OTHER_DATA, 0x00cf93000000ffffn],
];
/** mov rax, [GDT]; mov rax, [rsp]: the TLB has both. iretq. */
const PROGRAM = [0x48, 0x8b, 0x04, 0x25, 0, 0, 4, 0, 0x48, 0x8b, 0x04, 0x24, 0x48, 0xcf];
const NOT_CANONICAL = 1n << 47n;

/** What an IRETQ pops, lowest first. */
interface Image {
  rip: bigint;
  cs: number;
  flags: number;
  rsp: bigint;
  ss: number;
}

/** A rig whose IRET is the processor's. */
class ReturnRig {
  readonly rig: Rig;
  readonly core: Core;
  /** IRETs that TypeScript did. */
  calls = 0;

  constructor() {
    const never = (): never => assert.fail('not asked for');
    this.rig = longRig({
      slow: {
        interruptReturn: (size) => {
          this.calls++;
          return slowFunctions(this.core).interruptReturn(size);
        },
      },
    });
    const { state, interpreter, memory } = this.rig;
    this.core = new Core(state, interpreter, {
      ports: { portRead: never, portWrite: never },
      apic: { readMsr: never, writeMsr: never, taskPriority: 0, setTscOffset: never },
      instruction: { length: () => interpreter.currentLength },
      float: {} as never,
      ticks: () => 0,
      random: () => 0n,
      tlbBase: memory.plan.tlb,
    });
    this.core.vmx = { modeBits: 0, instructions: {}, iretUnblocksNmi: () => true } as unknown as VmxUnit;
    for (const [selector, descriptor] of DESCRIPTORS) memory.write64(GDT + selector, descriptor);
    state.setQuad(STATE.gdtr, BigInt(GDT));
    state.setWord(STATE.gdtr + 8, 0xffff);
    this.load(SEGMENT.CS, KERNEL_CODE, 0xa09b);
    this.load(SEGMENT.SS, KERNEL_DATA, 0xc093);
    state.setGeneral(4, BigInt(STACK));
    memory.write(CODE, Uint8Array.from(PROGRAM));
    memory.write(TARGET, Uint8Array.of(0xf4));
  }

  load(number: number, selector: number, rights: number): void {
    const limit = rights & RIGHTS.unusable ? 0 : 0xffffffff;
    setSegment(this.rig.state, number, { selector, base: 0n, limit, rights });
    this.core.updateMode();
  }

  descriptor(selector: number, change: (descriptor: bigint) => bigint): void {
    const { memory } = this.rig;
    memory.write64(GDT + selector, change(memory.read64(GDT + selector)));
  }

  /** Returns by `image`, which lies at RSP, and gives all that could differ. */
  run({ rip, cs, flags, rsp, ss }: Image): unknown {
    const { state, memory } = this.rig;
    const at = Number(state.general(4));
    [rip, BigInt(cs), BigInt(flags), rsp, BigInt(ss)].forEach((value, n) => memory.write64(at + n * 8, value));
    const outcome = this.rig.run(CODE);
    const fault = outcome === Outcome.Fault ? [state.word(STATE.faultVector), state.word(STATE.faultError)] : [];
    return {
      outcome,
      fault,
      rip: state.rip,
      flags: state.rflags,
      registers: Array.from({ length: 16 }, (_, n) => state.general(n)),
      segments: [state.segment(SEGMENT.CS), state.segment(SEGMENT.SS)],
      words: [STATE.mode, STATE.tlb, STATE.attention, STATE.fetchContext].map((word) => state.word(word)),
      nmi: this.core.interruptibility.nmi,
      descriptors: memory.read(GDT, 0x40),
    };
  }
}

interface Case {
  readonly name: string;
  readonly image?: Partial<Image>;
  readonly prepare?: (rig: ReturnRig) => void;
}

const flag = (value: number): NonNullable<Case['prepare']> => {
  return ({ core }) => core.setFlags(core.state.rflags | value);
};

const WITHIN: readonly Case[] = [
  { name: 'to other code and another stack' },
  { name: 'that sets IF and all arithmetic flags', image: { flags: 0xad7 } },
  { name: 'that sets DF', image: { flags: EFLAGS.DF | 2 } },
  { name: 'that clears IF and DF', prepare: flag(EFLAGS.IF | EFLAGS.DF) },
  {
    name: 'that keeps IOPL and ID',
    image: { flags: EFLAGS.IOPL | EFLAGS.ID | 2 },
    prepare: flag(EFLAGS.IOPL | EFLAGS.ID),
  },
  { name: 'while something waits', image: { flags: EFLAGS.IF | 2 }, prepare: ({ core }) => core.attend(1) },
  { name: 'with a null SS', image: { ss: 0 }, prepare: (rig) => rig.load(SEGMENT.SS, 0, RIGHTS.unusable) },
  { name: 'with the reserved flags of the image set', image: { flags: 0x802a | 2 } },
];

const OTHERS: readonly Case[] = [
  ...[EFLAGS.TF, EFLAGS.RF, EFLAGS.AC, EFLAGS.NT, EFLAGS.ID, EFLAGS.IOPL, EFLAGS.VIF, EFLAGS.VIP].flatMap((bit) => [
    { name: `that sets flag 0x${bit.toString(16)}`, image: { flags: bit | 2 } },
    ...(bit === EFLAGS.TF || bit === EFLAGS.RF
      ? []
      : [{ name: `that clears flag 0x${bit.toString(16)}`, prepare: flag(bit) }]),
  ]),
  { name: 'that keeps AC', image: { flags: EFLAGS.AC | 2 }, prepare: flag(EFLAGS.AC) },
  { name: 'to user mode', image: { cs: USER_CODE, ss: USER_DATA } },
  { name: 'to a null CS', image: { cs: 0 } },
  { name: 'to another SS', image: { ss: OTHER_DATA } },
  { name: 'to a null SS from another', image: { ss: 0 } },
  {
    name: 'to a null SS from one that kept a limit',
    image: { ss: 0 },
    prepare: ({ rig, core }) => {
      setSegment(rig.state, SEGMENT.SS, { selector: 0, base: 0n, limit: 5, rights: RIGHTS.unusable });
      core.updateMode();
    },
  },
  { name: 'to a null SS with RPL 3', image: { ss: 3 } },
  { name: 'to CS with RPL 1', image: { cs: KERNEL_CODE | 1 } },
  { name: 'to CS in an LDT', image: { cs: KERNEL_CODE | 4 } },
  { name: 'to SS in an LDT', image: { ss: KERNEL_DATA | 4 } },
  { name: 'to an address that is not canonical', image: { rip: NOT_CANONICAL } },
  {
    name: 'to CS in an LDT from there',
    image: { cs: KERNEL_CODE | 4, ss: 0 },
    prepare: (rig) => {
      rig.load(SEGMENT.CS, KERNEL_CODE | 4, 0xa09b);
      rig.load(SEGMENT.SS, 0, RIGHTS.unusable);
      // As the GDT would have it for one who overlooks that the selector does not name it.
      rig.rig.memory.write64(GDT + (KERNEL_CODE | 4), DESCRIPTORS[0]![1]);
    },
  },
  ...(
    [
      ['a CS that is not present', SEGMENT.CS, KERNEL_CODE, 0xa01b],
      ['a CS of data', SEGMENT.CS, KERNEL_CODE, 0xa093],
      ['an SS that is read-only', SEGMENT.SS, KERNEL_DATA, 0xc091],
      ['an SS that is not present', SEGMENT.SS, KERNEL_DATA, 0xc013],
    ] as const
  ).map(([name, number, selector, rights]) => ({
    name: `to ${name}, as it is`,
    prepare: (rig: ReturnRig) => {
      rig.load(number, selector, rights);
      rig.descriptor(selector, (descriptor) => (descriptor & ~(0xffn << 40n)) | (BigInt(rights & 0xff) << 40n));
    },
  })),
  { name: 'with CS outside the GDT', prepare: ({ rig }) => rig.state.setWord(STATE.gdtr + 8, KERNEL_CODE + 6) },
  { name: 'with SS outside the GDT', prepare: ({ rig }) => rig.state.setWord(STATE.gdtr + 8, KERNEL_DATA + 6) },
  ...[KERNEL_CODE, KERNEL_DATA].flatMap((selector) =>
    [8n, 20n, 32n, 40n, 41n, 43n, 44n, 45n, 47n, 48n, 52n, 53n, 54n, 55n, 60n].map((bit) => ({
      name: `with bit ${bit} of the descriptor 0x${selector.toString(16)} flipped`,
      prepare: (rig: ReturnRig) => rig.descriptor(selector, (descriptor) => descriptor ^ (1n << bit)),
    })),
  ),
  { name: 'with a GDT elsewhere', prepare: ({ rig }) => rig.state.setQuad(STATE.gdtr, BigInt(GDT + 0x800)) },
  { name: 'from a stack across two pages', prepare: ({ rig }) => rig.state.setGeneral(4, BigInt(STACK + 0x7e0)) },
  { name: 'from a stack whose second page is absent', prepare: acrossHole },
  { name: 'while NMIs are blocked', prepare: ({ core }) => void (core.interruptibility.nmi = true) },
  { name: 'of 32 bits', prepare: ({ rig }) => rig.memory.write(CODE + 12, Uint8Array.of(0xcf, 0xcf)) },
  {
    name: 'within user mode',
    image: { cs: USER_CODE, ss: USER_DATA },
    prepare: (rig) => {
      rig.load(SEGMENT.CS, USER_CODE, 0xa0fb);
      rig.load(SEGMENT.SS, USER_DATA, 0xc0f3);
    },
  },
];

function acrossHole({ rig }: ReturnRig): void {
  rig.state.setGeneral(4, BigInt(STACK + 0x7e0));
  rig.memory.write(STACK + 0x7e0, new Uint8Array(32));
  rig.setEntry(ROOT, STACK - 0x800 + PAGE, 0n);
}

describe('a return of an interrupt', () => {
  for (const [cases, calls] of [
    [WITHIN, 0],
    [OTHERS, 1],
  ] as const) {
    for (const { name, image, prepare } of cases) {
      it(`${name} is ${calls === 0 ? 'emitted' : "TypeScript's"}, with what TypeScript does`, () => {
        const results = [false, true].map((isObserved) => {
          const rig = new ReturnRig();
          if (isObserved) rig.core.observer = { returned: () => undefined };
          prepare?.(rig);
          const result = rig.run({
            rip: BigInt(TARGET),
            cs: KERNEL_CODE,
            flags: 2,
            rsp: 0x30123n,
            ss: KERNEL_DATA,
            ...image,
          });
          assert.equal(rig.calls, isObserved ? 1 : calls);
          return result;
        });
        assert.deepEqual(results[0], results[1]);
      });
    }
  }

  it('is told to an observer, and no longer when there is none', () => {
    const { core } = new ReturnRig();
    const { state } = core;
    core.observer = { returned: () => undefined };
    core.interruptibility.nmi = true;
    assert.equal(state.word(STATE.returnNotes), RETURN_NOTE.observed | RETURN_NOTE.nmiBlocked);
    core.observer = {};
    assert.equal(state.word(STATE.returnNotes), RETURN_NOTE.nmiBlocked);
    assert.deepEqual({ ...core.interruptibility }, { sti: false, movSs: false, nmi: true });
    Object.assign(core.interruptibility, { nmi: false });
    assert.equal(state.word(STATE.returnNotes), 0);
  });
});
