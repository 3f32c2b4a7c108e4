// What takes too long for `npm test`, on the boot of Debian's kernel: 1,000 breakpoints on never-taken instructions of the
// 100 hottest pages slow it by at most a tenth; 20 windows of 10,000 single steps, each with an interrupt, a page fault,
// an exit and a repetition, and a stretch of meddling of every kind lead to the state of the boot that ran through.
import { execFileSync } from 'node:child_process';
import type { Machine } from '../../src/machine/machine';
import { compoundAt } from '../../src/targets/own-machine/frame';
import type { CodeBreakpoint, Stop } from '../../src/targets/target';
import { hashOf, linuxGuest, randomFrom, runTo, start } from '../machine/runs';
import type { Guest } from '../machine/runs';
import { lab } from '../support/lab/lab';
import { isAbsent } from '../support/lab/missing';
import { TestDebugger } from '../targets/debugger';
import { meddlers, placesOf } from '../targets/own-machine/meddlers';
import { binary, number, register } from '../targets/own-machine/tiny';
import { neverTaken } from './never-taken';

const FOREVER = 2 ** 53;
const BREAKPOINTS = 1000;
const ROUNDS = 5;
const MOST_SLOWDOWN = 1.1;
const WINDOWS = 20;
const STEPS = 10_000;
const LEAST_RATE = 1000;
/** Where Linux has interrupts, user programs and page faults. */
const LIVELY = 300e6;
const STRETCH = 300e6;
const MEDDLINGS = 300;
const STRETCH_OF_A_TURN = 25e6;
const MOST_CONDITION_US = 50;

async function linux(): Promise<Guest> {
  const [kernel, initrd] = [await lab.kernel(), await lab.initrd()];
  if (isAbsent(kernel)) throw new Error(kernel.missing);
  if (isAbsent(initrd)) throw new Error(initrd.missing);
  return linuxGuest(kernel.image, initrd);
}

