// Registers read and written at stops: in the middle of a run, between a VM exit and the next entry, and on a bare machine.
import assert from 'node:assert/strict';
import { MODE, PAGING, STATE } from '../../../src/cpu/layout';
import { EFLAGS } from '../../../src/cpu/mode';
import type { Machine } from '../../../src/machine/machine';
import { evaluationRegister, isRegisterName, REGISTER_NAMES } from '../../../src/targets/inspection/register-names';
import { registerGroups, registersOf, writeRegisterOf } from '../../../src/targets/inspection/registers';
import { guest, guestAfter, guestWhen, hashOf, toExit } from './machines';

const inMode = (mode: number) => (machine: Machine) => (machine.state.word(STATE.paging) & PAGING.modeMask) === mode;

/** Machines by how they stand; made once each, for tests that leave them as they are. */
const made = new Map<string, Machine>();
const PLACES: Readonly<Record<string, () => Machine>> = {
  'in a run, 64-bit': () => guestWhen('syscalls', inMode(3)),
  'at an exit, 64-bit': () => {
    const machine = guestWhen('syscalls', inMode(3));
    toExit(machine, () => true);
    return machine;
  },
  'in a run, PAE': () => guestWhen('pae', inMode(2)),
  'at an exit, real mode': () => {
    const machine = guestWhen('real16', ({ state }) => (state.word(STATE.mode) & MODE.protected) === 0);
    toExit(machine, () => true);
    return machine;
  },
  'bare, 64-bit': () => guestWhen('syscalls', inMode(3), { bare: true }),
};

function at(place: string): Machine {
  let machine = made.get(place);
  if (!machine) made.set(place, (machine = PLACES[place]!()));
  return machine;
}

function read(machine: Machine, group: string, name: string): bigint {
  const found = registersOf(machine, group).find((register) => register.name === name);
  assert.ok(found, `${name} is there`);
  return found.value;
}

