// A machine saved, restored in a fresh process and run on equals the machine that ran through: hash, counters, serial
// line and exit totals, wherever it was saved.
import assert from 'node:assert/strict';
import type { Machine } from '../../src/machine/machine';
import { encodeSnapshot } from '../../src/machine/snapshot-file';
import { lab, requireLab } from '../support/lab/lab';
import { resumedElsewhere } from './fresh-process';
import { resume } from './resume';
import type { Resumed } from './resume';
import { fingerprint, linuxGuest, policies, randomFrom, runTo, sampleGuests, start } from './runs';
import type { Changes, Fingerprint, Guest } from './runs';

interface Saved {
  readonly snapshot: Uint8Array;
  readonly instructions: number;
  /** Bytes that the serial line had carried when it was saved. */
  readonly carried: number;
}

/** A run that is looked at while it goes on, with what it came to. */
class Recording {
  readonly saved: Saved[] = [];
  readonly machine: Machine;
  private readonly serial: number[] = [];

  constructor(guest: Guest, changes: Changes = {}) {
    this.machine = start(guest, { ...changes, onSerial: (byte) => this.serial.push(byte) });
  }

  save(): void {
    const { machine, serial } = this;
    const snapshot = encodeSnapshot(machine.save());
    this.saved.push({ snapshot, instructions: machine.instructions, carried: serial.length });
  }

  finish(until: number): Resumed {
    const { machine } = this;
    const { reason } = runTo(machine, until);
    return {
      ...fingerprint(machine, reason),
      serial: Buffer.from(this.serial).toString('hex'),
      exits: machine.exits?.totalsByName() ?? {},
    };
  }
}

const LIMIT = 300e6;

/** Every snapshot of the recording, gone on with by `resumeAll`, ends as the recording itself. */
function checkRecording(
  recording: Recording,
  until = LIMIT,
  resumeAll: (snapshots: readonly Uint8Array[], until: number) => readonly Resumed[] = resumedElsewhere,
): void {
  const through = recording.finish(until);
  const ends = resumeAll(
    recording.saved.map(({ snapshot }) => snapshot),
    until,
  );
  assert.equal(ends.length, recording.saved.length);
  ends.forEach((end, i) => {
    const { instructions, carried } = recording.saved[i]!;
    const whole = Buffer.from(through.serial, 'hex').subarray(0, carried).toString('hex') + end.serial;
    assert.deepEqual({ ...end, serial: whole }, through, `saved at instruction ${instructions}`);
  });
}

const sample = (name: string, bare = false): Guest => ({ ...sampleGuests.find((one) => one.name === name)!, bare });

describe('snapshots: 50 random steps of sample guests, each in a fresh process', function () {
  this.timeout(300_000);
  const mix: readonly (readonly [guest: Guest, instructions: number, steps: number])[] = [
    [sample('interrupts'), 141_992, 10],
    [sample('rep'), 2_249_278, 10],
    [sample('tour'), 50_000, 8],
    [sample('debug-exceptions'), 60_000, 8],
    [sample('task-switch'), 10_000, 4],
    [sample('hypervisor', true), 224_000, 6],
    [sample('interrupts', true), 141_992, 4],
  ];
  for (const [guest, instructions, steps] of mix) {
    it(`${guest.name}${guest.bare ? ', bare' : ''}: ${steps}`, () => {
      const random = randomFrom(instructions);
      const recording = new Recording(guest);
      const places = Array.from({ length: steps }, () => 1 + Math.floor(random() * instructions));
      for (const place of places.sort((a, b) => a - b)) {
        runTo(recording.machine, place);
        recording.save();
      }
      checkRecording(recording);
    });
  }
});

