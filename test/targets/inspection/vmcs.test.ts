// The VMCS as an answer and as registers, exits as an answer and as variables of conditions.
import assert from 'node:assert/strict';
import { STATE } from '../../../src/cpu/layout';
import { EXIT_REASON } from '../../../src/cpu/vmx/exit-reasons';
import { F, VMCS_FIELDS } from '../../../src/cpu/vmx/vmcs-layout';
import type { Machine } from '../../../src/machine/machine';
import { exitsAnswer } from '../../../src/targets/inspection/exits-answer';
import { exitConstant, exitVariables } from '../../../src/targets/inspection/exit-variables';
import { registersOf, writeRegisterOf } from '../../../src/targets/inspection/registers';
import { vmcsAnswer } from '../../../src/targets/inspection/vmcs-answer';
import { guest, guestAfter, guestWhen, hashOf, toExit } from './machines';

const field = (machine: Machine, name: string) => {
  const found = vmcsAnswer(machine).fields.find((one) => one.name === name);
  assert.ok(found, name);
  return found;
};

const bitsSet = (machine: Machine, name: string): string[] =>
  field(machine, name)
    .fields!.filter(({ high, low, value }) => high === low && value === '0x1')
    .map((bits) => bits.name);

describe('vmcs answer', () => {
  let machine: Machine;
  before(() => {
    machine = guestAfter('long-mode', 3000);
    toExit(machine, ({ reason }) => reason === EXIT_REASON.EPT_VIOLATION);
  });

  it('has every field that the processor has, with its value', () => {
    const vmcs = machine.vmx.current!;
    const { fields, exit } = vmcsAnswer(machine);
    assert.deepEqual(
      fields.map(({ encoding, value }) => [Number(encoding), BigInt(value)]),
      VMCS_FIELDS.filter((one) => vmcs.has(one)).map((one) => [one.encoding, vmcs.read(one.encoding)]),
    );
    assert.equal(exit, String(machine.exits!.count - 1));
    for (const { bits, value, fields: parts, name } of fields) {
      assert.ok(BigInt(value) >> BigInt(bits) === 0n, name);
      for (const { high, low, value: part } of parts ?? [])
        assert.equal(BigInt(part), BigInt.asUintN(high - low + 1, BigInt(value) >> BigInt(low)), name);
    }
  });

  it('decodes controls and packed fields', () => {
    const pin = ['External-interrupt exiting', 'NMI exiting', 'Virtual NMIs', 'Activate VMX-preemption timer'];
    assert.deepEqual(bitsSet(machine, 'Pin-based VM-execution controls'), pin);
    const secondary = bitsSet(machine, 'Secondary processor-based VM-execution controls');
    assert.ok(['Enable EPT', 'Enable VPID', 'Unrestricted guest'].every((name) => secondary.includes(name)));
    const reason = field(machine, 'Exit reason').fields![0]!;
    assert.deepEqual([reason.value, reason.meaning], ['0x30', 'EPT violation']);
    const names = field(machine, 'Exit qualification').fields!.map(({ name }) => name);
    assert.ok(names.includes('linearAddressValid'));
    assert.ok(bitsSet(machine, 'Guest CS access rights').includes('P'));
    const groups = new Set(vmcsAnswer(machine).fields.map(({ group }) => group));
    assert.deepEqual([...groups].sort(), ['control', 'guest state', 'host state', 'read-only data']);
    const vectors = field(machine, 'Exception bitmap').fields!;
    assert.deepEqual([vectors.find(({ low }) => low === 14)?.name, vectors.length], ['#PF', 31]);
  });

  it('a bare machine has one only while its guest uses VMX', () => {
    const bare = guest('hypervisor', { bare: true });
    assert.throws(() => vmcsAnswer(bare), /no current VMCS/);
    while (!bare.vmx.current) assert.equal(bare.run(1000).reason, 'budget');
    assert.ok(vmcsAnswer(bare).fields.length > 100);
    assert.throws(() => registersOf(bare, 'VMCS'), /no group/);
    assert.equal(vmcsAnswer(bare).exit, undefined);
  });
});

