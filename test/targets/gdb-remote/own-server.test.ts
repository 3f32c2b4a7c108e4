// The client of the gdb remote protocol at our own gdb server: what it shows and does is what the machine itself shows and
// does, in every mode.
import assert from 'node:assert/strict';
import { attachGdb, type GdbTarget } from '../../../src/targets/gdb-remote/gdb-target';
import type { BreakpointSet, Resume, Stop } from '../../../src/targets/target';
import { serve, type TestServer } from '../../gdb/client';
import { sampleGuests } from '../../machine/runs';
import { NO_BREAKPOINTS, TestDebugger } from '../debugger';
import { binary, CODE, DATA, END, equal, register, tiny } from '../own-machine/tiny';

/** Calls `f`, which counts ECX down to 0 and calls itself; then writes, and ends. */
const PROGRAM = `
  bc00382000 mov esp, 0x203800
  b904000000 mov ecx, 4
  e813000000 call f
  bf00002000 mov edi, 0x200000
  b910000000 mov ecx, 16
  f3aa rep stosb
  66baf400 mov dx, 0xf4
  ee out dx, al
  ebfe jmp .
  ffc9 f: dec ecx
  7405 je out
  e8f7ffffff call f
  c3 out: ret`;
const CALL = CODE + 10n;
const AFTER = CODE + 15n;
const F = CODE + 34n;
const REPEAT = CODE + 25n;

