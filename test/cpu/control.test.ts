/**
 * Control and debug registers, EFER, XCR0.
 * Source: SDM Vol. 3A 2.5, 4.1.1, 9.8.5; Vol. 3B 17.2.
 */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { STATE } from '../../src/cpu/layout';
import { CR0, CR4, EFER } from '../../src/cpu/mode';
import { MSR } from '../../src/cpu/msr-numbers';
import { inactiveVmx, Rig } from './rig';
import type { RigMode } from './rig';

const bit = (number: number): bigint => BigInt(number);
const PROTECTED = bit(CR0.PE + CR0.ET);
const PAGED = PROTECTED | bit(CR0.PG);

/** Register, value, outcome, and its value afterwards. */
interface Write {
  readonly name: string;
  readonly mode: RigMode;
  readonly register: 0 | 2 | 3 | 4 | 8;
  readonly value: bigint;
  readonly outcome?: string;
  readonly after?: bigint;
  readonly prepare?: (rig: Rig) => void;
}

const cr4 = (value: number) => (rig: Rig) => rig.state.setQuad(STATE.cr4, bit(value));
const efer = (value: number) => (rig: Rig) => rig.state.setQuad(STATE.efer, bit(value));

const WRITES: readonly Write[] = [
  { name: 'CR0 upper half', mode: 'long0', register: 0, value: 1n << 32n, outcome: '13:0' },
  { name: 'CR0.PG without PE', mode: 'real', register: 0, value: bit(CR0.PG), outcome: '13:0' },
  { name: 'CR0.NW without CD', mode: 'real', register: 0, value: bit(CR0.NW), outcome: '13:0' },
  { name: 'CR0 reserved bits are ignored, ET is 1', mode: 'real', register: 0, value: 0x1ffc0n, after: 0x10010n },
  {
    name: 'CR0.PG with LME but without PAE',
    mode: 'protected0',
    register: 0,
    value: PAGED,
    prepare: efer(EFER.LME),
    outcome: '13:0',
  },
  { name: 'CR0.PG cannot be cleared in 64-bit mode', mode: 'long0', register: 0, value: PROTECTED, outcome: '13:0' },
  { name: 'CR2', mode: 'long0', register: 2, value: 0xffffffffffffffffn, after: 0xffffffffffffffffn },
  { name: 'CR3 reserved bits in IA-32e mode', mode: 'long0', register: 3, value: 1n << 39n, outcome: '13:0' },
  { name: 'CR3 bit 63 without PCIDE', mode: 'long0', register: 3, value: 1n << 63n, outcome: '13:0' },
  {
    name: 'CR3 bit 63 with PCIDE is not stored',
    mode: 'long0',
    register: 3,
    value: (1n << 63n) | 0x5001n,
    prepare: cr4(CR4.PAE + CR4.PCIDE),
    after: 0x5001n,
  },
  { name: 'CR4 reserved bit', mode: 'protected0', register: 4, value: 1n << 12n, outcome: '13:0' },
  { name: 'CR4.VME is not offered', mode: 'protected0', register: 4, value: 1n, outcome: '13:0' },
  { name: 'CR4.PAE cannot be cleared in IA-32e mode', mode: 'long0', register: 4, value: 0n, outcome: '13:0' },
  { name: 'CR4.PCIDE outside IA-32e mode', mode: 'protected0', register: 4, value: bit(CR4.PCIDE), outcome: '13:0' },
  {
    name: 'CR4.PCIDE with a PCID in CR3',
    mode: 'long0',
    register: 4,
    value: bit(CR4.PCIDE + CR4.PAE),
    prepare: (rig) => rig.state.setQuad(STATE.cr3, 1n),
    outcome: '13:0',
  },
  { name: 'CR4.PCIDE', mode: 'long0', register: 4, value: bit(CR4.PCIDE + CR4.PAE), after: bit(CR4.PCIDE + CR4.PAE) },
  { name: 'CR8 above 15', mode: 'long0', register: 8, value: 16n, outcome: '13:0' },
];

const OFFSETS = { 0: STATE.cr0, 2: STATE.cr2, 3: STATE.cr3, 4: STATE.cr4 } as const;

