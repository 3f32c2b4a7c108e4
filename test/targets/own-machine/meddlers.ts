// Ways in which a debugger can meddle with a run, at random but the same each time: none of them may leave a footprint.
import assert from 'node:assert/strict';
import { EVENT_KINDS } from '../../../src/targets/target';
import type { Resume, Stop } from '../../../src/targets/target';
import { fingerprint, randomFrom, runTo, start } from '../../machine/runs';
import type { Fingerprint, Guest } from '../../machine/runs';
import { TestDebugger } from '../debugger';
import { binary, number, register } from './tiny';

export type Random = () => number;
/** Sets breakpoints and goes on, again and again; `stop` is the last one. */
export type Meddle = (guest: TestDebugger, random: Random, stop: Stop, places: Places) => Promise<Resume>;

const CONTINUE: Resume = { kind: 'continue' };
const EXIT_KINDS: readonly string[] = ['exit', 'mmio', 'portIo', 'msr'];

/** Where a guest has been: RIP and RSP, linear, now and then. */
export interface Places {
  readonly code: readonly bigint[];
  readonly stack: readonly bigint[];
}

const SAMPLES = 300;

/** Runs a guest through `instructions` and notes where it is. */
export function placesOf(guest: Guest, instructions: number): Places {
  const machine = start(guest);
  const code: bigint[] = [];
  const stack: bigint[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    if (runTo(machine, machine.instructions + Math.ceil(instructions / SAMPLES)).reason !== 'budget') break;
    code.push(machine.linearRip());
    stack.push(machine.asGuest(() => machine.state.general(4)));
  }
  return { code, stack };
}

const pick = <T>(all: readonly T[], random: Random): T => all[Math.floor(random() * all.length)]!;

/** By name. */
export const meddlers: Readonly<Record<string, Meddle>> = {
  'breakpoints with and without conditions': async (guest, random, _, { code }) => {
    const breakpoints = Array.from({ length: 20 }, (_, id) => ({
      id,
      linear: pick(code, random),
      ...(id > 1 && { condition: binary(register('rax'), '==', number(id)) }),
    }));
    await guest.set({ code: breakpoints });
    return random() < 0.5 ? { kind: 'step' } : CONTINUE;
  },
  'data breakpoints': async (guest, random, _, { stack }) => {
    const data = [1, 2].map((id) => ({
      id,
      linear: pick(stack, random) & ~0xfn,
      length: 16,
      access: pick(['read', 'write', 'readWrite'] as const, random),
    }));
    await guest.set({ data });
    return random() < 0.1 ? { kind: 'step' } : CONTINUE;
  },
  'every event': async (guest, random, stop) => {
    const { bare } = await guest.target.describe();
    const kinds = EVENT_KINDS.filter((kind) => !bare || !EXIT_KINDS.includes(kind));
    const all = random() < 0.7;
    const events = kinds.map((kind, id) => ({ id, kind })).filter(({ kind }) => all || kind === 'exception');
    await guest.set({ events, addressSpaces: all });
    if (stop.reason === 'exception' && random() < 0.5) {
      const bytes = await guest.target.readMemory(1, 'linear', guest.at, 1);
      await guest.target.writeMemory(1, 'linear', guest.at, bytes);
    }
    return random() < 0.2 ? { kind: 'step' } : CONTINUE;
  },
  'every kind of step': async (guest, random) => {
    const { linear } = await guest.target.position(1);
    const end = BigInt.asUintN(64, linear + 24n);
    const kinds: readonly Resume[] = [
      { kind: 'step' },
      { kind: 'stepOver' },
      { kind: 'stepRange', start: linear, end, over: random() < 0.5 },
      { kind: 'runTo', linear: [end, linear] },
      ...(guest.machine.exits ? [{ kind: 'stepExit' } as const] : []),
    ];
    return kinds[Math.floor(random() * kinds.length)]!;
  },
  pauses: async (guest, random) => {
    setTimeout(() => void guest.target.pause(), random() * 8);
    return CONTINUE;
  },
};

/** Stops after which the guest runs through: enough of a kind has been seen. */
const ENOUGH = 1000;

/** Runs a guest to its end under a debugger that meddles; counts the stops by reason in `seen`. */
export async function meddled(
  guest: Guest,
  meddle: Meddle,
  places: Places,
  seen: Map<string, number>,
): Promise<Fingerprint> {
  const debugged = TestDebugger.of(guest);
  const random = randomFrom(3);
  let stop: Stop = { reason: 'pause' };
  for (let stops = 0; stop.reason !== 'ended' && stops < ENOUGH; stops++) {
    stop = await debugged.go(await meddle(debugged, random, stop, places));
    seen.set(stop.reason, (seen.get(stop.reason) ?? 0) + 1);
  }
  await debugged.set({});
  if (stop.reason !== 'ended') stop = await debugged.go();
  assert.ok(stop.reason === 'ended', stop.reason);
  return fingerprint(debugged.machine, stop.end.reason);
}
