// Data breakpoints, exceptions, exits, address spaces and ends: where each stops, and that the guest goes on as it was.
import assert from 'node:assert/strict';
import { EXIT_REASON } from '../../../src/cpu/vmx/exit-reasons';
import { hashOf } from '../../machine/runs';
import type { DataBreakpoint, EventBreakpoint, EventKind, Stop } from '../../../src/targets/target';
import { ORIGIN } from '../../vmm/listing';
import type { TestDebugger } from '../debugger';
import { BODY, CODE, DATA, END, HANDLER, IDT, binary, equal, faulty, tiny, variable } from './tiny';

/** Counts of what the guest does on the way to its end, stops included. */
async function stopsOf(guest: TestDebugger): Promise<Stop[]> {
  const stops: Stop[] = [];
  for (;;) {
    const stop = await guest.go();
    if (stop.reason === 'ended') return stops;
    stops.push(stop);
  }
}

describe('data breakpoints of our machine', () => {
  const CODE_OF_ACCESSES = `
    bb00002000 mov ebx, 0x200000
    8b03 mov eax, [rbx]
    894304 mov [rbx+4], eax
    8903 mov [rbx], eax
    ff03 inc dword ptr [rbx]
    8a4303 mov al, [rbx+3]
    ${END}`;
  const BEHIND = { load: CODE + 7n, store: CODE + 12n, modify: CODE + 14n, byte: CODE + 17n };
  const CASES: readonly [access: DataBreakpoint['access'], stops: readonly bigint[]][] = [
    ['write', [BEHIND.store, BEHIND.modify]],
    ['read', [BEHIND.load, BEHIND.modify, BEHIND.byte]],
    ['readWrite', [BEHIND.load, BEHIND.store, BEHIND.modify, BEHIND.byte]],
  ];
  for (const [access, expected] of CASES) {
    it(`${access}: stop behind each instruction`, async () => {
      const plain = tiny(CODE_OF_ACCESSES);
      await plain.go();
      const guest = tiny(CODE_OF_ACCESSES);
      await guest.set({ data: [{ id: 3, linear: DATA, length: 4, access }] });
      for (const at of expected) {
        const stop = await guest.go();
        assert.deepEqual([stop.reason, stop.ids, guest.at.toString(16)], ['data breakpoint', [3], at.toString(16)]);
      }
      assert.equal((await guest.go()).reason, 'ended');
      assert.equal(hashOf(guest.machine), hashOf(plain.machine));
    });
  }

  it('stop between the iterations of REP', async () => {
    const guest = tiny(`
      bf00002000 mov edi, 0x200000
      b910000000 mov ecx, 16
      f3aa rep stosb
      ${END}`);
    await guest.set({ data: [{ id: 1, linear: DATA + 5n, length: 1, access: 'write' }] });
    assert.deepEqual(await guest.go(), {
      reason: 'data breakpoint',
      linear: DATA + 5n,
      length: 1,
      isWrite: true,
      ids: [1],
    });
    assert.deepEqual([guest.at, Number(guest.register(1))], [CODE + 10n, 10]);
    assert.equal((await guest.go()).reason, 'ended');
  });

  it('are refused where no memory can be', async () => {
    const guest = tiny(END);
    for (const length of [0, -1, 1.5, 2 ** 21])
      await assert.rejects(guest.set({ data: [{ id: 1, linear: DATA, length, access: 'write' }] }), {
        code: 'breakpoint/length',
      });
  });
});

const event = (kind: EventKind, condition?: EventBreakpoint['condition']): EventBreakpoint => ({
  id: 5,
  kind,
  ...(condition && { condition }),
});

