/**
 * Event delivery in every mode: what is pushed, where the processor goes, which fault becomes which.
 * Source: SDM Vol. 3A chapter 6, Vol. 3B 20.1.4 and 20.3.
 */
import { deepEqual, equal } from 'node:assert/strict';
import { combine } from '../../src/cpu/event';
import type { ProcessorEvent } from '../../src/cpu/event';
import { STATE } from '../../src/cpu/layout';
import { descriptor, gate, inactiveVmx, PLACE, Rig, SELECTOR } from './rig';
import type { RigMode } from './rig';

const INTERRUPT32 = 0x8e;
const TRAP32 = 0x8f;

interface Case {
  readonly name: string;
  readonly mode: RigMode;
  readonly event: Partial<ProcessorEvent> & { vector: number };
  readonly prepare?: (rig: Rig) => void;
  /** Where the processor is afterwards: CS:RIP SS:RSP. */
  readonly where: string;
  /** The new stack from its top on, and the width of its slots. */
  readonly stack: readonly string[];
  readonly bytes: 2 | 4 | 8;
  /** EFLAGS afterwards. */
  readonly flags?: number;
}

const H = PLACE.handler.toString(16);

const CASES: readonly Case[] = [
  {
    name: 'real mode: FLAGS, CS, IP; IF and TF cleared',
    mode: 'real',
    event: { kind: 'external', vector: 8 },
    prepare: (rig) => rig.memory.write32(8n * 4n, 0x02001230),
    where: `200:${H} 0:4ffa`,
    stack: ['100', '100', '202'],
    bytes: 2,
    flags: 2,
  },
  {
    name: 'real mode: exceptions push no error code',
    mode: 'real',
    event: { vector: 13, errorCode: 0 },
    prepare: (rig) => rig.memory.write32(13n * 4n, 0x02001230),
    where: `200:${H} 0:4ffa`,
    stack: ['100', '100', '202'],
    bytes: 2,
  },
  {
    name: 'protected, same level, interrupt gate, fault with error code: RF in the image',
    mode: 'protected0',
    event: { vector: 13, errorCode: 0x10 },
    prepare: (rig) => rig.setGate(13, gate(SELECTOR.code0, PLACE.handler, INTERRUPT32)),
    where: `8:${H} 10:4ff0`,
    stack: ['10', '100', '8', '10202'],
    bytes: 4,
    flags: 2,
  },
  {
    name: 'protected, same level, trap gate keeps IF; INT n returns behind itself',
    mode: 'protected0',
    event: { kind: 'software interrupt', vector: 0x30, instructionLength: 2 },
    prepare: (rig) => rig.setGate(0x30, gate(SELECTOR.code0, PLACE.handler, TRAP32)),
    where: `8:${H} 10:4ff4`,
    stack: ['102', '8', '202'],
    bytes: 4,
    flags: 0x202,
  },
  {
    name: 'protected, to an inner level: stack of the TSS',
    mode: 'protected3',
    event: { kind: 'external', vector: 0x30 },
    prepare: (rig) => rig.setGate(0x30, gate(SELECTOR.code0, PLACE.handler, INTERRUPT32)),
    where: `8:${H} 10:5fec`,
    stack: ['100', '1b', '202', '5000', '23'],
    bytes: 4,
  },
  {
    name: 'protected, to level 1',
    mode: 'protected3',
    event: { kind: 'external', vector: 0x30 },
    prepare: (rig) => rig.setGate(0x30, gate(SELECTOR.code1, PLACE.handler, INTERRUPT32)),
    where: `99:${H} a1:6fec`,
    stack: ['100', '1b', '202', '5000', '23'],
    bytes: 4,
  },
  {
    name: 'protected, conforming handler stays at CPL 3',
    mode: 'protected3',
    event: { kind: 'external', vector: 0x30 },
    prepare: (rig) => rig.setGate(0x30, gate(SELECTOR.conforming, PLACE.handler, INTERRUPT32)),
    where: `53:${H} 23:4ff4`,
    stack: ['100', '1b', '202'],
    bytes: 4,
  },
  {
    name: 'protected, 16-bit gate pushes words and cuts the offset',
    mode: 'protected0',
    event: { vector: 13, errorCode: 0 },
    prepare: (rig) => rig.setGate(13, gate(SELECTOR.code0, 0x51230, 0x86)),
    where: `8:${H} 10:4ff8`,
    stack: ['0', '100', '8', '202'],
    bytes: 2,
  },
  {
    name: 'from virtual-8086 mode: data segments are pushed and made null, VM cleared',
    mode: 'virtual',
    event: { vector: 13, errorCode: 0 },
    prepare: (rig) => rig.setGate(13, gate(SELECTOR.code0, PLACE.handler, INTERRUPT32)),
    where: `8:${H} 10:5fd8`,
    stack: ['0', '100', '100', '30202', '5000', '0', '20', '30', '40', '50'],
    bytes: 4,
    flags: 2,
  },
  {
    name: '64-bit, same level: SS:RSP always, stack aligned',
    mode: 'long0',
    event: { vector: 14, errorCode: 2, address: 0xdead000n },
    prepare: (rig) => {
      rig.state.setGeneral(4, 0x4ff9n);
      rig.setGate(14, gate(SELECTOR.code64, PLACE.handler, INTERRUPT32));
    },
    where: `28:${H} 10:4fc0`,
    stack: ['2', '100', '28', '10202', '4ff9', '10'],
    bytes: 8,
    flags: 2,
  },
  {
    name: '64-bit, from level 3: RSP0, SS null',
    mode: 'long3',
    event: { kind: 'external', vector: 0x30 },
    prepare: (rig) => rig.setGate(0x30, gate(SELECTOR.code64, PLACE.handler, INTERRUPT32)),
    where: `28:${H} 0:5fd8`,
    stack: ['100', '33', '202', '5000', '3b'],
    bytes: 8,
  },
  {
    name: '64-bit, from compatibility mode with IST 1',
    mode: 'compatibility3',
    event: { kind: 'nmi', vector: 2 },
    prepare: (rig) => rig.setGate(2, gate(SELECTOR.code64, PLACE.handler, INTERRUPT32, 1)),
    where: `28:${H} 0:7fd8`,
    stack: ['100', '1b', '202', '5000', '23'],
    bytes: 8,
  },
  {
    name: '64-bit, IST without a change of level keeps SS',
    mode: 'long0',
    event: { kind: 'external', vector: 0x30 },
    prepare: (rig) => rig.setGate(0x30, gate(SELECTOR.code64, PLACE.handler, TRAP32, 1)),
    where: `28:${H} 10:7fd8`,
    stack: ['100', '28', '202', '5000', '10'],
    bytes: 8,
    flags: 0x202,
  },
];