describe('snapshots: states that are not between two plain instructions', function () {
  this.timeout(180_000);

  /** Goes on by `advance` until `isThere`, at most `tries` times, and saves; `times` such places. */
  function saveWhere(
    recording: Recording,
    isThere: (machine: Machine) => boolean,
    advance: (machine: Machine) => string,
    times: number,
  ): void {
    for (let tries = 0; recording.saved.length < times; tries++) {
      const reason = advance(recording.machine);
      assert.ok(tries < 400_000 && !['debug exit', 'powered off'].includes(reason), `no such place before ${reason}`);
      if (isThere(recording.machine)) recording.save();
    }
  }
  const oneInstruction = (machine: Machine): string => machine.run(1).reason;
  const blocking = (machine: Machine) => machine.asGuest(() => ({ ...machine.processor.interruptibility }));
  const here = (results: readonly Uint8Array[], until: number): readonly Resumed[] =>
    results.map((snapshot) => resume(snapshot, until));

  /** Stops behind exits, before the next entry. */
  function betweenExitAndEntry(guest: Guest, changes: Changes = {}): { recording: Recording; next: () => string } {
    const recording = new Recording(guest, changes);
    recording.machine.setExitFilter(() => true);
    return { recording, next: () => recording.machine.run(10_000_000).reason };
  }

  it('between a VM exit and the next entry', () => {
    const { recording, next } = betweenExitAndEntry(sample('tour'));
    let stops = 0;
    saveWhere(recording, ({ vmx }) => !vmx.isNonRoot && ++stops % 40 === 0, next, 4);
    recording.machine.setExitFilter(undefined);
    checkRecording(recording, LIMIT, here);
  });

  it('with an exception or a cut-off event to inject', () => {
    const { recording, next } = betweenExitAndEntry(sample('exceptions'), {
      hypervisor: { policy: 'lazy4k', eviction: { ...policies.eviction().eviction, every: 50 } },
    });
    saveWhere(recording, ({ hypervisor }) => hypervisor!.waiting.event !== undefined, next, 2);
    // Going on without eviction: the guest's end is the same, the exits are fewer.
    const ends = here(
      recording.saved.map(({ snapshot }) => snapshot),
      LIMIT,
    );
    recording.machine.setExitFilter(undefined);
    const { reason, instructions, ticks, hash } = recording.finish(LIMIT);
    for (const end of ends) {
      const compared: Fingerprint = {
        reason: end.reason,
        instructions: end.instructions,
        ticks: end.ticks,
        hash: end.hash,
      };
      assert.deepEqual(compared, { reason, instructions, ticks, hash });
    }
  });

  it('before an instruction that the hypervisor will emulate', () => {
    const { recording, next } = betweenExitAndEntry(sample('interrupts'));
    saveWhere(recording, ({ hypervisor }) => hypervisor!.save().emulation !== undefined, next, 2);
    recording.machine.setExitFilter(undefined);
    checkRecording(recording, LIMIT, here);
  });

  it('asleep in HLT', () => {
    const asleep = new Recording(sample('interrupts'), { sleep: 'return' });
    const result = runTo(asleep.machine, LIMIT);
    assert.equal(result.reason, 'idle');
    assert.ok(asleep.machine.save().hypervisor!.isHalted);
    asleep.save();
    const awake = new Recording(sample('interrupts'));
    awake.saved.push(...asleep.saved);
    checkRecording(awake, LIMIT, here);
  });

  it('with interrupts blocked by STI', () => {
    const recording = new Recording(sample('interrupts'));
    saveWhere(recording, (machine) => blocking(machine).sti, oneInstruction, 3);
    checkRecording(recording, LIMIT, here);
  });

  it('with interrupts blocked by MOV SS, bare and not', () => {
    for (const bare of [false, true]) {
      const recording = new Recording(sample('debug-exceptions', bare));
      saveWhere(recording, (machine) => blocking(machine).movSs, oneInstruction, 2);
      checkRecording(recording, LIMIT, here);
    }
  });

  it('inside a REP', () => {
    const recording = new Recording(sample('rep'));
    let before = -1n;
    let repeated = 0;
    saveWhere(
      recording,
      (machine) => {
        const rip = machine.linearRip();
        const isInside = rip === before;
        before = rip;
        return isInside && ++repeated % 500 === 0;
      },
      oneInstruction,
      3,
    );
    checkRecording(recording, LIMIT, here);
  });

  it('with input that the hypervisor has not noticed yet', () => {
    const recording = new Recording(sample('interrupts'));
    runTo(recording.machine, 50_000);
    while (!recording.machine.vmx.isNonRoot) assert.equal(recording.machine.run(1).reason, 'budget');
    recording.machine.sendSerial(0x41);
    recording.machine.pressPowerButton();
    recording.save();
    checkRecording(recording, LIMIT, here);
  });

  it('after the end', () => {
    const recording = new Recording(sample('hello'));
    const { reason } = recording.finish(LIMIT);
    recording.save();
    const [end] = here([recording.saved[0]!.snapshot], LIMIT);
    assert.equal(end!.reason, reason);
  });
});

describe("snapshots: Debian's kernel", function () {
  this.timeout(300_000);

  it('saved at 3 random counts of the first 100 M instructions, run on in a fresh process', async function () {
    const guest = linuxGuest(requireLab(this, await lab.kernel()).image, requireLab(this, await lab.initrd()));
    const random = randomFrom(11);
    const recording = new Recording(guest);
    const places = Array.from({ length: 3 }, () => 1 + Math.floor(random() * 100e6));
    for (const place of places.sort((a, b) => a - b)) {
      runTo(recording.machine, place);
      recording.save();
    }
    checkRecording(recording, 120e6);
  });
});