describe('exceptions of our machine', () => {
  interface Case {
    readonly what: string;
    readonly body: string;
    readonly length: number;
    readonly drop: number;
    readonly exception: object;
  }
  const CASES: readonly Case[] = [
    { what: '#UD', body: '0f0b ud2', length: 2, drop: 0, exception: { vector: 6, name: '#UD' } },
    {
      what: '#PF',
      body: '8b042500000080 mov eax, [0xffffffff80000000]',
      length: 7,
      drop: 8,
      exception: { vector: 14, name: '#PF', errorCode: 0, address: 0xffffffff80000000n },
    },
    { what: '#BP', body: 'cc int3', length: 0, drop: 0, exception: { vector: 3, name: '#BP' } },
    { what: '#DB by INT1', body: 'f1 int1', length: 0, drop: 0, exception: { vector: 1, name: '#DB' } },
  ];
  for (const bare of [false, true]) {
    for (const { what, body, length, drop, exception } of CASES) {
      it(`${what}${bare ? ', bare' : ''}: stops before its delivery, once`, async () => {
        const plain = faulty(body, length, drop, bare);
        await plain.go();
        const guest = faulty(body, length, drop, bare);
        await guest.set({ events: [event('exception')] });
        assert.deepEqual(await guest.go(), { reason: 'exception', exception, ids: [5] });
        assert.equal(guest.at, BODY);
        assert.equal((await guest.go()).reason, 'ended');
        assert.equal(guest.machine.instructions, plain.machine.instructions);
        assert.equal(hashOf(guest.machine), hashOf(plain.machine));
      });
    }

    it(`are raised anew after an edit${bare ? ', bare' : ''}, unless it took the cause away`, async () => {
      for (const repaired of [false, true]) {
        const guest = faulty('0f0b ud2', 2, 0, bare);
        await guest.set({ events: [event('exception')] });
        await guest.go();
        const written = repaired ? [0x90, 0x90] : [0x0f, 0x0b];
        await guest.target.writeMemory(1, 'linear', BODY, Uint8Array.from(written));
        await guest.set({ code: [{ id: 1, linear: HANDLER }], events: [event('exception')] });
        assert.equal((await guest.go()).reason, repaired ? 'ended' : 'breakpoint');
      }
    });

    it(`each of a double and triple fault${bare ? ', bare' : ''}`, async () => {
      const body = '0f0b ud2';
      const guest = faulty(body, 2, 0, bare);
      // No descriptor of this type can be a gate.
      for (let vector = 0n; vector < 15n; vector++)
        guest.machine.writeMemory('guestPhysical', IDT + vector * 16n, new Uint8Array(16));
      await guest.set({ events: [event('exception'), { id: 6, kind: 'tripleFault' }] });
      const vectors: number[] = [];
      for (;;) {
        const stop = await guest.go();
        if (stop.reason !== 'exception') {
          assert.deepEqual([stop.reason, stop.ids], ['ended', [6]]);
          break;
        }
        vectors.push(stop.exception.vector);
        assert.equal(guest.at, BODY);
      }
      assert.deepEqual(vectors, [6, 13, 13, 8, 13]);
    });
  }

  it('stop only where the condition holds', async () => {
    const guest = faulty('0f0b ud2', 2, 0, false);
    await guest.set({ events: [event('exception', equal(variable('vector'), 14))] });
    assert.equal((await guest.go()).reason, 'ended');
  });

  it('that the hypervisor makes stop, too', async () => {
    // rdmsr of IA32_FEATURE_CONTROL, which the guest does not have
    const guest = faulty('b93a000000 mov ecx, 0x3a\n0f32 rdmsr', 2, 8, false);
    await guest.set({ events: [event('exception')] });
    const stop = await guest.go();
    assert.deepEqual(stop, { reason: 'exception', exception: { vector: 13, name: '#GP', errorCode: 0 }, ids: [5] });
    assert.equal(guest.at, BODY + 5n);
    assert.equal((await guest.go()).reason, 'ended');
  });

  it('that the exception bitmap lets exit stop once, and reach the guest', async () => {
    const plain = faulty('0f0b ud2', 2, 0, false);
    await plain.go();
    const guest = faulty('0f0b ud2', 2, 0, false);
    await guest.set({ events: [event('exception')] });
    await guest.step();
    await guest.target.writeRegister(1, 'VMCS', 'Exception bitmap', 1n << 6n);
    assert.equal((await guest.go()).reason, 'exception');
    assert.equal((await guest.go()).reason, 'ended');
    assert.equal(guest.machine.exits!.totalOf(EXIT_REASON.EXCEPTION_OR_NMI), 1);
    assert.equal(hashOf(guest.machine), hashOf(plain.machine));
  });
});

