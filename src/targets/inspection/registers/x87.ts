/**
 * The x87 registers: the stack by ST(i), control, status and full tag word, last instruction's pointers. Source: SDM
 * Vol. 1 8.1. Writing ST(i) leaves its tag alone; ES and B of the status word follow from its flags and the control word.
 */
import { F80 } from '../../../cpu/float/formats';
import { Kind } from '../../../cpu/float/value';
import { X87Unit } from '../../../cpu/fpu/x87-unit';
import { STATE } from '../../../cpu/layout';
import type { Machine } from '../../../machine/machine';
import type { RegisterCell } from './cell';
import { FCW_FIELDS, FSW_FIELDS, FTW_FIELDS, ST_FIELDS } from './fields';

const TAG = { valid: 0, zero: 1, special: 2, empty: 3 } as const;
const SIGNIFICAND_BITS = 64n;

const unitOf = ({ state }: Machine): X87Unit => new X87Unit(state);

/** Two bits for each physical register, from the abridged tags and the contents (SDM Vol. 1 8.1.7). */
function tagWord(unit: X87Unit): bigint {
  let word = 0;
  for (let number = 0; number < 8; number++) word |= tagOf(unit, number) << (2 * number);
  return BigInt(word);
}

function tagOf(unit: X87Unit, number: number): number {
  if (((unit.tags >> number) & 1) === 0) return TAG.empty;
  const { kind, denormal } = F80.unpack(unit.readPhysical(number));
  if (kind === Kind.Zero) return TAG.zero;
  return kind === Kind.Finite && !denormal ? TAG.valid : TAG.special;
}

/** The processor keeps "empty" alone; what else a tag says follows from the contents. */
function writeTagWord(unit: X87Unit, value: bigint): void {
  const word = Number(value);
  let tags = 0;
  for (let number = 0; number < 8; number++) if (((word >> (2 * number)) & 3) !== TAG.empty) tags |= 1 << number;
  unit.tags = tags;
}

function pointer(name: string, bits: number, offset: number): RegisterCell {
  return bits === 64
    ? { name, bits, read: ({ state }) => state.quad(offset), write: ({ state }, value) => state.setQuad(offset, value) }
    : {
        name,
        bits,
        read: ({ state }) => BigInt(state.word(offset)),
        write: ({ state }, value) => state.setWord(offset, Number(value)),
      };
}

/** The group x87. */
export const x87Cells: readonly RegisterCell[] = [
  ...Array.from({ length: 8 }, (_, i): RegisterCell => ({
    name: `ST(${i})`,
    bits: 80,
    fields: ST_FIELDS,
    names: [`st${i}`, ...(i === 0 ? ['st'] : [])],
    read: (machine) => {
      const { significand, signExponent } = unitOf(machine).read(i);
      return (BigInt(signExponent) << SIGNIFICAND_BITS) | significand;
    },
    write: (machine, value) => {
      const unit = unitOf(machine);
      const signExponent = Number(value >> SIGNIFICAND_BITS);
      unit.writePhysical(unit.physical(i), { significand: BigInt.asUintN(64, value), signExponent });
    },
  })),
  {
    name: 'FCW',
    bits: 16,
    fields: FCW_FIELDS,
    read: (machine) => BigInt(unitOf(machine).control),
    write: (machine, value) => void (unitOf(machine).control = Number(value)),
  },
  {
    name: 'FSW',
    bits: 16,
    fields: FSW_FIELDS,
    read: (machine) => BigInt(unitOf(machine).status),
    write: (machine, value) => {
      const unit = unitOf(machine);
      unit.status = Number(value);
      unit.summarize();
    },
  },
  {
    name: 'FTW',
    bits: 16,
    fields: FTW_FIELDS,
    read: (machine) => tagWord(unitOf(machine)),
    write: (machine, value) => writeTagWord(unitOf(machine), value),
  },
  pointer('FOP', 11, STATE.fpuOpcode),
  pointer('FIP', 64, STATE.fpuIp),
  pointer('FCS', 16, STATE.fpuCs),
  pointer('FDP', 64, STATE.fpuDp),
  pointer('FDS', 16, STATE.fpuDs),
];
