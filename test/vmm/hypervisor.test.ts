/** The hypervisor over an engine of the test's: entry, exits, injection, sleep. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { STATE } from '../../src/cpu/layout';
import { PRIMARY, SECONDARY } from '../../src/cpu/vmx/controls';
import { load } from '../../src/machine/boot/load';
import type { BootOptions } from '../../src/machine/boot/options';
import { Random } from '../../src/machine/random';
import { EPT } from '../../src/vmm/ept';
import type { HypervisorOptions } from '../../src/vmm/hypervisor';
import { makeRig, RAM_BYTES } from './rig';
import type { Rig } from './rig';

const BIN = 'test/guests/bin';
const LIMIT = 20_000_000;

function boot(image: Uint8Array, options: Partial<HypervisorOptions> = {}, bootOptions: BootOptions = {}): Rig {
  const rig = makeRig(options);
  const memory = {
    size: RAM_BYTES,
    write: (at: number, bytes: Uint8Array) => rig.hypervisor.guestMemory.write(at, bytes),
  };
  rig.hypervisor.start(load(image, bootOptions, memory));
  return rig;
}

const ADDRESS = 0x2000;
const flat = (bytes: readonly number[], options: Partial<HypervisorOptions> = {}): Rig =>
  boot(Uint8Array.from(bytes), options, { format: 'flat', flat: { address: ADDRESS, mode: 'long64' } });
/** OUT 0xf4, AL: ends the machine. */
const END = [0xe6, 0xf4];

/** What must not depend on how the hypervisor works. */
function outcome(rig: Rig): object {
  const hash = createHash('sha256');
  for (let at = 0; at < RAM_BYTES; at += 1 << 20) hash.update(rig.hypervisor.guestMemory.read(at, 1 << 20));
  return {
    instructions: rig.clock.instructions,
    ticks: rig.clock.ticks,
    serial: rig.serial(),
    debugExit: rig.debugExit(),
    memory: hash.digest('hex'),
  };
}

const eviction = (every: number): Partial<HypervisorOptions> => ({
  eviction: { every, pages: 64, random: new Random(BigInt(every)) },
});