describe('exits of our machine', () => {
  const BODY_OF_EXITS = `
    31c0 xor eax, eax
    0fa2 cpuid
    e580 in eax, 0x80
    e681 out 0x81, al
    a1000000fe00000000 mov eax, [0xfe000000]
    b9740100c0 mov ecx, 0xc0000174
    b974010000 mov ecx, 0x174
    0f32 rdmsr
    0f30 wrmsr
    ${END}`;
  const CASES: readonly [what: string, breakpoint: EventBreakpoint, reasons: readonly number[]][] = [
    ['port I/O', event('portIo'), [30, 30]],
    ['a port', event('portIo', equal(variable('port'), 0x81)), [30]],
    ['reads of ports', event('portIo', equal(variable('write'), 0)), [30]],
    ['MSRs', event('msr'), [31, 32]],
    ['writes of an MSR', event('msr', binary(equal(variable('msr'), 0x174), '&&', equal(variable('write'), 1))), [32]],
    ['device memory', event('mmio'), [48]],
    ['a reason', event('exit', equal(variable('reason'), EXIT_REASON.CPUID)), [10]],
    ['an address that most exits do not have', event('exit', equal(variable('gpa'), 0xfe000000)), [48]],
  ];
  for (const [what, breakpoint, reasons] of CASES) {
    it(`stop for ${what}`, async () => {
      const plain = tiny(BODY_OF_EXITS);
      await plain.go();
      const guest = tiny(BODY_OF_EXITS);
      await guest.set({ events: [breakpoint] });
      const stops = await stopsOf(guest);
      assert.deepEqual(
        stops.map((stop) => stop.reason === 'vm exit' && stop.exit.reason),
        reasons,
      );
      assert.ok(stops.every(({ ids }) => ids?.length === 1));
      assert.equal(hashOf(guest.machine), hashOf(plain.machine));
    });
  }

  it('of MSRs are as before when nobody asks any more', async () => {
    const guest = tiny(BODY_OF_EXITS);
    const before = guest.machine.save();
    await guest.set({ events: [event('msr')] });
    assert.deepEqual(guest.machine.save(), before);
    await guest.set({});
    assert.deepEqual(guest.machine.save(), before);
    assert.equal((await guest.go()).reason, 'ended');
    assert.equal(guest.machine.exits!.totalOf(EXIT_REASON.RDMSR), 0);
  });

  it('are refused by a bare machine', async () => {
    const guest = tiny(END, { bare: true });
    for (const kind of ['exit', 'mmio', 'portIo', 'msr'] as const)
      await assert.rejects(guest.set({ events: [event(kind)] }), { code: 'exit/bare' });
    await assert.rejects(guest.go({ kind: 'stepExit' }), { code: 'exit/bare' });
  });

  it('are steps', async () => {
    const guest = tiny(BODY_OF_EXITS);
    const reasons = new Set<number>();
    for (let i = 0; i < 30 && reasons.size < 2; i++) {
      const stop = await guest.go({ kind: 'stepExit', reasons: ['CPUID', 'EPT violation'] });
      assert.ok(stop.reason === 'vm exit');
      reasons.add(stop.exit.reason);
    }
    assert.deepEqual(reasons, new Set([EXIT_REASON.EPT_VIOLATION, EXIT_REASON.CPUID]));
  });

  it('come of a permission taken from the EPT', async () => {
    const guest = tiny(`
      bb00002000 mov ebx, 0x200000
      ff03 inc dword ptr [rbx]
      ebfc jmp back`);
    for (let i = 0; i < 9; i++) await guest.step();
    const walk = await guest.target.walk(1, 'linear', DATA, 'write');
    const leaf = walk.levels.at(-1)!;
    assert.equal(leaf.table, 'EPT PTE');
    const entry = BigInt(leaf.entry) & ~2n;
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(entry);
    await guest.target.writeMemory(1, 'physical', BigInt(leaf.entryAddress!), bytes);
    const stop = await guest.go({ kind: 'stepExit' });
    assert.equal(stop.reason === 'vm exit' && stop.exit.qualificationText.length > 0, true);
    assert.equal(stop.reason === 'vm exit' && BigInt(stop.exit.qualification) & 0x3fn, 0x2an);
  });
});

describe('other events of our machine', () => {
  it('loads of CR3', async () => {
    const guest = tiny(`
      0f20d8 mov rax, cr3
      0f22d8 mov cr3, rax
      90 nop
      0f22d8 mov cr3, rax
      ${END}`);
    await guest.set({ addressSpaces: true });
    assert.deepEqual(await guest.go(), { reason: 'address space' });
    assert.equal(guest.at, CODE + 6n);
    assert.deepEqual(await guest.go(), { reason: 'address space' });
    assert.equal(guest.at, CODE + 10n);
    assert.equal((await guest.go()).reason, 'ended');
  });

  it('paging that is switched on', async () => {
    const guest = tiny(
      `
      c7050000300083000000 mov dword ptr [0x300000], 0x83
      b800003000 mov eax, 0x300000
      0f22d8 mov cr3, eax
      0f20e0 mov eax, cr4
      83c810 or eax, 0x10
      0f22e0 mov cr4, eax
      0f20c0 mov eax, cr0
      0fbae81f bts eax, 31
      0f22c0 mov cr0, eax
      ${END}`,
      { mode: 'protected32' },
    );
    await guest.set({ addressSpaces: true });
    const start = BigInt(ORIGIN.protected32);
    for (const offset of [18n, 37n]) {
      assert.deepEqual(await guest.go(), { reason: 'address space' });
      assert.equal(guest.at, start + offset);
    }
    assert.equal((await guest.go()).reason, 'ended');
  });

  it('an end names who waits for it', async () => {
    const guest = tiny('0f0b ud2');
    await guest.set({
      events: [
        { id: 1, kind: 'tripleFault' },
        { id: 2, kind: 'reset' },
      ],
    });
    const stop = await guest.go();
    assert.deepEqual([stop.reason === 'ended' && stop.end.reason, stop.ids], ['triple fault', [1]]);
    await assert.rejects(guest.step(), { code: 'target/ended' });
  });

  it('edits of code ahead count', async () => {
    const guest = tiny(`
      90 nop
      0f0b ud2
      ${END}`);
    await guest.step();
    await guest.target.writeMemory(1, 'linear', CODE + 1n, Uint8Array.of(0x90, 0x90));
    assert.equal((await guest.go()).reason, 'ended');
  });
});
