/**
 * VM-entry checks on guest segment registers. Source: SDM Vol. 3C 27.3.1.2. A register is usable if its unusable bit is
 * 0; the guest is virtual-8086 if RFLAGS.VM = 1.
 */
import { CR0, EFLAGS, RIGHTS } from '../../mode';
import type { VmcsView } from '../vmcs';
import { F, GUEST_SEGMENTS } from '../vmcs-layout';
import type { GuestSegmentFields } from '../vmcs-layout';
import { has, isCanonical, isIa32e, isUnrestricted, rulesOf, SECONDARY_FIELDS } from './rule';
import type { EntryRule } from './rule';

const ACCESSED = 1;
const READABLE = 2;
const L_AND_DB = RIGHTS.long | RIGHTS.big;

const make = rulesOf('guest', '27.3.1.2');
const segment = Object.fromEntries(GUEST_SEGMENTS.map((fields) => [fields.register, fields])) as Record<
  GuestSegmentFields['register'],
  GuestSegmentFields
>;
const { ES, CS, SS, DS, FS, GS, LDTR, TR } = segment;
const CODE_AND_DATA = [CS, SS, DS, ES, FS, GS];
const DATA = [DS, ES, FS, GS];

const name = ({ register }: GuestSegmentFields, check: string): string => `guest-${register.toLowerCase()}-${check}`;
const isVirtual8086 = (v: VmcsView): boolean => has(v, F.GUEST_RFLAGS, EFLAGS.VM);
const isUsable = (v: VmcsView, { accessRights }: GuestSegmentFields): boolean => !has(v, accessRights, RIGHTS.unusable);
const type = (v: VmcsView, { accessRights }: GuestSegmentFields): number => v.low(accessRights) & RIGHTS.typeMask;
const dpl = (v: VmcsView, { accessRights }: GuestSegmentFields): number => (v.low(accessRights) >> RIGHTS.dplShift) & 3;
const rpl = (v: VmcsView, { selector }: GuestSegmentFields): number => v.low(selector) & 3;

const selectorRules: readonly EntryRule[] = [
  make('guest-tr-selector.ti', [TR.selector], (v) => !has(v, TR.selector, 4)),
  make(
    'guest-ldtr-selector.ti',
    [LDTR.selector, LDTR.accessRights],
    (v) => !isUsable(v, LDTR) || !has(v, LDTR.selector, 4),
  ),
  make(
    'guest-ss-selector.rpl',
    [SS.selector, CS.selector, F.GUEST_RFLAGS, ...SECONDARY_FIELDS],
    (v) => isVirtual8086(v) || isUnrestricted(v) || rpl(v, SS) === rpl(v, CS),
  ),
];

const baseRules: readonly EntryRule[] = [
  ...CODE_AND_DATA.map((s) =>
    make(name(s, 'base.virtual-8086'), [s.base, s.selector, F.GUEST_RFLAGS], (v) => {
      return !isVirtual8086(v) || (v.high(s.base) === 0 && v.low(s.base) === v.low(s.selector) * 16);
    }),
  ),
  ...[TR, FS, GS].map((s) => make(name(s, 'base.canonical'), [s.base], (v) => isCanonical(v, s.base))),
  make(
    'guest-ldtr-base.canonical',
    [LDTR.base, LDTR.accessRights],
    (v) => !isUsable(v, LDTR) || isCanonical(v, LDTR.base),
  ),
  make('guest-cs-base.upper-half', [CS.base], (v) => v.high(CS.base) === 0),
  ...[SS, DS, ES].map((s) =>
    make(name(s, 'base.upper-half'), [s.base, s.accessRights], (v) => !isUsable(v, s) || v.high(s.base) === 0),
  ),
];

const virtual8086Rules: readonly EntryRule[] = CODE_AND_DATA.flatMap((s) => [
  make(name(s, 'limit.virtual-8086'), [s.limit, F.GUEST_RFLAGS], (v) => !isVirtual8086(v) || v.low(s.limit) === 0xffff),
  make(
    name(s, 'access-rights.virtual-8086'),
    [s.accessRights, F.GUEST_RFLAGS],
    (v) => !isVirtual8086(v) || v.low(s.accessRights) === 0xf3,
  ),
]);

/** True if the separate checks on access rights of CS to GS do not apply. */
const isExempt = (v: VmcsView, s: GuestSegmentFields): boolean => isVirtual8086(v) || (s !== CS && !isUsable(v, s));

const typeRules: readonly EntryRule[] = [
  make('guest-cs-access-rights.type', [CS.accessRights, F.GUEST_RFLAGS, ...SECONDARY_FIELDS], (v) => {
    const isAccessedCode = (type(v, CS) & (RIGHTS.code | ACCESSED)) === (RIGHTS.code | ACCESSED);
    return isVirtual8086(v) || isAccessedCode || (isUnrestricted(v) && type(v, CS) === 3);
  }),
  make(
    'guest-ss-access-rights.type',
    [SS.accessRights, F.GUEST_RFLAGS],
    (v) => isExempt(v, SS) || type(v, SS) === 3 || type(v, SS) === 7,
  ),
  ...DATA.flatMap((s) => [
    make(
      name(s, 'access-rights.accessed'),
      [s.accessRights, F.GUEST_RFLAGS],
      (v) => isExempt(v, s) || (type(v, s) & ACCESSED) !== 0,
    ),
    make(
      name(s, 'access-rights.readable'),
      [s.accessRights, F.GUEST_RFLAGS],
      (v) => isExempt(v, s) || (type(v, s) & RIGHTS.code) === 0 || (type(v, s) & READABLE) !== 0,
    ),
  ]),
];