describe('vmcs edits', () => {
  const write = (machine: Machine, name: string, value: bigint): bigint =>
    writeRegisterOf(machine, 'VMCS', name, value);
  const value = (machine: Machine, name: string): bigint =>
    registersOf(machine, 'VMCS').find((register) => register.name === name)!.value;

  for (const where of ['in a run', 'at an exit'])
    it(`a bit of the exception bitmap makes that vector exit: ${where}`, () => {
      const machine = guestAfter('exceptions', 100);
      if (where === 'at an exit') toExit(machine, () => true);
      assert.equal(write(machine, 'Exception bitmap', 1n << 6n), 1n << 6n);
      const exit = toExit(machine, ({ reason }) => reason === EXIT_REASON.EXCEPTION_OR_NMI);
      assert.equal(exit.interruption & 0xff, 6);
    });

  for (const where of ['in a run', 'at an exit'])
    it(`a control counts from the next instruction on: ${where}`, () => {
      const machine = guestAfter('long-mode', 3000);
      if (where === 'at an exit') toExit(machine, () => true);
      // RDTSC, twice.
      machine.writeMemory('guestPhysical', 0x9000n, Uint8Array.of(0x0f, 0x31, 0x0f, 0x31));
      writeRegisterOf(machine, 'Flags', 'RFLAGS', 2n);
      writeRegisterOf(machine, 'General', 'RIP', 0x9000n);
      // The EPT has the page from now on: no other exit comes between.
      machine.run(1);
      if (where === 'in a run') assert.equal(machine.vmx.isNonRoot, true);
      writeRegisterOf(machine, 'General', 'RIP', 0x9000n);
      const name = 'Primary processor-based VM-execution controls';
      const controls = value(machine, name);
      write(machine, name, controls | (1n << 12n));
      const exit = toExit(machine, ({ reason }) => reason === EXIT_REASON.RDTSC);
      assert.equal(exit.rip, 0x9000n);
      write(machine, name, controls);
      const count = machine.exits!.totalOf(EXIT_REASON.RDTSC);
      machine.run(2);
      assert.equal(machine.exits!.totalOf(EXIT_REASON.RDTSC), count);
    });

  it('an event to inject is injected', () => {
    const machine = guestWhen('exceptions', ({ state }) => state.word(STATE.idtr + 8) > 0);
    toExit(machine, () => true);
    // A hardware exception with vector 6, whose gate is in the IDT; its handler comes next.
    const { base, limit } = machine.asGuest(() => ({
      base: machine.state.quad(STATE.idtr),
      limit: machine.state.word(STATE.idtr + 8),
    }));
    assert.ok(limit > 7 * 16);
    const gate = new DataView(machine.readMemory('linear', base + 6n * 16n, 16).buffer);
    const handler = BigInt(gate.getUint16(0, true)) | (BigInt(gate.getUint16(6, true)) << 16n);
    write(machine, 'VM-entry interruption-information field', 0x80000306n);
    machine.setBreakpoints([handler]);
    assert.deepEqual(machine.run(100), { reason: 'breakpoint', linear: handler });
  });

  const CONTROLS = 'Primary processor-based VM-execution controls';
  const refusals: readonly [string, bigint, RegExp][] = [
    ['Exit reason', 0n, /read-only field/],
    ['Exception bitmap', 1n << 32n, /does not fit/],
    [CONTROLS, 0n, /hypervisor works by/],
    [CONTROLS, 0xffffffffn, /27\.2\.1/],
    ['Secondary processor-based VM-execution controls', 0n, /hypervisor works by/],
    ['Pin-based VM-execution controls', 0n, /hypervisor works by/],
    ['Host CR0', 0n, /27\.2\.2/],
    ['Host RIP', 0x8000000000000n, /27\.2\./],
    ['EPT pointer (EPTP)', 0n, /one EPT/],
    ['VM-entry interruption-information field', 0x80000100n, /27\.2\.1/],
    ['Host TR selector', 0n, /27\.2\.3/],
    ['No such field', 0n, /no register/],
  ];
  const guestState: readonly [string, bigint, RegExp][] = [
    ['Guest CS selector', 0x10000n, /does not fit/],
    ['Guest CR0', 0x80000030n, /27\.3\.1\.1/],
    ['Guest RFLAGS', 0n, /27\.3\.1\.4/],
    ['Guest activity state', 2n, /27\.3\.1\.5/],
    ['VMCS link pointer', 1n, /27\.3\.1\.5/],
  ];
  it('refuses what the next VM entry would: at an exit', () => {
    const machine = guestAfter('long-mode', 100);
    toExit(machine, () => true);
    const words = machine.vmx.current!.words.slice();
    for (const [name, bad, message] of [...refusals, ...guestState])
      assert.throws(() => write(machine, name, bad), message, name);
    assert.deepEqual(machine.vmx.current!.words.slice(), words);
    assert.equal(machine.run(1000).reason, 'budget');
  });

  it('refuses what the next VM entry would, and stale guest state: in a run', () => {
    const machine = guestAfter('long-mode', 100);
    const words = machine.vmx.current!.words.slice();
    for (const [name, bad, message] of refusals) assert.throws(() => write(machine, name, bad), message, name);
    for (const [name] of guestState) assert.throws(() => write(machine, name, 2n), /at the last VM exit/, name);
    assert.deepEqual(machine.vmx.current!.words.slice(), words);
  });

  it('guest state at an exit is the guest’s', () => {
    const machine = guestAfter('long-mode', 100);
    toExit(machine, () => true);
    write(machine, 'Guest RIP', 0x9000n);
    assert.equal(registersOf(machine, 'General').find(({ name }) => name === 'RIP')!.value, 0x9000n);
  });
});

