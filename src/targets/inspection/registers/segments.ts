/**
 * Segment registers with their hidden parts, GDTR and IDTR. Source: SDM Vol. 3A 2.4, 3.4.2, 3.4.3, 20.1.1, 20.2.1.
 *
 * In real-address and virtual-8086 mode an edit of a selector loads the segment register as a MOV would: the base follows.
 * In protected mode and IA-32e mode it changes the visible part alone and reads no descriptor: base, limit and access
 * rights are registers of their own here.
 */
import { MODE, STATE } from '../../../cpu/layout';
import { F, GUEST_SEGMENTS } from '../../../cpu/vmx/vmcs-layout';
import type { VmcsField } from '../../../cpu/vmx/vmcs-layout';
import type { Machine } from '../../../machine/machine';
import { editField, editGuest } from '../edit-guest';
import type { RegisterCell } from './cell';
import { ACCESS_RIGHTS_FIELDS, SELECTOR_FIELDS } from './fields';

/** ES to GS; LDTR and TR hold no segments of code or data. */
const CODE_AND_DATA = 6;

/** True outside protected mode and in virtual-8086 mode: selectors are paragraph numbers. */
function usesParagraphs({ state }: Machine): boolean {
  return (state.word(STATE.mode) & (MODE.protected | MODE.virtual8086)) !== MODE.protected;
}

function part(
  name: string,
  kind: 'base' | 'limit' | 'access rights',
  field: VmcsField,
  bits: number,
  read: RegisterCell['read'],
): RegisterCell {
  const full = `${name} ${kind}`;
  const short = `${name.toLowerCase()}.${kind === 'access rights' ? 'rights' : kind}`;
  return {
    name: full,
    bits,
    names: [short, short.replace('.', '_')],
    read,
    write: editField(field, full),
    ...(kind === 'access rights' && { fields: ACCESS_RIGHTS_FIELDS }),
  };
}

const segments = GUEST_SEGMENTS.flatMap(({ register, selector, base, limit, accessRights }, number): RegisterCell[] => [
  {
    name: register,
    bits: 16,
    fields: SELECTOR_FIELDS,
    read: ({ state }) => BigInt(state.selector(number)),
    write: (machine, value) => {
      const changes = new Map([[selector, value]]);
      if (number < CODE_AND_DATA && machine.asGuest(() => usesParagraphs(machine))) changes.set(base, value << 4n);
      editGuest(machine, register, value, changes);
    },
  },
  part(register, 'base', base, 64, ({ state }) => state.segmentBase(number)),
  part(register, 'limit', limit, 32, ({ state }) => BigInt(state.segmentLimit(number))),
  part(register, 'access rights', accessRights, 32, ({ state }) => BigInt(state.segmentRights(number))),
]);

const tables = (['GDTR', 'IDTR'] as const).flatMap((name): RegisterCell[] => {
  const at = name === 'GDTR' ? STATE.gdtr : STATE.idtr;
  return [
    part(name, 'base', F[`GUEST_${name}_BASE`], 64, ({ state }) => state.quad(at)),
    part(name, 'limit', F[`GUEST_${name}_LIMIT`], 16, ({ state }) => BigInt(state.word(at + 8))),
  ];
});

/** The group Segments. */
export const segmentCells: readonly RegisterCell[] = [...segments, ...tables];
