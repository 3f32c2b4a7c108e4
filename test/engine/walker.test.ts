// The emitted walker and its TLB against the reference walker, in every paging mode, over random tables that change
// between accesses: results, error codes, addresses, accessed and dirty flags.

import assert from 'node:assert/strict';
import { CR0, CR4, EFER } from '../../src/cpu/mode';
import { STATE } from '../../src/cpu/layout';
import { CURRENT } from '../../src/cpu/linear-memory';
import { GuestFault } from '../../src/cpu/signals';
import { Outcome } from '../../src/isa/slow';
import { seededRandom } from '../../src/isa/assemble/enumerate';
import type { Random } from '../../src/isa/assemble/enumerate';
import { ReferenceWalker } from './reference-walker';
import type { Paging, WalkAccess, WalkMode } from './reference-walker';
import { PAGE, Rig } from './rig';

const RAM = 4 << 20;
const TABLES = 0x10000;
const TABLE_PAGES = 48;
const PAGINGS: readonly Paging[] = ['off', '32-bit', 'PAE', '4-level'];

/** A page of the tables' region, mostly; anywhere in RAM, or beyond it. */
function randomFrame(random: Random): bigint {
  const kind = random() % 40;
  if (kind === 0) return BigInt(RAM + (random() % 64) * PAGE);
  if (kind < 6) return BigInt((random() % (RAM / PAGE)) * PAGE);
  return BigInt(TABLES + (random() % TABLE_PAGES) * PAGE);
}

function randomEntry(random: Random, paging: Paging): bigint {
  const likely = (bit: number, of: number): bigint => (random() % of !== 0 ? 1n << BigInt(bit) : 0n);
  const rarely = (bit: number, of: number): bigint => (random() % of === 0 ? 1n << BigInt(bit) : 0n);
  const isLarge = random() % 8 === 0;
  const large = isLarge ? 0x80n | (random() % 4 ? BigInt(random() & 1) << (paging === '32-bit' ? 22n : 21n) : 0n) : 0n;
  const frame = isLarge && random() % 6 !== 0 ? 0n : randomFrame(random);
  const flags = likely(0, 12) | likely(1, 4) | likely(2, 3) | BigInt(random() & 0xe78);
  const low = frame | large | (flags & ~0x80n) | (isLarge ? 0x80n : 0n);
  if (paging === '32-bit') return low & 0xffffffffn;
  return low | rarely(63, 8) | rarely(38, 60) | rarely(39, 60) | rarely(51, 60) | rarely(52 + (random() % 11), 20);
}

function fillTables(random: Random, bytes: Uint8Array, paging: Paging): void {
  const view = new DataView(bytes.buffer);
  for (let at = TABLES; at < TABLES + TABLE_PAGES * PAGE; at += paging === '32-bit' ? 4 : 8) {
    const entry = randomEntry(random, paging);
    if (paging === '32-bit') view.setUint32(at, Number(entry), true);
    else view.setBigUint64(at, entry, true);
  }
}

function randomLinear(random: Random, paging: Paging): bigint {
  const offset = BigInt((random() % 0x1fe) * 8);
  if (paging === 'off') return BigInt(random() % (RAM / PAGE - 1)) * 4096n + offset;
  const few = random() % 2 === 0; // few pages, so that the TLB is of use
  const index = (bits: number): bigint => BigInt(few ? [0, 1, (1 << bits) - 1][random() % 3]! : random() % (1 << bits));
  if (paging !== '4-level') return BigInt.asUintN(32, (index(10) << 22n) | (index(10) << 12n) | offset);
  const low = (index(9) << 39n) | (index(9) << 30n) | (index(9) << 21n) | (index(9) << 12n) | offset;
  return BigInt.asUintN(64, BigInt.asIntN(48, low));
}

function randomMode(random: Random, paging: Paging): WalkMode {
  const bit = (): boolean => random() % 2 === 0;
  return {
    paging,
    writeProtect: bit(),
    largePages: bit(),
    noExecute: bit(),
    smep: bit(),
    smap: bit(),
    alignment: bit(),
  };
}

function enter(rig: Rig, mode: WalkMode, user: boolean): void {
  const { paging } = mode;
  const long = paging === '4-level' ? EFER.LME | EFER.LMA : 0;
  rig.state.rflags = 2 | (mode.alignment ? 0x40000 : 0);
  rig.enter({
    bits: paging === '4-level' ? 64 : 32,
    cpl: user ? 3 : 0,
    cr0: (paging === 'off' ? 0 : CR0.PG) | (mode.writeProtect ? CR0.WP : 0),
    cr4:
      (paging === 'PAE' || paging === '4-level' ? CR4.PAE : 0) |
      (mode.largePages ? CR4.PSE : 0) |
      (mode.smep ? CR4.SMEP : 0) |
      (mode.smap ? CR4.SMAP : 0),
    efer: long | (mode.noExecute ? EFER.NXE : 0),
  });
}

