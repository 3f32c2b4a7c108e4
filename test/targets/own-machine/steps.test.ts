// Ways of going on: over calls and recursion, within a range, to a place, and through what interrupts.
import assert from 'node:assert/strict';
import { BODY, CODE, DATA, END, HANDLER, faulty, tiny } from './tiny';

/** Calls `f`, which counts ECX down to 0 and calls itself. */
const RECURSION = `
  bc00382000 mov esp, 0x203800
  b904000000 mov ecx, 4
  e803000000 call f
  90 nop
  ebfe jmp .
  ffc9 f: dec ecx
  7405 je out
  e8f7ffffff call f
  c3 out: ret`;
const CALL = CODE + 10n;
const AFTER = CODE + 15n;
const INNER_CALL = CODE + 22n;

describe('steps of our machine', () => {
  it('over a call come back on the same stack', async () => {
    const guest = tiny(RECURSION);
    for (let i = 0; i < 2; i++) await guest.step();
    assert.equal(guest.at, CALL);
    assert.deepEqual(await guest.go({ kind: 'stepOver' }), { reason: 'step' });
    assert.equal(guest.at, AFTER);
    assert.equal(Number(guest.register(1)), 0);
  });

  it('over a recursive call come back in the same activation', async () => {
    const guest = tiny(RECURSION);
    await guest.go({ kind: 'runTo', linear: [INNER_CALL] });
    const stack = guest.register(4);
    await guest.go({ kind: 'stepOver' });
    assert.deepEqual([guest.at, guest.register(4)], [INNER_CALL + 5n, stack]);
  });

  it('into a call enter it', async () => {
    const guest = tiny(RECURSION);
    for (let i = 0; i < 3; i++) await guest.step();
    assert.equal(guest.at, CODE + 18n);
  });

  it('over a call stop at a breakpoint in it', async () => {
    const guest = tiny(RECURSION);
    for (let i = 0; i < 2; i++) await guest.step();
    await guest.set({ code: [{ id: 9, linear: INNER_CALL }] });
    assert.deepEqual((await guest.go({ kind: 'stepOver' })).ids, [9]);
  });

  it('to a place wait for the stack that is wanted', async () => {
    const guest = tiny(RECURSION);
    await guest.go({ kind: 'runTo', linear: [CALL] });
    const stackAbove = guest.register(4) - 1n;
    await guest.go({ kind: 'runTo', linear: [CODE + 27n, AFTER], stackAbove });
    assert.equal(guest.at, AFTER);
  });

  it('over a repetition run all of it', async () => {
    const guest = tiny(`
      bf00002000 mov edi, 0x200000
      b900100000 mov ecx, 0x1000
      f3aa rep stosb
      ${END}`);
    for (let i = 0; i < 2; i++) await guest.step();
    await guest.go({ kind: 'stepOver' });
    assert.deepEqual([guest.at, guest.register(7)], [CODE + 12n, DATA + 0x1000n]);
  });

  for (const over of [true, false]) {
    it(`within a range${over ? ' over calls' : ''} go on until it is left`, async () => {
      const guest = tiny(RECURSION);
      await guest.go({ kind: 'stepRange', start: CODE, end: CODE + 16n, over });
      assert.equal(guest.at, over ? CODE + 16n : CODE + 18n);
    });
  }

  it('within a range stop at breakpoints and for a pause', async () => {
    const guest = tiny(RECURSION);
    await guest.set({ code: [{ id: 2, linear: CALL }] });
    assert.deepEqual((await guest.go({ kind: 'stepRange', start: CODE, end: AFTER, over: true })).ids, [2]);
    await guest.set({});
    setTimeout(() => void guest.target.pause(), 20);
    const forever = { kind: 'stepRange', start: CODE, end: CODE + 0x100n, over: false } as const;
    assert.equal((await guest.go(forever)).reason, 'pause');
  });

  for (const bare of [false, true]) {
    const name = bare ? ', bare' : '';
    it(`into a fault enter its handler${name}`, async () => {
      const guest = faulty('0f0b ud2', 2, 0, bare);
      await guest.go({ kind: 'runTo', linear: [BODY] });
      await guest.step();
      assert.equal(guest.at, HANDLER + 4n);
    });

    for (const how of [
      { kind: 'stepOver' },
      { kind: 'stepRange', start: BODY, end: BODY + 1n, over: false },
    ] as const) {
      it(`${how.kind} goes through a handler that returns elsewhere${name}`, async () => {
        const guest = faulty('0f0b ud2', 2, 0, bare);
        await guest.go({ kind: 'runTo', linear: [BODY] });
        assert.deepEqual(await guest.go(how), { reason: 'step' });
        assert.equal(guest.at, BODY + 2n);
      });
    }

    it(`within a range tell a breakpoint in a handler${name}`, async () => {
      const guest = faulty('0f0b ud2', 2, 0, bare);
      await guest.go({ kind: 'runTo', linear: [BODY] });
      await guest.set({ code: [{ id: 1, linear: HANDLER + 4n }] });
      assert.deepEqual((await guest.go({ kind: 'stepOver' })).ids, [1]);
    });
  }

  it('do not stop twice at an instruction that faults and runs again', async () => {
    // The handler does not skip: it takes the cause away, a gate at which the guest reads.
    const guest = faulty('8b042500000080 mov eax, [0xffffffff80000000]\n90 nop', 0, 8);
    const repair = [0x48, 0x83, 0xc4, 0x08, 0xc7, 0x44, 0x24, 0x00, 0, 0, 0, 0, 0x48, 0xcf];
    // add rsp, 8; mov dword [rsp], BODY + 7; iretq: the low half of RIP is replaced.
    const low = Buffer.alloc(4);
    low.writeUInt32LE(Number(BODY + 7n));
    repair.splice(8, 4, ...low);
    guest.machine.writeMemory('guestPhysical', HANDLER, Uint8Array.from(repair));
    await guest.set({ code: [{ id: 1, linear: BODY }] });
    assert.equal((await guest.go()).reason, 'breakpoint');
    assert.equal((await guest.go({ kind: 'stepOver' })).reason, 'step');
    assert.equal(guest.at, BODY + 7n);
  });
});