describe('registers', () => {
  after(() => made.clear());

  for (const place of Object.keys(PLACES)) {
    it(`reading changes nothing: ${place}`, () => {
      const machine = at(place);
      const hash = hashOf(machine);
      const vmcs = machine.vmx.current?.words.slice();
      const groups = registerGroups(machine);
      assert.deepEqual(groups.slice(0, 8), ['General', 'Flags', 'Segments', 'Control', 'Debug', 'MSRs', 'x87', 'SSE']);
      assert.equal(groups.includes('VMCS'), machine.hypervisor !== undefined);
      for (const group of groups)
        for (const { name, value, bits, fields } of registersOf(machine, group)) {
          assert.ok(value >= 0n && value >> BigInt(bits) === 0n, name);
          for (const { high, low } of fields ?? []) assert.ok(high >= low && high < bits, `${name} ${high}:${low}`);
        }
      assert.equal(hashOf(machine), hash);
      assert.deepEqual(machine.vmx.current?.words.slice(), vmcs);
    });

    it(`what is written back as it was leaves the guest as it was: ${place}`, () => {
      const machine = at(place);
      const hash = hashOf(machine);
      for (const group of registerGroups(machine))
        for (const { name, value, readOnly } of registersOf(machine, group)) {
          if (readOnly) assert.throws(() => writeRegisterOf(machine, group, name, value), /cannot be written/, name);
          else assert.equal(writeRegisterOf(machine, group, name, value), value, `${group} ${name}`);
        }
      assert.equal(hashOf(machine), hash);
    });
  }

  it('are those of the processor, and of the VMCS between exit and entry', () => {
    const machine = at('at an exit, 64-bit');
    const fields = new Map(registersOf(machine, 'VMCS').map(({ name, value }) => [name, value]));
    const pairs: readonly [string, string, string][] = [
      ['General', 'RIP', 'Guest RIP'],
      ['General', 'RSP', 'Guest RSP'],
      ['Flags', 'RFLAGS', 'Guest RFLAGS'],
      ['Segments', 'CS', 'Guest CS selector'],
      ['Segments', 'SS access rights', 'Guest SS access rights'],
      ['Segments', 'GDTR base', 'Guest GDTR base'],
      ['Control', 'CR3', 'Guest CR3'],
      ['Control', 'EFER', 'Guest IA32_EFER'],
      ['Debug', 'DR7', 'Guest DR7'],
      ['MSRs', 'IA32_PAT', 'Guest IA32_PAT'],
    ];
    for (const [group, name, field] of pairs) assert.equal(read(machine, group, name), fields.get(field), name);
    assert.notEqual(read(machine, 'General', 'RIP'), machine.state.rip, 'RIP is not the host');
    assert.equal(read(machine, 'General', 'RAX'), machine.state.general(0));
    // NE and VMXE are the hypervisor's: the guest reads the shadows.
    assert.equal(fields.get('Guest CR4')! & 0x2000n, 0x2000n);
    assert.equal(read(machine, 'Control', 'CR4') & 0x2000n, 0n);
  });

  const writes: readonly [string, string, bigint][] = [
    ['General', 'RAX', 0xfedcba9876543210n],
    ['General', 'R15', 1n],
    ['General', 'RSP', 0x8000n],
    ['General', 'RIP', 0x100123n],
    ['Flags', 'RFLAGS', 0xad7n],
    ['Segments', 'FS', 0x23n],
    ['Segments', 'FS base', 0x7ffffffff000n],
    ['Segments', 'GDTR limit', 0xffffn],
    ['Segments', 'IDTR base', 0xffff800000000000n],
    ['Control', 'CR2', 0xdeadn],
    ['Control', 'CR8', 5n],
    ['Control', 'XCR0', 3n],
    ['Debug', 'DR0', 0x1234n],
    ['Debug', 'DR6', 0xffff4ff1n],
    ['Debug', 'DR7', 0x10402n],
    ['MSRs', 'IA32_STAR', 0x0013000800000000n],
    ['MSRs', 'IA32_LSTAR', 0xffffffff81000000n],
    ['MSRs', 'IA32_SYSENTER_EIP', 0xffffffff81000000n],
    ['MSRs', 'IA32_KERNEL_GS_BASE', 0x1000n],
    ['MSRs', 'IA32_GS_BASE', 0xffff888000000000n],
    ['MSRs', 'IA32_TSC_ADJUST', 100n],
    ['x87', 'ST(3)', 0x3fff8000000000000000n],
    ['x87', 'FCW', 0x27fn],
    ['x87', 'FSW', 0x3800n],
    ['x87', 'FOP', 0x7ffn],
    ['SSE', 'XMM7', 0xffeeddccbbaa99887766554433221100n],
    ['SSE', 'MXCSR', 0x9fc0n],
  ];
  for (const place of ['in a run, 64-bit', 'at an exit, 64-bit', 'bare, 64-bit']) {
    it(`keep what is written, and it alone changes: ${place}`, () => {
      const machine = at(place);
      for (const [group, name, value] of writes) {
        const others = (): unknown =>
          registersOf(machine, group).filter(
            // IA32_TSC_ADJUST moves the time-stamp counter, TOP moves ST(i), and tags follow from contents.
            (one) => one.name !== name && !/^(IA32_TIME_STAMP_COUNTER|ST\(.\)|FTW)$/.test(one.name),
          );
        const before = others();
        const old = read(machine, group, name);
        assert.equal(writeRegisterOf(machine, group, name, value), value, name);
        assert.equal(read(machine, group, name), value, name);
        assert.deepEqual(others(), before, name);
        writeRegisterOf(machine, group, name, old);
      }
    });
  }

  const NON_CANONICAL = 0x8000000000000n;
  const refusals: readonly [string, string, bigint, RegExp][] = [
    ['General', 'RIP', NON_CANONICAL, /canonical/],
    ['General', 'RAX', 1n << 64n, /does not fit into the 64 bits of RAX/],
    ['General', 'RAX', -(1n << 63n) - 1n, /does not fit/],
    ['Segments', 'CS', 0x10000n, /does not fit into the 16 bits of CS/],
    ['Flags', 'RFLAGS', 0n, /27\.3\.1\.4/],
    ['Flags', 'RFLAGS', 0x8002n, /27\.3\.1\.4/],
    ['Flags', 'RFLAGS', 0x20002n, /SDM Vol\. 3C 27\.3/],
    ['Segments', 'CS access rights', 0xe09bn, /27\.3\.1\.2/],
    ['Segments', 'CS access rights', 0x2a09bn, /27\.3\.1\.2/],
    ['Segments', 'CS limit', 0x100000n, /27\.3\.1\.2/],
    ['Segments', 'FS base', NON_CANONICAL, /27\.3\.1\.2/],
    ['Segments', 'GDTR base', NON_CANONICAL, /27\.3\.1\.3/],
    ['Segments', 'TR access rights', 0x10000n, /27\.3\.1\.2/],
    ['Control', 'CR0', 0x80000010n, /SDM Vol\. 3C 27\.3/],
    ['Control', 'CR0', 1n << 32n, /reserved/],
    ['Control', 'CR0', 1n, /ET/],
    ['Control', 'CR0', 0xa0000011n, /NW/],
    ['Control', 'CR3', 1n << 40n, /27\.3\.1\.1/],
    ['Control', 'CR4', 0n, /27\.3\.1\.1/],
    ['Control', 'CR4', 0x1020n, /reserved/],
    ['Control', 'CR8', 16n, /reserved/],
    ['Control', 'EFER', 0n, /LME cannot change/],
    ['Control', 'EFER', 0x100n, /LMA/],
    ['Control', 'EFER', 0x2500n, /exist/],
    ['Control', 'XCR0', 2n, /bit 0/],
    ['Control', 'XCR0', 7n, /x87 and SSE/],
    ['Debug', 'DR7', 1n << 32n, /reserved/],
    ['MSRs', 'IA32_LSTAR', NON_CANONICAL, /#GP/],
    ['MSRs', 'IA32_SYSENTER_ESP', NON_CANONICAL, /27\.3\.1\.1/],
    ['MSRs', 'IA32_PAT', 2n, /27\.3\.1\.1/],
    ['MSRs', 'IA32_DEBUGCTL', 1n, /27\.3\.1\.1/],
    ['MSRs', 'IA32_APIC_BASE', 0xfee00400n, /#GP/],
    ['MSRs', 'IA32_MTRRCAP', 0n, /cannot be written/],
    ['SSE', 'MXCSR', 0x10000n, /reserved/],
    ['SSE', 'XMM16', 0n, /no register "XMM16"/],
    ['Vectors', 'XMM0', 0n, /no group/],
    ['toString', 'XMM0', 0n, /no group/],
    ['Control', 'PDPTE0', 0n, /no register/],
  ];
  for (const place of ['in a run, 64-bit', 'at an exit, 64-bit', 'bare, 64-bit'])
    it(`refuse what the SDM forbids: ${place}`, () => {
      const machine = at(place);
      const hash = hashOf(machine);
      for (const [group, name, value, message] of refusals) {
        const write = (): unknown => writeRegisterOf(machine, group, name, value);
        assert.throws(write, message, `${name} = 0x${value.toString(16)}`);
      }
      assert.equal(hashOf(machine), hash, 'nothing has changed');
    });

  it('VMXE of CR4 is reserved for the guest of our hypervisor', () => {
    const machine = at('in a run, 64-bit');
    const cr4 = read(machine, 'Control', 'CR4');
    assert.throws(() => writeRegisterOf(machine, 'Control', 'CR4', cr4 | 0x2000n), /reserved/);
  });

  it('NE of CR0 goes to the read shadow under our hypervisor', () => {
    const machine = at('at an exit, 64-bit');
    const cr0 = read(machine, 'Control', 'CR0');
    for (const value of [cr0 ^ 0x20n, cr0]) {
      assert.equal(writeRegisterOf(machine, 'Control', 'CR0', value), value);
      assert.equal(read(machine, 'VMCS', 'Guest CR0') & 0x20n, 0x20n);
      assert.equal(read(machine, 'VMCS', 'CR0 read shadow') & 0x20n, value & 0x20n);
    }
  });

  it('a guest that breaks a rule already can still be edited where that rule has no say', () => {
    const machine = guestAfter('long-mode', 50, { bare: true });
    machine.processor.interruptibility.sti = true;
    machine.state.rflags = 2;
    assert.equal(writeRegisterOf(machine, 'General', 'RSP', 0x1234n), 0x1234n);
    assert.throws(() => writeRegisterOf(machine, 'Flags', 'RFLAGS', 0x102n), /27\.3\.1\.5/);
  });

  it('CR0.PG takes IA-32e mode along, and VM entry agrees', () => {
    const machine = guestWhen('syscalls', inMode(3));
    toExit(machine, () => true);
    const cr0 = read(machine, 'Control', 'CR0');
    const efer = read(machine, 'Control', 'EFER');
    writeRegisterOf(machine, 'Control', 'CR0', cr0 & ~0x80000000n);
    assert.equal(read(machine, 'Control', 'EFER'), efer & ~0x400n);
    writeRegisterOf(machine, 'Control', 'CR0', cr0);
    assert.equal(read(machine, 'Control', 'EFER'), efer);
    writeRegisterOf(machine, 'Control', 'CR0', cr0 & ~0x80000000n);
    assert.equal(machine.run(1).reason, 'budget');
  });

  it('negative numbers are two’s complements', () => {
    const machine = at('in a run, 64-bit');
    const old = read(machine, 'General', 'RDX');
    assert.equal(writeRegisterOf(machine, 'General', 'RDX', -2n), 0xfffffffffffffffen);
    writeRegisterOf(machine, 'General', 'RDX', old);
  });

  it('selectors load as in real mode there, and alone elsewhere', () => {
    const real = at('at an exit, real mode');
    const old = read(real, 'Segments', 'ES');
    writeRegisterOf(real, 'Segments', 'ES', 0x1234n);
    assert.equal(read(real, 'Segments', 'ES base'), 0x12340n);
    writeRegisterOf(real, 'Segments', 'ES', old);
    const long = at('in a run, 64-bit');
    const base = read(long, 'Segments', 'ES base');
    const selector = read(long, 'Segments', 'ES');
    writeRegisterOf(long, 'Segments', 'ES', 0x1230n);
    assert.equal(read(long, 'Segments', 'ES base'), base);
    writeRegisterOf(long, 'Segments', 'ES', selector);
  });

  it('CR3 loads the PDPTEs in PAE paging, and refuses those with reserved bits', () => {
    const machine = at('in a run, PAE');
    const cr3 = read(machine, 'Control', 'CR3');
    const pdpte0 = read(machine, 'Control', 'PDPTE0');
    const table = new Uint8Array(32);
    table[0] = 0x01;
    table[1] = 0x60;
    assert.equal(machine.writeMemory('guestPhysical', 0x9000n, table), 32);
    writeRegisterOf(machine, 'Control', 'CR3', 0x9000n);
    assert.equal(read(machine, 'Control', 'PDPTE0'), 0x6001n);
    machine.writeMemory('guestPhysical', 0x9000n, Uint8Array.of(0x07));
    writeRegisterOf(machine, 'Control', 'CR3', cr3);
    assert.equal(read(machine, 'Control', 'PDPTE0'), pdpte0);
    assert.throws(() => writeRegisterOf(machine, 'Control', 'CR3', 0x9000n), /27\.3\.1\.6/);
    assert.throws(() => writeRegisterOf(machine, 'Control', 'CR3', 0xfffff000n), /no memory/);
  });
});

describe('registers that the guest then runs with', () => {
  /** MOV EAX, [RBX] at 0x9000, and what is at 0x9100. */
  const code = [0x8b, 0x03, 0x90, 0x90, 0x90];
  for (const [place, make] of Object.entries({
    'in a run': () => guestAfter('long-mode', 3000),
    'at an exit': () => {
      const machine = guestAfter('long-mode', 100);
      toExit(machine, () => true);
      return machine;
    },
    bare: () => guestAfter('long-mode', 3000, { bare: true }),
  }))
    it(`RIP, RBX and RAX: ${place}`, () => {
      const machine = make();
      const data = Uint8Array.of(0x78, 0x56, 0x34, 0x12);
      machine.writeMemory('guestPhysical', 0x9000n, Uint8Array.from(code));
      machine.writeMemory('guestPhysical', 0x9100n, data);
      writeRegisterOf(machine, 'Flags', 'RFLAGS', 2n);
      writeRegisterOf(machine, 'General', 'RIP', 0x9000n);
      writeRegisterOf(machine, 'General', 'RBX', 0x9100n);
      writeRegisterOf(machine, 'General', 'RAX', 0n);
      const before = machine.instructions;
      assert.equal(machine.run(3).reason, 'budget');
      assert.equal(machine.instructions, before + 3);
      assert.equal(read(machine, 'General', 'RAX'), 0x12345678n);
      assert.equal(read(machine, 'General', 'RIP'), 0x9004n);
    });

  for (const bare of [false, true])
    it(`CR3 takes other tables at once${bare ? ', bare' : ''}`, () => {
      const machine = guestWhen('syscalls', inMode(3), { bare });
      const linear = machine.linearRip();
      // The same tables elsewhere, the page of the code at another place.
      const { levels } = machine.walk('linear', linear);
      const tables = levels.filter(({ space }) => space === 'guestPhysical');
      assert.equal(tables.at(-1)!.pageBytes, 0x200000);
      const copies = [0x700000n, 0x701000n, 0x702000n];
      tables.forEach(({ entryAddress, index, entry }, level) => {
        const table = machine.readMemory('guestPhysical', entryAddress & ~0xfffn, 4096);
        const next = copies[level + 1];
        const target = next === undefined ? 0x600000n : next;
        const mask = level === 2 ? 0xfffffffe00000n : 0xffffffffff000n;
        new DataView(table.buffer).setBigUint64(index * 8, (entry & ~mask) | target, true);
        machine.writeMemory('guestPhysical', copies[level]!, table);
      });
      const offset = linear & 0x1fffffn;
      // INC EAX, three times.
      machine.writeMemory('guestPhysical', 0x600000n + offset, Uint8Array.of(0xff, 0xc0, 0xff, 0xc0, 0xff, 0xc0));
      writeRegisterOf(machine, 'Control', 'CR3', copies[0]!);
      writeRegisterOf(machine, 'General', 'RAX', 7n);
      machine.run(3);
      assert.equal(read(machine, 'General', 'RAX'), 10n);
    });

  it('DR7 arms its breakpoints', () => {
    const machine = guestAfter('long-mode', 3000);
    machine.writeMemory('guestPhysical', 0x9000n, Uint8Array.of(0x90, 0x90, 0x90));
    writeRegisterOf(machine, 'Flags', 'RFLAGS', 2n);
    writeRegisterOf(machine, 'General', 'RIP', 0x9000n);
    writeRegisterOf(machine, 'Debug', 'DR0', 0x9001n);
    writeRegisterOf(machine, 'Debug', 'DR7', 0x402n);
    writeRegisterOf(machine, 'VMCS', 'Exception bitmap', 2n);
    const exit = toExit(machine, ({ reason }) => reason === 0);
    assert.deepEqual([exit.rip, exit.qualification & 0xfn], [0x9001n, 1n]);
  });

  it('IF lets a waiting interrupt in at once', () => {
    for (const bare of [false, true]) {
      const machine = guestWhen(
        'interrupts',
        ({ state, board }) => board.interruptPending() && !(state.rflags & EFLAGS.IF),
        { bare },
        20,
      );
      const before = machine.linearRip();
      const flags = read(machine, 'Flags', 'RFLAGS');
      writeRegisterOf(machine, 'Flags', 'RFLAGS', flags | 0x200n);
      machine.run(1);
      assert.equal(machine.asGuest(() => machine.state.rflags) & EFLAGS.IF, 0, 'in the handler');
      assert.ok(machine.linearRip() !== before);
    }
  });

  it('CR8 holds the local APIC back', () => {
    const machine = guest('hello');
    writeRegisterOf(machine, 'Control', 'CR8', 9n);
    assert.equal(machine.board.lapic.taskPriority, 0x90);
    // In a run the hypervisor comes back at once, to look at what the change lets through.
    machine.run(200);
    assert.equal(machine.vmx.isNonRoot, true);
    writeRegisterOf(machine, 'Control', 'CR8', 0n);
    const { count } = machine.exits!;
    machine.run(1);
    assert.equal(machine.exits!.entry(count)!.reason, 1);
  });
});

describe('registers by name in expressions', () => {
  it('parts of registers', () => {
    const machine = guestAfter('long-mode', 50);
    writeRegisterOf(machine, 'General', 'RAX', 0x1122334455667788n);
    writeRegisterOf(machine, 'General', 'R8', 0x1122334455667788n);
    writeRegisterOf(machine, 'Flags', 'RFLAGS', 0x42n);
    writeRegisterOf(machine, 'SSE', 'XMM1', 1n << 127n);
    const cases: readonly [string, bigint, number][] = [
      ['rax', 0x1122334455667788n, 64],
      ['eax', 0x55667788n, 32],
      ['ax', 0x7788n, 16],
      ['al', 0x88n, 8],
      ['ah', 0x77n, 8],
      ['r8', 0x1122334455667788n, 64],
      ['r8d', 0x55667788n, 32],
      ['r8w', 0x7788n, 16],
      ['r8b', 0x88n, 8],
      ['pc', read(machine, 'General', 'RIP'), 64],
      ['sp', read(machine, 'General', 'RSP') & 0xffffn, 16],
      ['eflags', 0x42n, 32],
      ['zf', 1n, 1],
      ['cf', 0n, 1],
      ['rflags.zf', 1n, 1],
      ['cr0.pe', 1n, 1],
      ['cs', read(machine, 'Segments', 'CS'), 16],
      ['cs.base', 0n, 64],
      ['fs_base', 0n, 64],
      ['gdtr.limit', read(machine, 'Segments', 'GDTR limit'), 16],
      ['cr3', read(machine, 'Control', 'CR3'), 64],
      ['cr8', 0n, 64],
      ['dr7', 0x400n, 64],
      ['efer', 0n, 64],
      ['ia32_lstar', 0n, 64],
      ['lstar', 0n, 64],
      ['xmm1', 1n << 127n, 128],
      ['st0', 0n, 80],
      ['mxcsr', 0x1f80n, 32],
      ['vmcs.host_cr4', read(machine, 'VMCS', 'Host CR4'), 64],
    ];
    for (const [name, value, bits] of cases) {
      assert.ok(isRegisterName(name), name);
      assert.deepEqual(evaluationRegister(machine, name), { value, bits }, name);
    }
    for (const name of ['', 'RAX', 'r16', 'toString', '__proto__', 'ia32_lstar2', 'x2apic 800h (reserved)']) {
      assert.equal(isRegisterName(name), false, name);
      assert.equal(evaluationRegister(machine, name), undefined, name);
    }
    assert.equal(evaluationRegister(machine, 'pdpte0'), undefined, 'there is no PAE paging');
    assert.ok(REGISTER_NAMES.every((name) => /^[a-z0-9_.()]+$/.test(name) && name === name.toLowerCase()));
  });
});