/** What the machine makes of an access: the value read, or the error code. */
function attempt(rig: Rig, linear: bigint, { kind }: WalkAccess, value: bigint): string {
  if (kind === 'execute') {
    // A breakpoint there stops the run once the instruction is fetched and before it acts.
    rig.state.rip = linear;
    rig.interpreter.setBreakpoints([linear]);
    const outcome = rig.interpreter.run(1);
    rig.interpreter.setBreakpoints([]);
    if (outcome === Outcome.Stop) return 'fetched';
    assert.equal(outcome, Outcome.Fault);
    return faultText(rig.state.word(STATE.faultError), rig.state.quad(STATE.faultAddress));
  }
  try {
    if (kind === 'read') return `read ${rig.interpreter.read64(linear, CURRENT).toString(16)}`;
    rig.interpreter.write64(linear, value, CURRENT);
    return 'written';
  } catch (fault) {
    assert.ok(fault instanceof GuestFault);
    assert.equal(fault.vector, 14);
    return faultText(fault.errorCode!, fault.address!);
  }
}

const faultText = (error: number, address: bigint): string => `fault ${error.toString(16)} at ${address.toString(16)}`;

function expected(
  walker: ReferenceWalker,
  linear: bigint,
  access: WalkAccess,
  mode: WalkMode,
  value: bigint,
  roots: { cr3: bigint; pdptes: readonly bigint[] },
): string {
  const result = walker.walk(linear, access, mode, roots.cr3, roots.pdptes);
  if ('error' in result) return faultText(result.error, linear);
  const { physical } = result;
  const isRam = physical + 8 <= walker.bytes.length;
  const view = new DataView(walker.bytes.buffer);
  if (access.kind === 'execute') return 'fetched';
  if (access.kind === 'read')
    return `read ${(isRam ? view.getBigUint64(physical, true) : 2n ** 64n - 1n).toString(16)}`;
  if (isRam) view.setBigUint64(physical, value, true);
  return 'written';
}

describe('translation against a reference', () => {
  const rig = new Rig({ bytes: RAM });
  for (const paging of PAGINGS) {
    it(`${paging} paging`, () => {
      const outcomes = new Map<string, number>();
      for (let seed = 1; seed <= 60; seed++) {
        const random = seededRandom(seed * 7919);
        const walker = new ReferenceWalker(new Uint8Array(RAM));
        const filler = new Uint32Array(walker.bytes.buffer);
        for (let n = 0; n < filler.length; n += 64) filler[n] = random();
        fillTables(random, walker.bytes, paging);
        rig.memory.write(0, walker.bytes);
        const cr3 = BigInt(TABLES);
        const pdptes = Array.from({ length: 4 }, () => (randomFrame(random) & 0x3ff000n) | (random() % 8 ? 1n : 0n));
        rig.state.setQuad(STATE.cr3, cr3);
        pdptes.forEach((pdpte, n) => rig.state.setQuad(STATE.pdpte + n * 8, pdpte));
        const mode = randomMode(random, paging);
        let user = random() % 2 === 0;
        enter(rig, mode, user);
        for (let n = 0; n < 120; n++) {
          if (random() % 16 === 0) {
            user = !user;
            enter(rig, mode, user);
          }
          if (random() % 3 === 0) {
            const at = TABLES + (random() % 12) * PAGE + [0, 8, 0xff8, (random() % 512) * 8][random() % 4]!;
            const entry = randomEntry(random, paging);
            new DataView(walker.bytes.buffer).setBigUint64(at, entry, true);
            rig.memory.write64(at, entry);
          }
          const access: WalkAccess = { kind: (['read', 'read', 'write', 'execute'] as const)[random() % 4]!, user };
          // Sixteen bytes before a page's end any instruction fits: only one page is fetched from.
          const anywhere = randomLinear(random, paging);
          const linear = access.kind === 'execute' ? anywhere & ~0xfn : anywhere;
          const value = randomEntry(random, '4-level');
          const wanted = expected(walker, linear, access, mode, value, { cr3, pdptes });
          const got = attempt(rig, linear, access, value);
          const context = `seed ${seed}, access ${n}: ${JSON.stringify({ ...access, ...mode })} of ${linear.toString(16)}`;
          assert.equal(got, wanted, context);
          const outcome = wanted.startsWith('fault') ? wanted.split(' ', 2).join(' ') : wanted.split(' ')[0]!;
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        }
        assert.equal(Buffer.compare(rig.memory.window(0, RAM), walker.bytes), 0, `memory after seed ${seed}`);
      }
      for (const outcome of ['read', 'written', 'fetched']) assert.ok((outcomes.get(outcome) ?? 0) > 100, outcome);
      if (paging !== 'off') assert.ok(outcomes.size >= 9, [...outcomes].join(' '));
    });
  }
});
