// Code breakpoints with conditions, hit counts and log points, on a loop whose every pass is known.
import assert from 'node:assert/strict';
import type { CodeBreakpoint } from '../../../src/targets/target';
import { CODE, binary, equal, number, register, tiny } from './tiny';

/** RCX counts 1, 2, ... 20; the loop's head is at `HEAD`. */
const LOOP = `
  31c9 xor ecx, ecx
  ffc1 inc ecx
  83f914 cmp ecx, 20
  75f9 jne back
  66baf400 mov dx, 0xf4
  ee out dx, al`;
const HEAD = CODE + 2n;
const CMP = CODE + 4n;

const RCX = register('ecx');
const lone = (what: Partial<CodeBreakpoint>) => ({ code: [{ id: 7, linear: CMP, ...what }] });

interface Case {
  readonly what: string;
  readonly breakpoint: Partial<CodeBreakpoint>;
  /** ECX at each stop. */
  readonly stops: readonly number[];
}

const CASES: readonly Case[] = [
  { what: 'a condition', breakpoint: { condition: equal(RCX, 9) }, stops: [9] },
  { what: 'a condition that never holds', breakpoint: { condition: equal(RCX, 99) }, stops: [] },
  { what: 'a hit count', breakpoint: { hits: { operator: '==', count: 4 } }, stops: [4] },
  { what: 'every fifth hit', breakpoint: { hits: { operator: '%', count: 5 } }, stops: [5, 10, 15, 20] },
  {
    what: 'hits counted where the condition holds',
    breakpoint: { condition: binary(RCX, '>', number(10)), hits: { operator: '==', count: 3 } },
    stops: [13],
  },
];

describe('code breakpoints of our machine', () => {
  for (const { what, breakpoint, stops } of CASES) {
    it(`stop for ${what}`, async () => {
      const guest = tiny(LOOP);
      await guest.set(lone(breakpoint));
      for (const ecx of stops) {
        assert.deepEqual(await guest.go(), { reason: 'breakpoint', linear: CMP, ids: [7] });
        assert.equal(Number(guest.register(1)), ecx);
        assert.equal(guest.at, CMP);
      }
      assert.equal((await guest.go()).reason, 'ended');
    });
  }

  it('stop with a note where a condition cannot be computed', async () => {
    const guest = tiny(LOOP);
    const condition = { kind: 'dereference', of: number(0x7fff_0000_0000n) } as const;
    await guest.set(lone({ condition }));
    const stop = await guest.go();
    assert.equal(stop.reason, 'breakpoint');
    assert.match(stop.note!, /could not be computed: .*0x7fff00000000/);
  });

  it('name all that are met, and only those', async () => {
    const guest = tiny(LOOP);
    await guest.set({
      code: [
        { id: 1, linear: CMP, condition: equal(RCX, 3) },
        { id: 2, linear: CMP, condition: equal(RCX, 4) },
        { id: 3, linear: CMP, condition: binary(RCX, '>=', number(3)) },
      ],
    });
    assert.deepEqual((await guest.go()).ids, [1, 3]);
    assert.deepEqual((await guest.go()).ids, [2, 3]);
  });

  it('log instead of stopping', async () => {
    const guest = tiny(LOOP);
    const log = ['ecx is ', { expression: RCX, format: 'd' as const }];
    await guest.set(lone({ condition: binary(RCX, '<', number(4)), log }));
    assert.equal((await guest.go()).reason, 'ended');
    const logs = guest.events.filter(({ kind }) => kind === 'log');
    assert.deepEqual(
      logs,
      [1, 2, 3].map((ecx) => ({ kind: 'log', id: 7, text: `ecx is ${ecx}` })),
    );
  });

  it('keep their hit counts when others are set', async () => {
    const guest = tiny(LOOP);
    const fifth = { id: 7, linear: CMP, hits: { operator: '==', count: 5 } } as const;
    await guest.set({ code: [fifth, { id: 8, linear: CMP, condition: equal(RCX, 3) }] });
    assert.deepEqual((await guest.go()).ids, [8]);
    await guest.set({ code: [fifth] });
    await guest.go();
    assert.equal(Number(guest.register(1)), 5);
  });

  it('are met once by who steps onto them, and passed by who goes on', async () => {
    const guest = tiny(LOOP);
    await guest.set(lone({}));
    assert.equal((await guest.step()).reason, 'step');
    assert.equal(guest.at, HEAD);
    assert.deepEqual(await guest.step(), { reason: 'breakpoint', linear: CMP, ids: [7] });
    await guest.go();
    assert.equal(Number(guest.register(1)), 2);
  });

  it('stop at the very first instruction who runs, and not who steps', async () => {
    const first = { code: [{ id: 1, linear: CODE }] };
    const [runner, stepper] = [tiny(LOOP), tiny(LOOP)];
    for (const guest of [runner, stepper]) await guest.set(first);
    assert.equal((await runner.go()).reason, 'breakpoint');
    assert.equal(runner.machine.instructions, 0);
    assert.equal((await runner.go()).reason, 'ended');
    assert.equal((await stepper.step()).reason, 'step');
  });

  it('can be set and taken away while the guest runs', async () => {
    const guest = tiny(`
      31c9 xor ecx, ecx
      ffc1 inc ecx
      ebfc jmp back`);
    setTimeout(() => void guest.set({ code: [{ id: 4, linear: HEAD }] }), 5);
    assert.deepEqual((await guest.go()).ids, [4]);
    setTimeout(() => void guest.target.pause(), 5);
    await guest.set({});
    assert.equal((await guest.go()).reason, 'pause');
  });

  it('are met once at a repeated instruction, however often its iterations are cut off', async () => {
    const guest = tiny(`
      bf00002000 mov edi, 0x200000
      b900400000 mov ecx, 0x4000
      f3aa rep stosb
      66baf400 mov dx, 0xf4
      ee out dx, al`);
    await guest.set({ code: [{ id: 1, linear: CODE + 10n }] });
    await guest.go();
    assert.deepEqual((await guest.step()).reason, 'step');
    assert.equal(guest.at, CODE + 10n);
    assert.equal((await guest.go()).reason, 'ended');
  });
});

describe('going on', () => {
  it('is refused while the guest runs and after its end', async () => {
    const guest = tiny(LOOP);
    const end = guest.go();
    await assert.rejects(guest.target.resume(1, { kind: 'step' }), { code: 'target/running' });
    await assert.rejects(guest.target.resume(2, { kind: 'step' }), { code: 'target/thread' });
    assert.equal((await end).reason, 'ended');
    await assert.rejects(guest.target.resume(1, { kind: 'step' }), { code: 'target/ended' });
    assert.deepEqual(await guest.target.state(), { ...(await guest.target.state()), running: false, stop: await end });
  });

  it('stops soon for a pause, also in a tight loop of exits', async () => {
    for (const code of ['ebfe jmp .', '0fa2 cpuid\nebfc jmp back', 'f4 hlt\nebfd jmp back']) {
      const guest = tiny(`b800000000 mov eax, 0\n${code}`);
      let asked = 0;
      setTimeout(() => ((asked = performance.now()), void guest.target.pause()), 40);
      const { reason } = await guest.go();
      if (reason !== 'ended') assert.deepEqual([reason, performance.now() - asked < 50], ['pause', true], code);
    }
  });

  it('forgets a pause that came while nothing ran', async () => {
    const guest = tiny(LOOP);
    await guest.target.pause();
    assert.equal((await guest.go()).reason, 'ended');
  });
});