/** User CPU seconds of one boot in this process. */
function boot(guest: Guest, breakpoints: readonly bigint[]): { seconds: number; hash: string } {
  const machine = start(guest);
  machine.setBreakpoints(breakpoints);
  const before = process.cpuUsage();
  runTo(machine, FOREVER);
  const seconds = process.cpuUsage(before).user / 1e6;
  return { seconds, hash: hashOf(machine) };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

function breakpointsAreCheap(guest: Guest): boolean {
  const found = neverTaken(guest, FOREVER, BREAKPOINTS);
  console.log(`${found.length} never-taken instructions in ${new Set(found.map((at) => at >> 12n)).size} hot pages`);
  const runs = [[], found].map((breakpoints) => ({ breakpoints, seconds: [] as number[], hashes: new Set<string>() }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { breakpoints, seconds, hashes } of runs) {
      const answer = execFileSync(process.execPath, [__filename, JSON.stringify(breakpoints.map(String))]);
      const one = JSON.parse(answer.toString()) as ReturnType<typeof boot>;
      seconds.push(one.seconds);
      hashes.add(one.hash);
    }
  }
  const [without, with_] = runs.map(({ seconds }) => median(seconds)) as [number, number];
  const isSame = new Set(runs.flatMap(({ hashes }) => [...hashes])).size === 1;
  console.log(
    `boot, user CPU, medians of ${ROUNDS} in turn: ${without.toFixed(2)} s, with breakpoints ${with_.toFixed(2)} s`,
  );
  console.log(`  all: ${runs.map(({ seconds }) => seconds.map((one) => one.toFixed(1)).join(' ')).join(' | ')}`);
  console.log(`  ratio ${(with_ / without).toFixed(3)}; states ${isSame ? 'equal' : 'DIFFER'}`);
  return isSame && found.length === BREAKPOINTS && with_ <= without * MOST_SLOWDOWN;
}

/** Instruction counts at which windows begin that hold an interrupt, a page fault and an exit; ascending, apart. */
function livelyWindows(guest: Guest): number[] {
  const machine = start(guest);
  const random = randomFrom(20);
  const found: number[] = [];
  const last = { interrupt: -Infinity, fault: -Infinity };
  machine.observe({
    delivered: ({ kind, vector }) => {
      const now = machine.instructions;
      if (kind === 'external') last.interrupt = now;
      else if (kind === 'exception' && vector === 14) last.fault = now;
      else return false;
      const begin = Math.min(last.interrupt, last.fault) - 1 - Math.floor(random() * (STEPS / 4));
      const isWhole = now - begin < STEPS - 1 && begin > LIVELY && begin > (found.at(-1) ?? 0) + STEPS;
      if (isWhole) found.push(begin);
      return false;
    },
  });
  runTo(machine, FOREVER);
  return found;
}

/** `count` of them at random, in order. */
function chosen(all: readonly number[], count: number): number[] {
  const random = randomFrom(21);
  return [...all]
    .sort(() => random() - 0.5)
    .slice(0, count)
    .sort((a, b) => a - b);
}

async function stepsAreExact(guest: Guest): Promise<boolean> {
  // Some of them hold no repetition.
  const all = livelyWindows(guest);
  const windows = chosen(all, WINDOWS * 2);
  console.log(`${all.length} windows with an interrupt, a page fault and an exit`);
  const debugged = TestDebugger.of(guest);
  const through = start(guest);
  let held = 0;
  let isEqual = true;
  let steps = 0;
  let milliseconds = 0;
  for (const begin of windows) {
    if (held === WINDOWS) break;
    runTo(debugged.machine, begin);
    const places = new Set<bigint>();
    const from = performance.now();
    for (let i = 0; i < STEPS; i++) {
      places.add(debugged.at);
      await debugged.step();
    }
    milliseconds += performance.now() - from;
    steps += STEPS;
    if ([...places].some((linear) => compoundAt(debugged.machine, linear)?.kind === 'repeat')) held++;
    runTo(through, debugged.machine.instructions);
    if (hashOf(through) !== hashOf(debugged.machine)) {
      isEqual = false;
      console.log(`the window at ${begin} DIFFERS`);
    }
  }
  const rate = (steps / milliseconds) * 1000;
  console.log(
    `${held} windows of ${STEPS} steps with an interrupt, a #PF, an exit and a REP: ${isEqual ? 'equal' : 'NOT equal'}`,
  );
  console.log(`${rate.toFixed(0)} steps a second, looking at RIP before each`);
  return isEqual && held === WINDOWS && rate >= LEAST_RATE;
}

async function meddlingLeavesNothing(guest: Guest): Promise<boolean> {
  const places = placesOf(guest, STRETCH);
  const debugged = TestDebugger.of(guest);
  const random = randomFrom(8);
  const seen = new Map<string, number>();
  const turns = Object.values(meddlers);
  for (let turn = 0; debugged.machine.instructions < STRETCH; turn++) {
    let stop: Stop = { reason: 'pause' };
    const last = debugged.machine.instructions + STRETCH_OF_A_TURN;
    for (let i = 0; i < MEDDLINGS && debugged.machine.instructions < last; i++) {
      setTimeout(() => void debugged.target.pause(), 20).unref();
      stop = await debugged.go(await turns[turn % turns.length]!(debugged, random, stop, places));
      seen.set(stop.reason, (seen.get(stop.reason) ?? 0) + 1);
    }
    await debugged.set({});
    runTo(debugged.machine, debugged.machine.instructions + Math.floor(random() * 20e6));
  }
  const through = start(guest);
  runTo(through, debugged.machine.instructions);
  const isEqual = hashOf(through) === hashOf(debugged.machine);
  console.log(
    `meddling up to ${through.instructions} (${JSON.stringify([...seen])}): ${isEqual ? 'equal' : 'NOT equal'}`,
  );
  return isEqual;
}

async function conditionsAreCheap(guest: Guest): Promise<boolean> {
  const { code } = placesOf(guest, LIVELY);
  const counts = new Map<bigint, number>();
  for (const linear of code.slice(-100)) counts.set(linear, (counts.get(linear) ?? 0) + 1);
  const [hottest] = [...counts].sort((a, b) => b[1] - a[1])[0]!;
  const stack = {
    kind: 'cast',
    type: { to: { bits: 64, signed: false }, space: 'linear' },
    of: register('rsp'),
  } as const;
  const condition = binary(
    binary(register('rsp'), '!=', number(0)),
    '&&',
    binary({ kind: 'dereference', of: stack }, '==', number(0x1234_5678_9abc)),
  );
  const breakpoint: CodeBreakpoint = { id: 1, linear: hottest, condition };
  let met = 0;
  const time = async (set: (machine: Machine) => void, breakpoints: readonly CodeBreakpoint[]): Promise<number> => {
    const debugged = TestDebugger.of(guest);
    runTo(debugged.machine, LIVELY - 20e6);
    await debugged.set({ code: breakpoints });
    set(debugged.machine);
    const before = process.cpuUsage();
    runTo(debugged.machine, LIVELY);
    return process.cpuUsage(before).user;
  };
  const plain = await time(() => {}, []);
  const conditional = await time(() => {}, [breakpoint]);
  await time((machine) => machine.observe({ breakpoint: () => (met++, false) }), [breakpoint]);
  const each = (conditional - plain) / met;
  console.log(`a condition with a register and memory that does not hold: ${each.toFixed(1)} us, met ${met} times`);
  return met > 100 && each < MOST_CONDITION_US;
}

async function main(): Promise<void> {
  const guest = await linux();
  const [argument] = process.argv.slice(2);
  if (argument !== undefined) {
    console.log(JSON.stringify(boot(guest, (JSON.parse(argument) as string[]).map(BigInt))));
    return;
  }
  const results = [
    await stepsAreExact(guest),
    await meddlingLeavesNothing(guest),
    await conditionsAreCheap(guest),
    breakpointsAreCheap(guest),
  ];
  process.exitCode = results.every(Boolean) ? 0 : 1;
}

main().catch((error: Error) => {
  console.error(error.stack);
  process.exitCode = 1;
});