/** Faults during delivery: all tables absent but the gate of the nested exception, which shows its error code. */
interface FaultCase {
  readonly name: string;
  readonly mode: RigMode;
  readonly event: Partial<ProcessorEvent> & { vector: number };
  readonly prepare: (rig: Rig) => void;
  /** Vector that is delivered in the end, and its error code. */
  readonly nested: readonly [vector: number, error: number];
}

const external = { kind: 'external', vector: 0x30 } as const;
const intN = { kind: 'software interrupt', vector: 0x30, instructionLength: 2 } as const;
const handlerAt = (vector: number, value: bigint) => (rig: Rig) => rig.setGate(vector, value);

const FAULTS: readonly FaultCase[] = [
  { name: 'no gate, external', mode: 'protected0', event: external, prepare: () => undefined, nested: [13, 0x183] },
  {
    name: 'no gate, INT1 counts as external',
    mode: 'protected0',
    event: { ...intN, kind: 'privileged software exception' },
    prepare: () => undefined,
    nested: [13, 0x183],
  },
  {
    name: 'beyond the IDT limit',
    mode: 'protected0',
    event: { ...external, vector: 0xff },
    prepare: (rig) => rig.state.setWord(STATE.idtr + 8, 0x1ff),
    nested: [13, 0x7fb],
  },
  {
    name: 'gate not present',
    mode: 'protected0',
    event: external,
    prepare: handlerAt(0x30, gate(SELECTOR.code0, 0, 0x0e)),
    nested: [11, 0x183],
  },
  {
    name: 'null handler selector',
    mode: 'protected0',
    event: external,
    prepare: handlerAt(0x30, gate(0, 0, 0x8e)),
    nested: [13, 1],
  },
  {
    name: 'handler is data',
    mode: 'protected0',
    event: external,
    prepare: handlerAt(0x30, gate(SELECTOR.data0, 0, 0x8e)),
    nested: [13, SELECTOR.data0 + 1],
  },
  {
    name: 'handler less privileged',
    mode: 'protected0',
    event: external,
    prepare: handlerAt(0x30, gate(SELECTOR.code3, 0, 0x8e)),
    nested: [13, (SELECTOR.code3 & ~3) + 1],
  },
  {
    name: 'handler not present',
    mode: 'protected0',
    event: external,
    prepare: handlerAt(0x30, gate(SELECTOR.absentCode, 0, 0x8e)),
    nested: [11, SELECTOR.absentCode + 1],
  },
  {
    name: 'inner stack selector null',
    mode: 'protected3',
    event: { ...external, vector: 0x31 },
    prepare: (rig) => {
      rig.setGate(0x31, gate(SELECTOR.code1, 0, 0x8e));
      rig.memory.write32(BigInt(PLACE.tss + 16), 0);
    },
    nested: [10, 1],
  },
  {
    name: 'inner stack segment not writable',
    mode: 'protected3',
    event: { ...external, vector: 0x31 },
    prepare: (rig) => {
      rig.setGate(0x31, gate(SELECTOR.code1, 0, 0x8e));
      rig.memory.write32(BigInt(PLACE.tss + 16), SELECTOR.readOnly + 1);
    },
    nested: [10, SELECTOR.readOnly + 1],
  },
  {
    name: 'offset beyond the handler segment',
    mode: 'protected0',
    event: external,
    prepare: (rig) => {
      rig.setDescriptor(SELECTOR.code16, descriptor(0, 0xfff, 0x409a));
      rig.setGate(0x30, gate(SELECTOR.code16, 0x1000, 0x8e));
    },
    nested: [13, 1],
  },
  {
    name: '64-bit: 32-bit handler',
    mode: 'long0',
    event: external,
    prepare: handlerAt(0x30, gate(SELECTOR.code0, 0, 0x8e)),
    nested: [13, SELECTOR.code0 + 1],
  },
  {
    name: '64-bit: task gate',
    mode: 'long0',
    event: external,
    prepare: handlerAt(0x30, gate(SELECTOR.tss2, 0, 0x85)),
    nested: [13, 0x183],
  },
  {
    name: '64-bit: stack not canonical',
    mode: 'long0',
    event: external,
    prepare: (rig) => {
      rig.setGate(0x30, gate(SELECTOR.code64, 0, 0x8e));
      rig.memory.write64(BigInt(PLACE.tss + 44), BigInt(PLACE.stack1));
      rig.setGate(12, gate(SELECTOR.code64, PLACE.handler, 0x8e, 2));
      rig.state.setGeneral(4, 0x8000_0000_0000_0000n);
    },
    nested: [12, 1],
  },
];