const CS_DPL_FIELDS = [CS.accessRights, SS.accessRights, F.GUEST_RFLAGS];

const dplRules: readonly EntryRule[] = [
  make(
    'guest-cs-access-rights.dpl-data',
    [CS.accessRights, F.GUEST_RFLAGS],
    (v) => isVirtual8086(v) || type(v, CS) !== 3 || dpl(v, CS) === 0,
  ),
  make(
    'guest-cs-access-rights.dpl-non-conforming',
    CS_DPL_FIELDS,
    (v) => isVirtual8086(v) || (type(v, CS) & 0xc) !== 8 || dpl(v, CS) === dpl(v, SS),
  ),
  make(
    'guest-cs-access-rights.dpl-conforming',
    CS_DPL_FIELDS,
    (v) => isVirtual8086(v) || (type(v, CS) & 0xc) !== 0xc || dpl(v, CS) <= dpl(v, SS),
  ),
  make(
    'guest-ss-access-rights.dpl-equals-rpl',
    [SS.accessRights, SS.selector, F.GUEST_RFLAGS, ...SECONDARY_FIELDS],
    (v) => isVirtual8086(v) || isUnrestricted(v) || dpl(v, SS) === rpl(v, SS),
  ),
  make(
    'guest-ss-access-rights.dpl-zero',
    [SS.accessRights, CS.accessRights, F.GUEST_CR0, F.GUEST_RFLAGS],
    (v) => isVirtual8086(v) || (type(v, CS) !== 3 && has(v, F.GUEST_CR0, CR0.PE)) || dpl(v, SS) === 0,
  ),
  ...DATA.map((s) =>
    make(
      name(s, 'access-rights.dpl'),
      [s.accessRights, s.selector, F.GUEST_RFLAGS, ...SECONDARY_FIELDS],
      (v) => isExempt(v, s) || isUnrestricted(v) || type(v, s) >= 12 || dpl(v, s) >= rpl(v, s),
    ),
  ),
];

/** The granularity rules, which all segment registers share. */
function granularityRules(
  s: GuestSegmentFields,
  exempt: (v: VmcsView) => boolean,
  also: EntryRule['fields'],
): EntryRule[] {
  const fields = [s.accessRights, s.limit, ...also];
  return [
    make(
      name(s, 'access-rights.granularity-low'),
      fields,
      (v) => exempt(v) || !has(v, s.accessRights, RIGHTS.granularity) || (v.low(s.limit) & 0xfff) === 0xfff,
    ),
    make(
      name(s, 'access-rights.granularity-high'),
      fields,
      (v) => exempt(v) || has(v, s.accessRights, RIGHTS.granularity) || v.low(s.limit) < 2 ** 20,
    ),
  ];
}

/** The rules on single bits of the access rights. */
function bitRules(
  s: GuestSegmentFields,
  s1: boolean,
  exempt: (v: VmcsView) => boolean,
  also: EntryRule['fields'],
): EntryRule[] {
  const fields = [s.accessRights, ...also];
  return [
    make(name(s, 'access-rights.s'), fields, (v) => exempt(v) || has(v, s.accessRights, RIGHTS.nonSystem) === s1),
    make(name(s, 'access-rights.p'), fields, (v) => exempt(v) || has(v, s.accessRights, RIGHTS.present)),
    make(name(s, 'access-rights.reserved-11-8'), fields, (v) => exempt(v) || !has(v, s.accessRights, 0xf00)),
    ...granularityRules(s, exempt, also),
    make(name(s, 'access-rights.reserved-31-17'), fields, (v) => exempt(v) || !has(v, s.accessRights, 0xfffe_0000)),
  ];
}

const systemRules: readonly EntryRule[] = [
  make('guest-tr-access-rights.type', [TR.accessRights, F.ENTRY_CONTROLS], (v) => {
    return type(v, TR) === 11 || (!isIa32e(v) && type(v, TR) === 3);
  }),
  ...bitRules(TR, false, () => false, []),
  make('guest-tr-access-rights.unusable', [TR.accessRights], (v) => isUsable(v, TR)),
  make('guest-ldtr-access-rights.type', [LDTR.accessRights], (v) => !isUsable(v, LDTR) || type(v, LDTR) === 2),
  ...bitRules(LDTR, false, (v) => !isUsable(v, LDTR), []),
];

/** The checks of 27.3.1.2. */
export const guestSegmentRules: readonly EntryRule[] = [
  ...selectorRules,
  ...baseRules,
  ...virtual8086Rules,
  ...typeRules,
  ...dplRules,
  ...CODE_AND_DATA.flatMap((s) => bitRules(s, true, (v) => isExempt(v, s), [F.GUEST_RFLAGS])),
  make(
    'guest-cs-access-rights.l-and-db',
    [CS.accessRights, F.ENTRY_CONTROLS, F.GUEST_RFLAGS],
    (v) => isVirtual8086(v) || !isIa32e(v) || (v.low(CS.accessRights) & L_AND_DB) !== L_AND_DB,
  ),
  ...systemRules,
];