describe("a target behind VMXray's own gdb server", function () {
  this.timeout(30_000);
  let servers: TestServer[] = [];
  let owners: TestDebugger[] = [];
  let target: GdbTarget;
  let stopped: (stop: Stop) => void = () => {};

  afterEach(async () => {
    await target?.detach();
    await Promise.all(servers.map(({ server }) => server.close()));
    await Promise.all(owners.map((owner) => owner.target.dispose()));
    [servers, owners] = [[], []];
  });

  async function attach(guest: TestDebugger): Promise<GdbTarget> {
    const server = await serve(guest);
    servers.push(server);
    owners.push(guest);
    target = await attachGdb({ gdb: `127.0.0.1:${server.port}` });
    target.onEvent((event) => event.kind === 'stopped' && stopped(event.stop));
    return target;
  }
  async function go(how: Resume): Promise<Stop> {
    const stop = new Promise<Stop>((resolve) => (stopped = resolve));
    await target.resume(1, how);
    return stop;
  }
  const set = (breakpoints: Partial<BreakpointSet>): Promise<void> =>
    target.setBreakpoints({ ...NO_BREAKPOINTS, ...breakpoints });

  /** Everything that the client shows is what the machine shows. */
  async function checkAlike(owner: TestDebugger): Promise<void> {
    const own = owner.target;
    const { instructions, ticks, ...expected } = await own.position(1);
    const { instructions: none, ticks: zero, ...found } = await target.position(1);
    assert.deepEqual(found, expected);
    assert.deepEqual([none, zero, instructions > -1, ticks > -1], [0, 0, true, true]);
    let compared = 0;
    for (const group of await target.registerGroups(1)) {
      const there = new Map((await own.registers(1, group)).map(({ name, value }) => [name, value]));
      for (const { name, value } of await target.registers(1, group)) {
        assert.equal(value, there.get(name), `${group}.${name}`);
        compared++;
      }
    }
    assert.ok(compared > 80, String(compared));
    const { linear } = expected;
    for (const address of [linear, linear + 0x1000n, 0x7fff_ffff_0000n, 0xffff_8000_0000_0000n]) {
      // Behind our own server stands an EPT, which no gdb stub shows.
      const [mine, theirs] = [
        await target.walk(1, 'linear', address, 'read'),
        await own.walk(1, 'linear', address, 'read'),
      ];
      if (theirs.fault?.kind.startsWith('EPT')) continue;
      assert.deepEqual([mine.guestPhysical, mine.permission], [theirs.guestPhysical, theirs.permission]);
      assert.equal(mine.fault?.bit, theirs.fault?.bit);
    }
    assert.deepEqual(await target.readMemory(1, 'linear', linear, 64), await own.readMemory(1, 'linear', linear, 64));
    const ranges = async (one: typeof own | GdbTarget) =>
      (await one.mappings(1, { space: 'linear', count: 50 })).ranges;
    assert.deepEqual(await ranges(target), await ranges(own));
  }

  for (const name of ['real16', 'protected32', 'pae', 'paging32', 'long-mode', 'v86', 'tour']) {
    it(`shows ${name} as it is, wherever it stops`, async () => {
      const owner = TestDebugger.of(sampleGuests.find((guest) => guest.name === name)!);
      await attach(owner);
      await checkAlike(owner);
      for (const instructions of [100, 900, 4000]) {
        // The machine moves behind the stub's back: a step of its own tells the client.
        owner.machine.run(instructions);
        assert.equal((await go({ kind: 'step' })).reason, 'step');
        await checkAlike(owner);
      }
    });
  }

  it('steps over calls, recursion and repetitions, and out of ranges', async () => {
    await attach(tiny(PROGRAM));
    const at = async (): Promise<bigint> => (await target.position(1)).linear;
    for (let count = 0; count < 2; count++) await go({ kind: 'step', skipInterrupts: true });
    assert.equal(await at(), CALL);
    assert.equal((await go({ kind: 'stepOver' })).reason, 'step');
    assert.equal(await at(), AFTER);
    await go({ kind: 'stepRange', start: AFTER, end: REPEAT, over: false });
    assert.equal(await at(), REPEAT);
    await go({ kind: 'stepOver' });
    assert.equal(await at(), REPEAT + 2n);
    assert.equal((await target.evaluate(1, register('rcx'))).value, 0n);
  });

  it('to a place waits for the stack that is wanted', async () => {
    await attach(tiny(PROGRAM));
    await go({ kind: 'runTo', linear: [CALL] });
    const { rsp } = await target.position(1);
    await go({ kind: 'runTo', linear: [F + 9n, AFTER], stackAbove: rsp - 1n });
    assert.equal((await target.position(1)).linear, AFTER);
  });

  it('stops at code and data, with conditions, hit counts and log points', async () => {
    await attach(tiny(PROGRAM));
    const logs: string[] = [];
    target.onEvent((event) => {
      if (event.kind === 'stopped') stopped(event.stop);
      else if (event.kind === 'log') logs.push(event.text);
    });
    await set({
      code: [
        { id: 1, linear: F, condition: equal(register('rcx'), 2) },
        { id: 2, linear: F, log: ['rcx ', { expression: register('rcx'), format: 'd' }] },
        { id: 3, linear: F, hits: { operator: '==', count: 4 } },
      ],
    });
    assert.deepEqual((await go({ kind: 'continue' })).ids, [1]);
    assert.deepEqual((await go({ kind: 'continue' })).ids, [3]);
    assert.deepEqual(logs, ['rcx 4', 'rcx 3', 'rcx 2', 'rcx 1']);
    await set({ data: [{ id: 4, linear: DATA + 4n, length: 4, access: 'write' }] });
    const stop = await go({ kind: 'continue' });
    assert.deepEqual([stop.reason, stop.ids], ['data breakpoint', [4]]);
    const written = await target.readMemory(1, 'linear', DATA, 6);
    assert.ok(written[4] !== undefined);
    const wrong = binary(register('rip'), '/', register('rcx'));
    await set({ code: [{ id: 5, linear: REPEAT + 2n, condition: wrong }] });
    const last = await go({ kind: 'continue' });
    assert.deepEqual([last.ids, /could not be computed/.test(last.note ?? '')], [[5], true]);
  });

  it('edits registers and memory, and says what cannot be', async () => {
    const owner = tiny(PROGRAM);
    await attach(owner);
    assert.equal(await target.writeRegister(1, 'General', 'RAX', -1n), 0xffff_ffff_ffff_ffffn);
    assert.equal(owner.register(0), 0xffff_ffff_ffff_ffffn);
    await assert.rejects(target.writeRegister(1, 'General', 'RAX', 1n << 64n), /does not fit/);
    await assert.rejects(target.writeRegister(1, 'Control', 'CR0', 0n), /cannot write cr0/);
    assert.equal(await target.writeMemory(1, 'linear', DATA + 4094n, Uint8Array.of(1, 2, 3, 4)), 4);
    assert.deepEqual([...(await owner.target.readMemory(1, 'linear', DATA + 4094n, 4))], [1, 2, 3, 4]);
    assert.deepEqual([...(await target.readMemory(1, 'guestPhysical', DATA + 4094n, 4))], [1, 2, 3, 4]);
    assert.equal(await target.writeMemory(1, 'linear', 0x7fff_0000_0000n, Uint8Array.of(1)), 0);
  });

  it('tells the end of the guest', async () => {
    await attach(tiny(END));
    const stop = await go({ kind: 'continue' });
    assert.equal(stop.reason, 'ended');
  });
});