describe('event delivery', () => {
  for (const { name, mode, event, prepare, where, stack, bytes, flags } of CASES) {
    it(name, () => {
      const rig = new Rig(mode);
      prepare?.(rig);
      equal(rig.deliver(event), 'delivered');
      equal(rig.where, where);
      const top = mode === 'real' ? Number(rig.rsp) : undefined;
      deepEqual(rig.stack(stack.length, bytes, top), stack);
      if (flags !== undefined) equal(rig.state.rflags, flags);
      if (event.vector === 14) equal(rig.state.quad(STATE.cr2), event.address);
    });
  }

  for (const { name, mode, event, prepare, nested } of FAULTS) {
    it(`fault: ${name}`, () => {
      const rig = new Rig(mode);
      const [vector, error] = nested;
      rig.setGate(vector, gate(mode.startsWith('long') ? SELECTOR.code64 : SELECTOR.code0, PLACE.handler, 0x8e));
      prepare(rig);
      equal(rig.deliver(event), 'delivered');
      equal(rig.state.rip, BigInt(PLACE.handler));
      deepEqual(rig.stack(1, mode.startsWith('long') ? 8 : 4), [error.toString(16)]);
    });
  }

  it('INT n above its gate is #GP with the vector and EXT clear, and the event stays for the VMX unit', () => {
    const rig = new Rig('protected3');
    rig.setGate(0x30, gate(SELECTOR.code0, PLACE.handler, INTERRUPT32));
    equal(
      rig.call((slow) => slow.softwareInterrupt(0x30)),
      '13:182',
    );
    equal(rig.processor.vectoring?.vector, 0x30);
    equal(rig.where, '1b:100 23:5000');
  });

  it('INT n in virtual-8086 mode needs IOPL 3, INT3 does not', () => {
    const rig = new Rig('virtual');
    rig.setGate(3, gate(SELECTOR.code0, PLACE.handler, 0xee));
    equal(
      rig.call((slow) => slow.softwareInterrupt(3)),
      '13:0',
    );
    equal(
      rig.call((slow) => slow.breakpoint()),
      'Jumped',
    );
    equal(rig.state.selector(1), SELECTOR.code0);
  });

  it('a push that faults leaves everything as it was', () => {
    const rig = new Rig('protected0');
    rig.setGate(0x30, gate(SELECTOR.code0, PLACE.handler, INTERRUPT32));
    rig.state.setGeneral(4, 0x5006n); // two of three slots on the absent page below
    rig.memory.absent.add(4);
    const before = rig.memory.bytes.slice(0x5000, 0x6000);
    equal(
      rig.call((slow) => slow.softwareInterrupt(0x30)),
      '14:2',
    );
    deepEqual(rig.memory.bytes.slice(0x5000, 0x6000), before);
    equal(rig.where, '8:100 10:5006');
  });

  it('a fault while delivering #GP is a double fault, and then the processor shuts down', () => {
    const rig = new Rig('protected0');
    rig.setGate(8, gate(SELECTOR.code0, PLACE.handler, INTERRUPT32));
    equal(rig.deliver({ vector: 13, errorCode: 0 }), 'delivered');
    deepEqual(rig.stack(2, 4), ['0', '100']);
    const other = new Rig('protected0');
    equal(other.deliver({ vector: 13, errorCode: 0 }), 'shutdown');
    equal(other.processor.activity, 'shutdown');
  });

  it('the VMX unit is asked first and hears of the event that was being delivered', () => {
    const asked: string[] = [];
    const vmx = {
      ...inactiveVmx(),
      eventExits: (event: ProcessorEvent, during?: ProcessorEvent): boolean => {
        asked.push(`${event.vector} during ${during?.vector ?? 'nothing'}`);
        return event.vector === 13;
      },
    };
    const rig = new Rig('protected0', vmx);
    equal(rig.deliver(external), 'exit');
    deepEqual(asked, ['48 during nothing', '13 during 48']);
    equal(rig.processor.vectoring?.vector, 0x30);
  });

  it('#DB: DR6 gets the cause, DR7.GD is cleared', () => {
    const rig = new Rig('protected0');
    rig.setGate(1, gate(SELECTOR.code0, PLACE.handler, INTERRUPT32));
    rig.state.setQuad(STATE.dr7, 0x2400n);
    equal(
      rig.call((slow) => slow.readDebug(0)),
      '1',
    );
    equal(rig.processor.deliverFault(), 'delivered');
    equal(rig.state.quad(STATE.dr6), 0xffff2ff0n);
    equal(rig.state.quad(STATE.dr7), 0x400n);
    deepEqual(rig.stack(3, 4), ['100', '8', '10202']);
  });
});

/** Rows: first exception; columns: second. s serial, d double fault, t triple fault (SDM Vol. 3A, table 6-5). */
const TABLE = {
  benign: [1, 's', 's', 's'],
  contributory: [13, 's', 'd', 's'],
  pageFault: [14, 's', 'd', 'd'],
  doubleFault: [8, 's', 't', 't'],
} as const;

describe('double-fault conditions', () => {
  const SECOND = [1, 13, 14] as const;
  for (const [name, [first, ...expected]] of Object.entries(TABLE)) {
    it(`first event: ${name}`, () => {
      const event = (vector: number): ProcessorEvent => ({ kind: 'exception', vector, instructionLength: 0 });
      const actual = SECOND.map((second) => combine(event(first), event(second))[0]);
      deepEqual(actual, [...expected]);
    });
  }
  it('every contributory vector counts as such', () => {
    const event = (vector: number): ProcessorEvent => ({ kind: 'exception', vector, instructionLength: 0 });
    const contributory = Array.from({ length: 32 }, (_, vector) => vector).filter(
      (vector) => combine(event(13), event(vector)) === 'double fault',
    );
    deepEqual(contributory, [0, 10, 11, 12, 13]);
  });
});
