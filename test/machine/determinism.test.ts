// Same inputs, same state: the state hash and the counters at the end, or at a step, are those of the first run, however
// the EPT is filled, wherever a run is cut, and whoever looks on.
import assert from 'node:assert/strict';
import { lab, requireLab } from '../support/lab/lab';
import { fingerprint, hashOf, linuxGuest, outcomeOf, policies, randomFrom, runTo, sampleGuests, start } from './runs';
import type { Fingerprint, Guest, Policy } from './runs';
import type { Machine } from '../../src/machine/machine';

/** Ways to come to the same place. Each gives the machine when it is there, and the reason of its last run. */
const WAYS: Readonly<Record<string, (machine: Machine, until: number) => string>> = {
  'in pieces': (machine, until) => {
    const random = randomFrom(1);
    return inPieces(machine, until, () => 1 + Math.floor(random() ** 4 * 200_000));
  },
  'with breakpoints that are never hit, set and taken away': (machine, until) => {
    let round = 0;
    return inPieces(machine, until, () => {
      const near = machine.linearRip() & ~0xfffn;
      // Within the instructions of a page that runs, at addresses that no instruction begins at: the ROM's hole.
      machine.setBreakpoints(round++ % 2 === 0 ? [] : [0xa0000n, 0xbffffn, near ^ (1n << 46n)]);
      return 30_011;
    });
  },
  'looked at': (machine, until) =>
    inPieces(machine, until, () => {
      const rip = machine.linearRip();
      machine.readMemory('linear', rip, 64);
      machine.readMemory('guestPhysical', 0xfee00000n, 64);
      machine.readMemory('physical', 0x1000n, 64);
      machine.walk('linear', rip, { write: true, execute: false, user: true });
      machine.describeDevices();
      machine.save();
      hashOf(machine);
      return 1_000_003;
    }),
};

function inPieces(machine: Machine, until: number, piece: () => number): string {
  for (;;) {
    const left = until - machine.instructions;
    if (left <= 0) return 'budget';
    const { reason } = machine.run(Math.min(left, piece()));
    if (reason !== 'budget') return reason;
  }
}

describe('determinism: sample guests', function () {
  this.timeout(300_000);
  for (const guest of sampleGuests) {
    it(guest.name, () => {
      const first = outcomeOf(guest);
      assert.notEqual(first.reason, 'budget', 'the guest ends by itself');
      for (const policy of Object.keys(policies) as Policy[])
        assert.deepEqual(outcomeOf(guest, { hypervisor: policies[policy]() }), first, policy);
      for (const [name, way] of Object.entries(WAYS)) {
        const machine = start(guest);
        assert.deepEqual(fingerprint(machine, way(machine, first.instructions + 1)), first, name);
      }
    });
  }

  for (const name of ['hypervisor', 'interrupts', 'debug-exceptions']) {
    it(`${name}, bare, in pieces`, () => {
      const guest: Guest = { ...sampleGuests.find((one) => one.name === name)!, bare: true };
      const first = outcomeOf(guest);
      const machine = start(guest);
      assert.deepEqual(fingerprint(machine, WAYS['in pieces']!(machine, first.instructions + 1)), first);
    });
  }

  it('a run stops exactly where it is told to', () => {
    const random = randomFrom(5);
    for (const guest of sampleGuests.filter(({ name }) => ['rep', 'tour', 'exceptions', 'smc'].includes(name))) {
      const machine = start(guest, { hypervisor: policies.eager2m() });
      for (let at = 0; ;) {
        const step = 1 + Math.floor(random() ** 2 * 5000);
        if (machine.run(step).reason !== 'budget') break;
        assert.equal(machine.instructions, (at += step), guest.name);
      }
    }
  });
});

describe('determinism: the state hash', () => {
  const guest = sampleGuests.find(({ name }) => name === 'tour')!;
  const AT = 20_000;
  const changes: Readonly<Record<string, (machine: Machine) => void>> = {
    'a byte of RAM': (machine) => machine.writeMemory('guestPhysical', 0x1234567n, Uint8Array.of(1)),
    'one more instruction': (machine) => machine.run(1),
    'a byte in the UART': (machine) => machine.sendSerial(65),
    'the power button': (machine) => machine.pressPowerButton(),
    'a general register': (machine) => machine.state.setGeneral(15, machine.state.general(15) ^ 1n),
    'an XMM register': (machine) => machine.state.u8.set([1], 0x1000 + 15 * 64),
  };
  for (const [name, change] of Object.entries(changes)) {
    it(`differs for ${name}`, () => {
      const [one, other] = [start(guest), start(guest)];
      for (const machine of [one, other]) runTo(machine, AT);
      assert.equal(hashOf(one), hashOf(other));
      change(other);
      assert.notEqual(hashOf(one), hashOf(other));
    });
  }

  it('tells pages with one content apart', () => {
    const [one, other] = [start(guest), start(guest)];
    one.writeMemory('guestPhysical', 0x1200000n, Uint8Array.of(1));
    other.writeMemory('guestPhysical', 0x1201000n, Uint8Array.of(1));
    assert.notEqual(hashOf(one), hashOf(other));
  });
});

describe("determinism: Debian's kernel", function () {
  this.timeout(300_000);
  const UNTIL = 200e6;
  const STEP = 40e6;

  it('the first 200 M instructions under every policy, hashed on the way', async function () {
    const guest = linuxGuest(requireLab(this, await lab.kernel()).image, requireLab(this, await lab.initrd()));
    const { thrashing: _, ...affordable } = policies;
    const trails = Object.entries(affordable).map(([policy, hypervisor]): [string, Fingerprint[]] => {
      const machine = start(guest, { hypervisor: hypervisor() });
      const trail: Fingerprint[] = [];
      for (let at = STEP; at <= UNTIL; at += STEP) trail.push(fingerprint(machine, runTo(machine, at).reason));
      return [policy, trail];
    });
    const [, first] = trails[0]!;
    assert.equal(first.at(-1)!.instructions, UNTIL);
    for (const [policy, trail] of trails.slice(1)) assert.deepEqual(trail, first, policy);
  });
});
