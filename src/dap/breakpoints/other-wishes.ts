/** Breakpoints that are not in code: on data, and the exception filters. */
import { UserError } from '../../common/errors';
import type { ExpressionNames } from '../../symbols/expression/names';
import type { DataBreakpoint, Lack } from '../../targets/target';
import { exitConstant } from '../../targets/inspection/exit-variables';
import { lackingEvents } from '../errors';
import type { Images } from '../images/images';
import type { NewWish } from './breakpoint-store';
import { codeOf } from './code-wishes';
import { type EventFilter, FILTERS, PANIC_FUNCTIONS } from './event-filters';
import { type Conditions, parseConditions, unverified } from './wish';

const DATA_ID = /^(physical:)?(0x[0-9a-f]{1,16}),([0-9]{1,5})$/;
/** Most bytes of one data breakpoint. */
export const MAX_DATA_BYTES = 65_536;

/** The id of a data breakpoint for the wire. */
export const dataId = (linear: bigint, length: number): string => `0x${linear.toString(16)},${length}`;

/**
 * A breakpoint on data; `id` is `dataId`'s, or with `physical:` before it for what the hypervisor writes in the machine's
 * own memory. Throws a UserError for another one. */
export function dataWish(id: string, access: DataBreakpoint['access'], conditions: Conditions): NewWish {
  const match = DATA_ID.exec(id);
  const [linear, length] = match ? [BigInt(match[2]!), Number(match[3])] : [0n, 0];
  const space = match?.[1] === undefined ? {} : ({ space: 'physical' } as const);
  if (length < 1 || length > MAX_DATA_BYTES || linear + BigInt(length) > 1n << 64n)
    throw new UserError('breakpoint/data', `"${id.slice(0, 60)}" is no data id: ask "dataBreakpointInfo" for one.`);
  return {
    kind: 'data breakpoint',
    key: JSON.stringify([id, access, conditions]),
    resolve: (number, names) => ({
      told: { verified: true },
      data: [{ id: number, linear, ...space, length, access, ...parseConditions(conditions, names) }],
    }),
  };
}

/** Events of our hypervisor: a bare machine has none. */
const NEEDS_HYPERVISOR: ReadonlySet<EventFilter['id']> = new Set(['exit', 'mmio', 'portIo', 'msr']);

/** What a filter has to know of the session. */
interface FilteredSession {
  readonly images: Images;
  /** The machine has no hypervisor of ours. */
  readonly isBare: boolean;
  readonly lacks: ReadonlySet<Lack>;
}

/** A stop at an event. Throws a UserError for a filter that there is not. */
export function filterWish(session: FilteredSession, id: string, condition: string | undefined): NewWish {
  const filter = FILTERS.find((known) => known.id === id);
  if (!filter)
    throw new UserError(
      'breakpoint/filter',
      `There is no exception filter "${id.slice(0, 60)}": the filters are ${FILTERS.map((known) => known.id).join(', ')}.`,
    );
  const key = JSON.stringify([id, condition]);
  if (filter.id === 'panic')
    return { kind: 'panic', key, resolve: (number, names) => panic(session.images, number, names, condition) };
  const { id: kind } = filter;
  return {
    kind: 'event',
    key,
    resolve: (number, names) => {
      if (session.lacks.has('events')) return unverified(lackingEvents(), 'failed');
      if (session.isBare && NEEDS_HYPERVISOR.has(kind))
        return unverified('A bare machine has no hypervisor of ours to exit to: launch without "bare".', 'failed');
      const parsed = parseConditions({ condition }, withVariables(names, filter));
      return { told: { verified: true }, events: [{ id: number, kind, ...parsed }] };
    },
  };
}

function panic(images: Images, id: number, names: ExpressionNames, condition: string | undefined) {
  const places = PANIC_FUNCTIONS.flatMap((name) => codeOf(images, { pattern: name }));
  const linear = places.flatMap(({ image, link }) => image.linear(link) ?? []);
  if (linear.length === 0)
    return places.length > 0
      ? unverified("Waits until the kernel is in the guest's memory.", 'pending')
      : unverified('Needs the symbols of a Linux kernel: name its vmlinux as "symbols".', 'failed');
  const parsed = parseConditions({ condition }, names);
  return { told: { verified: true }, code: linear.map((address) => ({ id, linear: address, ...parsed })) };
}

function withVariables(names: ExpressionNames, { variables }: EventFilter): ExpressionNames {
  return {
    ...names,
    symbol: (name) => names.symbol(name),
    register: (name) => names.register(name),
    variables,
    constant: exitConstant,
  };
}
