/**
 * Task switches: what is saved, loaded, marked busy and linked, and which checks come first.
 * Source: SDM Vol. 3A 7.3 and 7.4.
 */
import { deepEqual, equal } from 'node:assert/strict';
import { STATE } from '../../src/cpu/layout';
import { CR0 } from '../../src/cpu/mode';
import { descriptor, gate, inactiveVmx, PLACE, Rig, SELECTOR } from './rig';

const BUSY = 0x8b;
const AVAILABLE = 0x89;

/** Fills the second TSS with a task at level 0: EIP 0x2000, ESP 0x7800, EAX to EDI 1 to 8. */
function secondTask(rig: Rig, changes: Readonly<Record<number, number>> = {}): void {
  const words: Record<number, number> = {
    0x1c: 0,
    0x20: 0x2000,
    0x24: 0x202,
    ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((i) => [0x28 + i * 4, i + 1])),
    0x38: 0x7800,
    0x48: SELECTOR.data0,
    0x4c: SELECTOR.code0,
    0x50: SELECTOR.data0,
    0x54: SELECTOR.data0,
    0x60: 0,
    ...changes,
  };
  for (const [offset, value] of Object.entries(words)) rig.memory.write32(BigInt(PLACE.tss2 + Number(offset)), value);
}

function typeOf(rig: Rig, selector: number): number {
  return rig.memory.read8(BigInt(PLACE.gdt + selector + 5));
}

function task(prepare?: (rig: Rig) => void, changes?: Readonly<Record<number, number>>): Rig {
  const rig = new Rig('protected0');
  secondTask(rig, changes);
  prepare?.(rig);
  return rig;
}

