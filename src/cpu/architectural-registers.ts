/**
 * The architectural registers as a list of names and values in fixed order: what a state hash covers, what a snapshot
 * names, and what a debugger may show.
 *
 * Source: SDM Vol. 1 3.4, Vol. 3A 2.1.
 */
import type { Core } from './core';
import { STATE } from './layout';
import { MSR_TABLE } from './msr-table';

/** One register: an unsigned value of at most 64 bits. */
export interface ArchitecturalRegister {
  readonly name: string;
  readonly value: bigint;
}

/** A register that can be written back as it was read. */
interface Slot {
  readonly name: string;
  readonly get: (cpu: Core) => bigint;
  readonly set: (cpu: Core, value: bigint) => void;
}

function quad(name: string, offset: number): Slot {
  return {
    name,
    get: ({ state }) => state.quad(offset),
    set: ({ state }, value) => state.setQuad(offset, value),
  };
}

function word(name: string, offset: number): Slot {
  return {
    name,
    get: ({ state }) => BigInt(state.word(offset)),
    set: ({ state }, value) => state.setWord(offset, Number(value)),
  };
}

const GENERAL = [
  'RAX',
  'RCX',
  'RDX',
  'RBX',
  'RSP',
  'RBP',
  'RSI',
  'RDI',
  'R8',
  'R9',
  'R10',
  'R11',
  'R12',
  'R13',
  'R14',
  'R15',
];
const SEGMENTS = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDTR', 'TR'];

function segmentSlots(name: string, number: number): Slot[] {
  const field = (key: 'selector' | 'limit' | 'rights'): Slot => ({
    name: `${name}.${key}`,
    get: ({ state }) => BigInt(state.segment(number)[key]),
    set: (cpu, value) => cpu.setSegment(number, { ...cpu.state.segment(number), [key]: Number(value) }),
  });
  const base: Slot = {
    name: `${name}.base`,
    get: ({ state }) => state.segmentBase(number),
    set: ({ state }, value) => state.setSegmentBase(number, value),
  };
  return [field('selector'), base, field('limit'), field('rights')];
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Registers in the state area. */
const STATE_SLOTS: readonly Slot[] = [
  ...GENERAL.map((name, number) => quad(name, STATE.general + number * 8)),
  quad('RIP', STATE.rip),
  {
    name: 'RFLAGS',
    get: ({ state }) => BigInt(state.rflags),
    set: ({ state }, value) => {
      state.rflags = Number(value);
    },
  },
  ...SEGMENTS.flatMap(segmentSlots),
  quad('GDTR.base', STATE.gdtr),
  word('GDTR.limit', STATE.gdtr + 8),
  quad('IDTR.base', STATE.idtr),
  word('IDTR.limit', STATE.idtr + 8),
  quad('CR0', STATE.cr0),
  quad('CR2', STATE.cr2),
  quad('CR3', STATE.cr3),
  quad('CR4', STATE.cr4),
  quad('IA32_EFER', STATE.efer),
  quad('XCR0', STATE.xcr0),
  ...range(4).map((index) => quad(`PDPTE${index}`, STATE.pdpte + index * 8)),
  ...range(4).map((index) => quad(`DR${index}`, STATE.debug + index * 8)),
  quad('DR6', STATE.dr6),
  quad('DR7', STATE.dr7),
  word('MXCSR', STATE.mxcsr),
  word('FCW', STATE.fpuControl),
  word('FSW', STATE.fpuStatus),
  word('FTW', STATE.fpuTag),
  word('FOP', STATE.fpuOpcode),
  quad('FIP', STATE.fpuIp),
  quad('FDP', STATE.fpuDp),
  word('FCS', STATE.fpuCs),
  word('FDS', STATE.fpuDs),
  ...range(8).flatMap((index) => [
    quad(`R${index}.significand`, STATE.fpu + index * 16),
    word(`R${index}.exponent`, STATE.fpu + index * 16 + 8),
  ]),
  ...range(16).flatMap((index) => [
    quad(`XMM${index}.low`, STATE.vector + index * 64),
    quad(`XMM${index}.high`, STATE.vector + index * 64 + 8),
  ]),
];

/** MSRs whose value lives in `storedMsrs` and can change. */
const STORED: readonly [number, string][] = [...MSR_TABLE]
  .filter(([, row]) => !row.read && row.write)
  .map(([index, row]): [number, string] => [index, row.name])
  .sort(([a], [b]) => a - b);

const MSR_SLOTS: readonly Slot[] = STORED.map(([index, name]) => ({
  name,
  get: ({ storedMsrs }) => storedMsrs.get(index) ?? 0n,
  set: ({ storedMsrs }, value) => void storedMsrs.set(index, value),
}));

const SLOTS: readonly Slot[] = [...STATE_SLOTS, ...MSR_SLOTS];

/** All architectural registers of the processor (not of its local APIC), always in the same order. */
export function architecturalRegisters(cpu: Core): ArchitecturalRegister[] {
  return SLOTS.map(({ name, get }) => ({ name, value: get(cpu) }));
}

/** Writes registers back by name; unknown names are a bug of the caller's. */
export function setArchitecturalRegisters(cpu: Core, values: Readonly<Record<string, bigint>>): void {
  for (const { name, set } of SLOTS) {
    const value = values[name];
    if (value !== undefined) set(cpu, value);
  }
}