describe('control registers', () => {
  for (const { name, mode, register, value, outcome, after, prepare } of WRITES) {
    it(name, () => {
      const rig = new Rig(mode);
      prepare?.(rig);
      equal(
        rig.call((slow) => slow.writeControl(register, BigInt.asIntN(64, value))),
        outcome ?? 'Done',
      );
      if (after !== undefined && register !== 8) equal(rig.state.quad(OFFSETS[register]), after);
    });
  }

  it('CR8 is the upper half of the task priority', () => {
    const rig = new Rig('long0');
    rig.slow.writeControl(8, 9n);
    equal(rig.taskPriority, 0x90);
    rig.slow.readControl(8);
    equal(rig.state.quad(STATE.result), 9n);
  });

  it('IA-32e mode: LMA follows PG, and a flush comes with it', () => {
    const rig = new Rig('protected0');
    rig.slow.wrmsr(MSR.EFER | 0, bit(EFER.LME));
    rig.slow.writeControl(4, bit(CR4.PAE));
    rig.memory.flushes = 0;
    rig.slow.writeControl(0, PAGED);
    equal(rig.state.quad(STATE.efer), bit(EFER.LME + EFER.LMA));
    equal(rig.codeWidth, 32); // compatibility mode: CS.L is 0
    ok(rig.memory.flushes > 0);
    equal(
      rig.call((slow) => slow.wrmsr(MSR.EFER | 0, 0n)),
      '13:0',
    );
    rig.slow.writeControl(0, PROTECTED);
    equal(rig.state.quad(STATE.efer), bit(EFER.LME));
  });

  it('PAE paging loads the PDPTEs; a reserved bit is #GP(0) and changes nothing', () => {
    const rig = new Rig('protected0');
    rig.slow.writeControl(4, bit(CR4.PAE));
    rig.slow.writeControl(3, 0x9000n);
    [0xa001n, 0xb001n, 0n, 0x2n].forEach((entry, index) => rig.memory.write64(0x9000n + BigInt(index * 8), entry));
    equal(
      rig.call((slow) => slow.writeControl(0, PAGED)),
      'Done',
    );
    deepEqual(
      [0, 8, 16, 24].map((offset) => rig.state.quad(STATE.pdpte + offset)),
      [0xa001n, 0xb001n, 0n, 2n],
    );
    rig.memory.write64(0x9100n, 0x3n);
    equal(
      rig.call((slow) => slow.writeControl(3, 0x9100n)),
      '13:0',
    );
    equal(rig.state.quad(STATE.cr3), 0x9000n);
  });

  it('LMSW sets PE but does not clear it; CLTS clears TS', () => {
    const rig = new Rig('real');
    rig.slow.loadMachineStatus(0xffff);
    equal(rig.state.quad(STATE.cr0) & 0xfn, 0xfn);
    rig.slow.loadMachineStatus(0);
    equal(rig.state.quad(STATE.cr0) & 0xfn, 1n);
    rig.slow.loadMachineStatus(8);
    rig.slow.clearTaskSwitched();
    equal(rig.state.quad(STATE.cr0) & 8n, 0n);
  });

  it('under a guest/host mask: reads see the shadow, writes leave masked bits', () => {
    const mask = bit(CR0.NE + CR0.TS);
    const rig = new Rig('long0', {
      ...inactiveVmx(),
      controlRegister: (number) => (number === 0 ? { mask, shadow: bit(CR0.TS) } : { mask: 0n, shadow: 0n }),
    });
    rig.state.setQuad(STATE.cr0, PAGED | bit(CR0.NE));
    rig.slow.readControl(0);
    equal(rig.state.quad(STATE.result), PAGED | bit(CR0.TS));
    rig.slow.writeControl(0, PAGED | bit(CR0.WP));
    equal(rig.state.quad(STATE.cr0), PAGED | bit(CR0.NE + CR0.WP));
  });

  it('debug registers: fixed bits, aliases, general detect', () => {
    const rig = new Rig('protected0');
    rig.slow.writeDebug(6, 0n);
    rig.slow.writeDebug(5, 0xd800n);
    equal(rig.state.quad(STATE.dr6), 0xffff0ff0n);
    equal(rig.state.quad(STATE.dr7), 0x400n);
    equal(
      rig.call((slow) => slow.writeDebug(7, 1n << 32n)),
      '13:0',
    );
  });

  /** CR4.DE, DR7, DR0, port, size, pending debug exceptions. */
  const IO_BREAKPOINTS: readonly (readonly [string, boolean, bigint, bigint, number, number, number])[] = [
    ['met', true, 0x20401n, 0x70n, 0x70, 1, 0x1001],
    ['two bytes, overlapped from below', true, 0x60401n, 0x71n, 0x6e, 4, 0x1001],
    ['beside', true, 0x20401n, 0x70n, 0x71, 1, 0],
    ['without CR4.DE', false, 0x20401n, 0x70n, 0x70, 1, 0],
    ['not enabled', true, 0x20404n, 0x70n, 0x70, 1, 0],
    ['a data breakpoint', true, 0x30401n, 0x70n, 0x70, 1, 0],
  ];
  for (const [name, hasDe, dr7, address, port, size, pending] of IO_BREAKPOINTS) {
    it(`I/O breakpoint: ${name}`, () => {
      const rig = new Rig('protected0');
      rig.state.setQuad(STATE.cr4, hasDe ? bit(CR4.DE) : 0n);
      rig.slow.writeDebug(0, address);
      rig.slow.writeDebug(7, dr7);
      equal(
        rig.call((slow) => slow.portOut(port, size, 0)),
        'Done',
      );
      equal(rig.processor.pendingDebug, pending);
      equal(rig.attends, pending !== 0);
    });
  }

  it('XCR0: x87 always, nothing unknown', () => {
    const rig = new Rig('long0');
    const outcomes = [1n, 3n, 2n, 7n].map((value) => rig.call((slow) => slow.xsetbv(0, value)));
    deepEqual(outcomes, ['Done', 'Done', '13:0', '13:0']);
    rig.slow.xgetbv(0);
    equal(rig.state.quad(STATE.result), 3n);
  });
});
