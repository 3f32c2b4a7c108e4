/**
 * The registers of a vCPU as a debugger shows them, with their fields. Sources: SDM Vol. 1 3.4 (general registers,
 * RFLAGS), Vol. 3A 2.5 (control registers), 2.2.1 (EFER), 3.4.5 and Vol. 3C 25.4.1 (segments).
 *
 * NOT IMPLEMENTED: debug registers, MSRs, x87 and vector registers.
 */
import { STATE } from '../cpu/layout';
import { CR0, CR4, EFER, EFLAGS } from '../cpu/mode';
import type { ProcessorState } from '../cpu/state';
import type { Register, RegisterField } from './target';

const GENERAL = ['RAX', 'RCX', 'RDX', 'RBX', 'RSP', 'RBP', 'RSI', 'RDI'] as const;
const SEGMENTS = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDTR', 'TR'] as const;

/** One-bit fields of masks by name; masks of several bits become one field. */
function fieldsOf(masks: Readonly<Record<string, number>>): RegisterField[] {
  return Object.entries(masks).map(([name, mask]) => ({
    name,
    high: 31 - Math.clz32(mask),
    low: 31 - Math.clz32(mask & -mask),
  }));
}

const FLAG_FIELDS = fieldsOf(EFLAGS);
const CR0_FIELDS = fieldsOf(CR0);
const CR4_FIELDS = fieldsOf(CR4);
const EFER_FIELDS = fieldsOf(EFER);

const RIGHTS_FIELDS: readonly RegisterField[] = [
  { name: 'type', high: 3, low: 0 },
  { name: 'S', high: 4, low: 4, meaning: 'code or data' },
  { name: 'DPL', high: 6, low: 5 },
  { name: 'P', high: 7, low: 7 },
  { name: 'AVL', high: 12, low: 12 },
  { name: 'L', high: 13, low: 13, meaning: '64-bit code' },
  { name: 'D/B', high: 14, low: 14 },
  { name: 'G', high: 15, low: 15 },
  { name: 'unusable', high: 16, low: 16 },
];

/** All registers, in the order in which they are shown. Reading has no side effects. */
export function describeRegisters(state: ProcessorState): Register[] {
  return [...general(state), flags(state), ...segments(state), ...control(state)];
}

function general(state: ProcessorState): Register[] {
  const named = Array.from({ length: 16 }, (_, number) => ({
    group: 'General',
    name: GENERAL[number] ?? `R${number}`,
    value: state.general(number),
    bits: 64,
  }));
  return [...named, { group: 'General', name: 'RIP', value: state.rip, bits: 64 }];
}

function flags(state: ProcessorState): Register {
  return { group: 'Flags', name: 'RFLAGS', value: BigInt(state.rflags >>> 0), bits: 64, fields: FLAG_FIELDS };
}

function segments(state: ProcessorState): Register[] {
  const group = 'Segments';
  const records = SEGMENTS.flatMap((name, number): Register[] => {
    const { selector, base, limit, rights } = state.segment(number);
    return [
      { group, name, value: BigInt(selector), bits: 16 },
      { group, name: `${name} base`, value: base, bits: 64 },
      { group, name: `${name} limit`, value: BigInt(limit), bits: 32 },
      { group, name: `${name} rights`, value: BigInt(rights), bits: 32, fields: RIGHTS_FIELDS },
    ];
  });
  const tables = (['GDTR', 'IDTR'] as const).flatMap((name, index): Register[] => {
    const at = [STATE.gdtr, STATE.idtr][index]!;
    return [
      { group, name: `${name} base`, value: state.quad(at), bits: 64 },
      { group, name: `${name} limit`, value: BigInt(state.word(at + 8)), bits: 16 },
    ];
  });
  return [...records, ...tables];
}

function control(state: ProcessorState): Register[] {
  const register = (name: string, offset: number, fields?: readonly RegisterField[]): Register => ({
    group: 'Control',
    name,
    value: state.quad(offset),
    bits: 64,
    ...(fields && { fields }),
  });
  return [
    register('CR0', STATE.cr0, CR0_FIELDS),
    register('CR2', STATE.cr2),
    register('CR3', STATE.cr3),
    register('CR4', STATE.cr4, CR4_FIELDS),
    register('EFER', STATE.efer, EFER_FIELDS),
    register('XCR0', STATE.xcr0),
  ];
}
