/**
 * The target's methods that travel, with the shapes of their arguments: what a client may call in a machine's process.
 * The table is tied to `Target` by its type.
 */
import type { MappingsQuery } from '../../protocol/mappings';
import type { ExitsQuery } from '../../protocol/exit';
import type {
  Expression,
  HitCondition,
  IntegerType,
  LogTemplate,
  PointerType,
  ValueType,
} from '../../symbols/expression/ast';
import type { MachineControl } from '../machine-control';
import {
  EVENT_KINDS,
  type BreakpointSet,
  type CodeBreakpoint,
  type DataBreakpoint,
  type EventBreakpoint,
  type Resume,
  type Target,
} from '../target';
import {
  bigint,
  bytes,
  either,
  flag,
  integer,
  kinds,
  later,
  list,
  object,
  oneOf,
  optional,
  text,
  type Check,
} from './shapes';

/** What travels: a target, and what a machine of ours does besides. */
export type Reachable = Target & MachineControl;

/** A method that both ends know by name. `onEvent`, `detach` and `dispose` are each connection's own. */
export type Method = Exclude<keyof Reachable, 'onEvent' | 'detach' | 'dispose'>;

/** Calls a method by its name, with arguments of any shape. */
export type Call = (method: string, args: readonly unknown[]) => Promise<unknown>;

type Checks<T extends readonly unknown[]> = { readonly [I in keyof T]: Check<T[I]> };

const space = oneOf('linear', 'guestPhysical', 'physical');
const walkSpace = oneOf('linear', 'guestPhysical');
const access = oneOf('read', 'write', 'execute');

const integerType = object<IntegerType>({ bits: oneOf(8, 16, 32, 64, 80, 128), signed: flag });
const pointerType: Check<PointerType> = object<PointerType>({ to: later(() => valueType), space });
const valueType: Check<ValueType> = either(integerType, pointerType);

const nested: Check<Expression> = later(() => expression);
const expression: Check<Expression> = kinds<Expression>({
  constant: { value: bigint, type: valueType, symbol: optional(text) },
  register: { name: text },
  variable: { name: text },
  dereference: { of: nested },
  addressOf: { of: nested },
  cast: { type: valueType, of: nested },
  unary: { operator: oneOf('-', '+', '~', '!'), of: nested },
  binary: {
    operator: oneOf('*', '/', '%', '+', '-', '<<', '>>', '<', '<=', '>', '>=', '==', '!=', '&', '^', '|', '&&', '||'),
    left: nested,
    right: nested,
  },
  choose: { test: nested, yes: nested, no: nested },
  in: { of: nested, among: list(nested) },
});

const hits = object<HitCondition>({ operator: oneOf('==', '>=', '>', '<', '<=', '%'), count: integer });
const log: Check<LogTemplate> = list(
  either(text, object<Exclude<LogTemplate[number], string>>({ expression, format: optional(oneOf('x', 'd', 's')) })),
);
const shared = { id: integer, condition: optional(expression), hits: optional(hits), log: optional(log) };

const resume = kinds<Resume>({
  continue: {},
  step: { skipInterrupts: optional(flag) },
  stepOver: {},
  stepRange: { start: bigint, end: bigint, over: flag },
  runTo: { linear: list(bigint), stackAbove: optional(bigint) },
  stepExit: { reasons: optional(list(text)) },
});

const breakpoints = object<BreakpointSet>({
  code: list(object<CodeBreakpoint>({ ...shared, linear: bigint })),
  data: list(
    object<DataBreakpoint>({
      ...shared,
      linear: bigint,
      space: optional(oneOf('physical')),
      length: integer,
      access: oneOf('read', 'write', 'readWrite'),
    }),
  ),
  events: list(object<EventBreakpoint>({ ...shared, kind: oneOf(...EVENT_KINDS) })),
  addressSpaces: flag,
});

const mappings = object<MappingsQuery>({
  space: walkSpace,
  start: optional((value): value is `0x${string}` => typeof value === 'string' && value.startsWith('0x')),
  count: optional(integer),
});

const exits = object<ExitsQuery>({
  start: optional(integer),
  count: optional(integer),
  reasons: optional(list(text)),
});

const ARGUMENTS: { readonly [M in Method]: Checks<Parameters<Reachable[M]>> } = {
  describe: [],
  state: [],
  threads: [],
  resume: [integer, resume],
  pause: [],
  setBreakpoints: [breakpoints],
  position: [integer],
  registerGroups: [integer],
  registers: [integer, text],
  writeRegister: [integer, text, text, bigint],
  evaluate: [integer, expression],
  readMemory: [integer, space, bigint, integer],
  writeMemory: [integer, space, bigint, bytes],
  walk: [integer, walkSpace, bigint, access],
  mappings: [integer, mappings],
  memoryMap: [],
  lastExit: [integer],
  exits: [exits],
  vmcs: [integer],
  devices: [],
  interrupts: [],
  sendSerial: [bytes],
  writeDevice: [text, text, bigint],
  saveSnapshot: [text],
  pressPowerButton: [],
};

/** The names of all methods that travel. */
export const METHODS = Object.keys(ARGUMENTS) as readonly Method[];

/** Whether this is a call of a target's method with arguments of its shape. */
export function isCall(method: string, args: readonly unknown[]): method is Method {
  if (!Object.hasOwn(ARGUMENTS, method)) return false;
  const checks: readonly Check<unknown>[] = ARGUMENTS[method as Method];
  return args.length === checks.length && checks.every((check, index) => check(args[index]));
}