describe('task switch', () => {
  it('JMP: saves, loads, moves the busy bit, sets CR0.TS', () => {
    const rig = task();
    rig.state.setGeneral(0, 0x12345678n);
    equal(
      rig.call((slow) => slow.farJump(SELECTOR.tss2, 0n, 32)),
      'Jumped',
    );
    equal(rig.where, '8:2000 10:7800');
    equal(rig.state.general(7), 8n);
    equal(rig.state.rflags, 0x202);
    deepEqual([typeOf(rig, SELECTOR.tss), typeOf(rig, SELECTOR.tss2)], [AVAILABLE, BUSY]);
    equal(rig.state.selector(7), SELECTOR.tss2);
    equal(rig.state.word(STATE.cr0) & CR0.TS, CR0.TS);
    const saved = (offset: number): number => rig.memory.read32(BigInt(PLACE.tss + offset));
    deepEqual([saved(0x20), saved(0x24), saved(0x28), saved(0x38)], [0x102, 0x202, 0x12345678, PLACE.stack]);
    equal(rig.memory.read16(BigInt(PLACE.tss + 0x4c)), SELECTOR.code0);
  });

  it('CALL nests: back link, NT, both busy; IRET goes back and clears NT in the image', () => {
    const rig = task();
    equal(
      rig.call((slow) => slow.farCall(SELECTOR.tss2, 0n, 32)),
      'Jumped',
    );
    equal(rig.memory.read16(BigInt(PLACE.tss2)), SELECTOR.tss);
    equal(rig.state.rflags, 0x4202);
    deepEqual([typeOf(rig, SELECTOR.tss), typeOf(rig, SELECTOR.tss2)], [BUSY, BUSY]);
    equal(
      rig.call((slow) => slow.interruptReturn(32)),
      'Jumped',
    );
    equal(rig.where, '8:102 10:5000');
    equal(rig.state.rflags, 0x202);
    equal(rig.memory.read32(BigInt(PLACE.tss2 + 0x24)), 0x202);
    deepEqual([typeOf(rig, SELECTOR.tss), typeOf(rig, SELECTOR.tss2)], [BUSY, AVAILABLE]);
  });

  it('a task gate in the IDT pushes the error code on the new stack', () => {
    const rig = task((r) => r.setGate(8, gate(SELECTOR.tss2, 0, 0x85)));
    equal(rig.deliver({ vector: 8, errorCode: 0 }), 'delivered');
    equal(rig.where, '8:2000 10:77fc');
    deepEqual(rig.stack(1, 4), ['0']);
    equal(rig.memory.read32(BigInt(PLACE.tss + 0x20)), 0x100);
  });

  it('a task gate through JMP', () => {
    const rig = task((r) => r.setDescriptor(SELECTOR.taskGate, gate(SELECTOR.tss2, 0, 0x85)));
    equal(
      rig.call((slow) => slow.farJump(SELECTOR.taskGate, 0n, 32)),
      'Jumped',
    );
    equal(rig.where, '8:2000 10:7800');
  });

  it('to virtual-8086 mode', () => {
    const rig = task(undefined, { 0x24: 0x20202, 0x4c: 0x300, 0x50: 0x40, 0x38: 0x800 });
    rig.call((slow) => slow.farJump(SELECTOR.tss2, 0n, 32));
    equal(rig.where, '300:2000 40:800');
    equal(rig.cpl, 3);
    equal(rig.state.segmentBase(1), 0x3000n);
  });

  it('to a 16-bit TSS', () => {
    const rig = task((r) => {
      r.setDescriptor(SELECTOR.tss2, descriptor(PLACE.tss2, 0x2b, 0x81));
      const words = [0x2000, 0x202, 1, 2, 3, 4, 0x7800, 6, 7, 8, SELECTOR.data0, SELECTOR.code0, SELECTOR.data0, 0, 0];
      words.forEach((value, index) => r.memory.write16(BigInt(PLACE.tss2 + 0x0e + index * 2), value));
    });
    equal(
      rig.call((slow) => slow.farJump(SELECTOR.tss2, 0n, 32)),
      'Jumped',
    );
    equal(rig.where, '8:2000 10:7800');
    equal(rig.state.general(7), 8n);
  });

  it('the T flag leaves a debug trap pending', () => {
    const rig = task(undefined, { 0x64: 1 });
    equal(
      rig.call((slow) => slow.farJump(SELECTOR.tss2, 0n, 32)),
      'JumpedCheck',
    );
    equal(rig.processor.pendingDebug, 0x8000);
  });

  it('in VMX non-root operation it exits once its checks have passed, with nothing changed', () => {
    const asked: string[] = [];
    const rig = new Rig('protected0', {
      ...inactiveVmx(),
      taskSwitchExits: ({ selector, source }) => asked.push(`${source} ${selector}`) > 0,
    });
    secondTask(rig);
    equal(
      rig.call((slow) => slow.farCall(SELECTOR.tss2, 0n, 32)),
      'Exit',
    );
    deepEqual(asked, [`CALL ${SELECTOR.tss2}`]);
    equal(rig.where, '8:100 10:5000');
    equal(typeOf(rig, SELECTOR.tss2), AVAILABLE);
  });

  const REFUSED: readonly (readonly [string, (rig: Rig) => void, string])[] = [
    ['busy', (rig) => rig.setDescriptor(SELECTOR.tss2, descriptor(PLACE.tss2, 0x67, BUSY)), '13:68'],
    ['not present', (rig) => rig.setDescriptor(SELECTOR.tss2, descriptor(PLACE.tss2, 0x67, 0x09)), '11:68'],
    ['limit too small', (rig) => rig.setDescriptor(SELECTOR.tss2, descriptor(PLACE.tss2, 0x66, AVAILABLE)), '10:68'],
    ['new TSS not in memory', (rig) => rig.setDescriptor(SELECTOR.tss2, descriptor(0x50000, 0x67, AVAILABLE)), '14:0'],
  ];
  for (const [name, prepare, fault] of REFUSED) {
    it(`JMP refused: ${name}`, () => {
      const rig = task(prepare);
      equal(
        rig.call((slow) => slow.farJump(SELECTOR.tss2, 0n, 32)),
        fault,
      );
      equal(rig.where, '8:100 10:5000');
      equal(rig.state.selector(7), SELECTOR.tss);
      equal(typeOf(rig, SELECTOR.tss), BUSY);
    });
  }

  const LATE: readonly (readonly [string, Readonly<Record<number, number>>, number, number])[] = [
    ['LDT not an LDT', { 0x60: SELECTOR.data0 }, 10, SELECTOR.data0],
    ['CS is data', { 0x4c: SELECTOR.data0 }, 10, SELECTOR.data0],
    ['CS of another level', { 0x4c: SELECTOR.code3 & ~3 }, 10, SELECTOR.code3 & ~3],
    ['CS not present', { 0x4c: SELECTOR.absentCode }, 11, SELECTOR.absentCode],
    ['SS null', { 0x50: 0 }, 10, 0],
    ['SS not present', { 0x50: SELECTOR.absentData }, 12, SELECTOR.absentData],
    ['DS not present', { 0x54: SELECTOR.absentData }, 11, SELECTOR.absentData],
    ['DS is a TSS', { 0x54: SELECTOR.tss }, 10, SELECTOR.tss],
    ['EIP beyond CS', { 0x4c: SELECTOR.code16, 0x20: 0x10000 }, 13, 0],
  ];
  for (const [name, changes, vector, error] of LATE) {
    it(`fault in the new task: ${name}`, () => {
      const rig = task((r) => {
        // A task gate takes the fault: it needs nothing of the half-loaded task.
        r.setDescriptor(SELECTOR.ldt, descriptor(0x3c00, 0x67, AVAILABLE));
        r.memory.bytes.copyWithin(0x3c00, PLACE.tss2, PLACE.tss2 + 0x68);
        r.setGate(vector, gate(SELECTOR.ldt, 0, 0x85));
      });
      secondTask(rig, changes);
      equal(
        rig.call((slow) => slow.farJump(SELECTOR.tss2, 0n, 32)),
        'JumpedCheck',
      );
      equal(rig.where, '8:2000 10:77fc');
      deepEqual(rig.stack(1, 4), [error.toString(16)]);
      equal(rig.memory.read16(0x3c00n), SELECTOR.tss2);
    });
  }
});