describe('hypervisor', function () {
  this.timeout(180_000);

  for (const guest of ['paging32.elf', 'real16.elf', 'task-switch.elf', 'interrupts.elf', 'v86.elf'].filter((name) =>
    readdirSync(BIN).includes(name),
  )) {
    it(`${guest} ends the same however the EPT is filled`, () => {
      const image = readFileSync(`${BIN}/${guest}`);
      const results = [{}, { policy: 'eager2m' } as const, eviction(777), eviction(60)].map((options) => {
        const rig = boot(image, options);
        assert.deepEqual(rig.hypervisor.run(LIMIT), { kind: 'stop' });
        return outcome(rig);
      });
      assert.match((results[0] as { serial: string }).serial, /RESULT pass/);
      for (const result of results) assert.deepEqual(result, results[0]);
    });
  }

  it('counts the instructions that it emulates', () => {
    // xor eax,eax; cpuid; in al,0x80; out 0xf4,al
    const rig = flat([0x31, 0xc0, 0x0f, 0xa2, 0xe4, 0x80, ...END]);
    rig.hypervisor.run(LIMIT);
    assert.equal(rig.clock.instructions, 4);
    assert.equal(rig.hypervisor.exits.totalOf(10), 1);
    assert.equal(rig.hypervisor.exits.totalOf(30), 2);
  });

  it('gives the same guest whatever is intercepted besides, and more exits', () => {
    // rdtsc; pause; mov rax,cr3; mov cr3,rax; rdrand eax; sgdt [rsp-16]; mov rax,dr7; wbinvd; invlpg [rax]; xor eax,eax
    const code = [
      [0x0f, 0x31],
      [0xf3, 0x90],
      [0x0f, 0x20, 0xd8],
      [0x0f, 0x22, 0xd8],
      [0x0f, 0xc7, 0xf0],
      [0x0f, 0x01, 0x44, 0x24, 0xf0],
      [0x0f, 0x21, 0xf8],
      [0x0f, 0x09],
      [0x0f, 0x01, 0x38],
      [0x31, 0xc0],
    ].flat();
    const program = [...code, ...END];
    const plain = flat(program, { policy: 'eager2m' });
    plain.hypervisor.run(LIMIT);
    const cases: readonly [string, NonNullable<HypervisorOptions['controls']>, number, number][] = [
      ['RDTSC', { primary: { set: PRIMARY.RDTSC_EXITING } }, 16, 1],
      ['PAUSE', { primary: { set: PRIMARY.PAUSE_EXITING } }, 40, 1],
      ['CR3 load', { primary: { set: PRIMARY.CR3_LOAD_EXITING } }, 28, 1],
      ['CR3 store', { primary: { set: PRIMARY.CR3_STORE_EXITING } }, 28, 1],
      ['MOV DR', { primary: { set: PRIMARY.MOV_DR_EXITING } }, 29, 1],
      ['INVLPG', { primary: { set: PRIMARY.INVLPG_EXITING } }, 14, 1],
      ['RDRAND', { secondary: { set: SECONDARY.RDRAND_EXITING } }, 57, 1],
      ['SGDT', { secondary: { set: SECONDARY.DESCRIPTOR_TABLE_EXITING } }, 46, 1],
      ['WBINVD', { secondary: { set: SECONDARY.WBINVD_EXITING } }, 54, 1],
      ['all MSRs', { primary: { clear: PRIMARY.USE_MSR_BITMAPS } }, 31, 0],
      ['every instruction', { primary: { set: PRIMARY.MONITOR_TRAP_FLAG } }, 37, 11],
    ];
    for (const [title, controls, reason, more] of cases) {
      const rig = flat(program, { policy: 'eager2m', controls });
      rig.hypervisor.run(LIMIT);
      assert.deepEqual(outcome(rig), outcome(plain), title);
      const count = (of: Rig): number => of.hypervisor.exits.totalOf(reason);
      const difference = count(rig) - count(plain);
      if (reason === 37) assert.ok(difference >= more - 1, title);
      else assert.equal(difference, more, title);
    }
  });

  it('exits where an EPT entry in machine memory loses W, and goes on', () => {
    // l: mov [0x9000], al; inc eax; jmp l
    const rig = flat([0x88, 0x04, 0x25, 0x00, 0x90, 0x00, 0x00, 0xff, 0xc0, 0xeb, 0xf5]);
    rig.hypervisor.run(1000);
    const before = rig.hypervisor.exits.count;
    const entry = rig.hypervisor.ept.leaf(0x9000)!;
    rig.memory.write64(entry.address, entry.value & ~EPT.WRITE);
    rig.hypervisor.run(1000);
    assert.equal(rig.hypervisor.exits.count, before + 1);
    const exit = rig.hypervisor.exits.last!;
    assert.equal(exit.reason, 48);
    assert.equal(exit.qualification, 0x1aan, 'a write, final access, readable and executable');
    assert.equal(exit.guestPhysical, 0x9000n);
    assert.equal(exit.guestLinear, 0x9000n);
    assert.equal(rig.clock.instructions, 2000);
  });

  it('sleeps in HLT to the next deadline, or says when that is', () => {
    const rig = flat([0xfb, 0xf4, 0xeb, 0xfd], { sleep: 'return' });
    rig.clock.at(5000, () => undefined);
    assert.deepEqual(rig.hypervisor.run(LIMIT), { kind: 'idle', wake: 5000 });
    assert.equal(rig.hypervisor.isHalted, true);
    assert.equal(rig.clock.ticks, 2);
    const forever = flat([0xfa, 0xf4]);
    const stop = forever.hypervisor.run(LIMIT);
    assert.ok(stop.kind === 'crash' && stop.reason === 'never-wakes');
  });

  it('stops with a triple fault when the guest has no handlers', () => {
    const stop = flat([0x0f, 0x0b]).hypervisor.run(LIMIT);
    assert.ok(stop.kind === 'crash' && stop.reason === 'triple-fault');
  });

  it('says where a guest runs that leaves its memory', () => {
    const stop = flat([0xb8, 0x00, 0x00, 0xd0, 0xfe, 0xff, 0xe0]).hypervisor.run(LIMIT);
    assert.ok(stop.kind === 'crash' && stop.reason === 'no-memory' && stop.detail.includes('0xfed00000'));
  });

  it('takes an external interrupt exit when outside input arrives in the middle of a run', () => {
    const rig = flat([0xff, 0xc0, 0xeb, 0xfc]);
    rig.hypervisor.run(1000);
    const before = rig.hypervisor.exits.totalOf(1);
    rig.hypervisor.noticeInput();
    rig.hypervisor.run(1000);
    assert.equal(rig.hypervisor.exits.totalOf(1), before + 1);
    assert.equal(rig.clock.instructions, 2000);
    assert.equal(rig.state.word(STATE.general), 1000);
  });
});