describe('exits answer', () => {
  let machine: Machine;
  before(() => {
    machine = guest('hello');
    while (machine.run(1_000_000).reason === 'budget');
  });

  it('gives the last ones, or from a number on', () => {
    const hash = hashOf(machine);
    const log = machine.exits!;
    const last = exitsAnswer(machine, { count: 3 });
    assert.deepEqual(
      last.exits.map(({ number }) => Number(number)),
      [log.count - 3, log.count - 2, log.count - 1],
    );
    const from = exitsAnswer(machine, { start: 2, count: 2 });
    assert.deepEqual(
      from.exits.map(({ number }) => number),
      ['2', '3'],
    );
    assert.deepEqual([last.first, last.total], ['0', String(log.count)]);
    assert.equal(
      Object.values(last.totals).reduce((sum, total) => sum + Number(total), 0),
      log.count,
    );
    assert.equal(exitsAnswer(machine, { start: log.count + 5 }).exits.length, 0);
    assert.equal(hashOf(machine), hash);
  });

  it('narrows by reasons, totals stay', () => {
    const { exits, totals } = exitsAnswer(machine, { reasons: ['I/O instruction'], count: 10_000 });
    assert.ok(exits.length > 0 && exits.every(({ reason }) => reason === EXIT_REASON.IO_INSTRUCTION));
    assert.equal(String(exits.length), totals['I/O instruction']);
    assert.ok(totals['EPT violation']);
  });

  it('refuses', () => {
    for (const query of [{ count: 0 }, { count: 10_001 }, { count: 1.5 }, { start: -1 }, { start: 0.5 }])
      assert.throws(() => exitsAnswer(machine, query), /out of range/);
    assert.throws(() => exitsAnswer(machine, { reasons: ['coffee'] }), /no exit reason/);
    assert.throws(() => exitsAnswer(guest('hello', { bare: true }), {}), /bare/);
  });
});

describe('variables of exits', () => {
  const all = ['reason', 'qualification', 'gpa', 'gla', 'vector', 'port', 'size', 'write', 'msr', 'coffee'];
  const known = (machine: Machine, reason: number): Record<string, bigint> => {
    const exit = toExit(machine, (one) => one.reason === reason);
    const value = exitVariables(machine, exit);
    return Object.fromEntries(all.flatMap((name) => (value(name) === undefined ? [] : [[name, value(name)!]])));
  };

  it('a port access', () => {
    const { port, size, write, ...others } = known(guest('hello'), EXIT_REASON.IO_INSTRUCTION);
    assert.deepEqual(Object.keys(others), ['reason', 'qualification']);
    assert.deepEqual([size, write! <= 1n, port! < 0x10000n], [1n, true, true]);
  });

  it('an EPT violation', () => {
    const machine = guest('hello');
    const { gpa, gla, write, reason } = known(machine, EXIT_REASON.EPT_VIOLATION);
    assert.equal(reason, exitConstant('EPT_VIOLATION'));
    assert.equal(gpa, machine.vmx.current!.get(F.GUEST_PHYSICAL_ADDRESS));
    assert.equal(gla, machine.vmx.current!.get(F.GUEST_LINEAR_ADDRESS));
    assert.ok(write === 0n || write === 1n);
  });

  it('RDMSR and WRMSR', () => {
    const machine = guestAfter('msr-cpuid', 100);
    const name = 'Primary processor-based VM-execution controls';
    const controls = registersOf(machine, 'VMCS').find((one) => one.name === name)!.value;
    // Without MSR bitmaps every access exits.
    writeRegisterOf(machine, 'VMCS', name, controls & ~(1n << 28n));
    const read = known(machine, EXIT_REASON.RDMSR);
    assert.deepEqual([read.msr, read.write], [BigInt.asUintN(32, machine.state.general(1)), 0n]);
    const written = known(machine, EXIT_REASON.WRMSR);
    assert.deepEqual([written.msr! > 0n, written.write], [true, 1n]);
  });

  it('an exception', () => {
    const machine = guestAfter('exceptions', 100);
    writeRegisterOf(machine, 'VMCS', 'Exception bitmap', 0xffffffffn);
    const { vector, reason } = known(machine, EXIT_REASON.EXCEPTION_OR_NMI);
    assert.deepEqual([reason, vector! < 32n], [0n, true]);
  });

  it('constants', () => {
    assert.equal(exitConstant('IO_INSTRUCTION'), 30n);
    for (const name of ['io_instruction', 'toString', '', 'EXIT']) assert.equal(exitConstant(name), undefined);
  });
});
