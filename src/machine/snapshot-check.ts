/**
 * Checks that decoded bytes have the form of a `MachineState`, so that a damaged or foreign snapshot is refused with a
 * sentence before any part of a machine sees it. The devices' states have versions of their own, which they check.
 *
 * What passes can still be a state that no guest reaches; it then runs as any other guest does, inside its machine.
 */
import { UserError } from '../common/errors';
import { MODE } from '../cpu/layout';
import { PAGE } from '../memory/plan';
import { machineBytes } from '../vmm/memory';
import type { BoardState } from './board';
import { MAX_RAM, MIN_RAM } from './layout';
import type { PlainData } from './plain-data';
import type { MachineState } from './snapshot';

/** Says whether a value is what is expected; the place of a wrong one is given by the caller. */
type Check = (value: PlainData) => string | undefined;

const wrong = (what: string): string => what;

const count: Check = (value) => (Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : wrong('no count'));
const integer: Check = (value) => (Number.isSafeInteger(value) ? undefined : wrong('no integer'));
const flag: Check = (value) => (typeof value === 'boolean' ? undefined : wrong('neither true nor false'));
const word: Check = (value) => count(value) ?? ((value as number) < 2 ** 32 ? undefined : wrong('wider than 32 bits'));
const quad: Check = (value) => (typeof value === 'bigint' ? undefined : wrong('no 64-bit value'));
const text: Check = (value) => (typeof value === 'string' ? undefined : wrong('no text'));
const tick: Check = (value) => (value === Infinity ? undefined : count(value));

const oneOf =
  (...values: readonly PlainData[]): Check =>
  (value) =>
    values.includes(value) ? undefined : wrong(`not one of ${values.join(', ')}`);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined ? undefined : check(value);
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) ? first(value.map((element, i) => at(String(i), check(element)))) : wrong('no list');
const words: Check = (value) => (value instanceof Uint32Array ? undefined : wrong('no list of words'));
const allOf =
  (...checks: readonly Check[]): Check =>
  (value) =>
    first(checks.map((check) => check(value)));

/** Fields with these names, and no others; one whose check allows `undefined` may be missing. */
const fields =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) => {
    if (!isFields(value)) return wrong('no fields');
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(checks, name));
    if (unknown !== undefined) return wrong(`${unknown} is unknown`);
    return first(Object.entries(checks).map(([name, check]) => at(name, check(value[name]))));
  };

/** Fields with any names. */
const record =
  (check: Check): Check =>
  (value) =>
    isFields(value) ? first(Object.entries(value).map(([name, field]) => at(name, check(field)))) : wrong('no fields');

function isFields(value: PlainData): value is { readonly [name: string]: PlainData } {
  return typeof value === 'object' && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function first(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}

function at(place: string, problem: string | undefined): string | undefined {
  return problem === undefined ? undefined : `${place}: ${problem}`;
}

const page: Check = (value) =>
  first([
    fields({ page: count, bytes: (bytes) => (bytes instanceof Uint8Array ? undefined : wrong('no bytes')) })(value),
  ]) ?? ((value as unknown as { bytes: Uint8Array }).bytes.length === PAGE ? undefined : wrong(`not ${PAGE} bytes`));

const emulation = fields({
  checks: list(text),
  taskSwitch: flag,
  pages: list(count),
  deliveryOnly: flag,
  undo: list(fields({ encoding: count, value: integer })),
});

const hypervisor = fields({
  version: oneOf(1),
  isHalted: flag,
  emulation: optional(emulation),
  unfinishedPages: list(count),
  emulator: fields({ active: optional(emulation), startedAt: count }),
  injection: fields({
    event: optional(fields({ information: word, errorCode: word, instructionLength: count })),
    nmiWaits: flag,
  }),
  eviction: fields({ mapped: list(count), next: tick }),
  exits: fields({ count, totals: list(count) }),
  pages: fields({ next: count, free: list(count) }),
  frames: fields({ frames: words, nextFrame: count, nextLarge: count }),
  openBus: optional(count),
  idleExits: count,
  exitsSeenAt: integer,
  line: flag,
  stopWanted: flag,
});

const event = fields({
  kind: text,
  vector: count,
  errorCode: optional(word),
  address: optional(quad),
  debugStatus: optional(word),
  setsResumeFlag: optional(flag),
  instructionLength: count,
});

const processor = fields({
  version: oneOf(1),
  registers: record(quad),
  interruptibility: fields({ sti: flag, movSs: flag, nmi: flag }),
  activity: oneOf('active', 'hlt', 'shutdown', 'mwait'),
  wakesOnMasked: flag,
  pendingDebug: word,
  vectoring: optional(event),
  held: optional(fields({ event, previous: optional(event), restarts: flag })),
  nmiUnblockedByIret: flag,
  tscOffset: quad,
  monitored: optional(quad),
  attention: word,
});

const machine = fields({
  version: oneOf(1),
  memoryBytes: allOf(count, (value) =>
    (value as number) >= MIN_RAM && (value as number) <= MAX_RAM && (value as number) % PAGE === 0
      ? undefined
      : wrong('not an amount of RAM'),
  ),
  bare: flag,
  pages: list(page),
  clock: fields({ instructions: count, skipped: count }),
  random: quad,
  vmx: fields({
    version: oneOf(1),
    vmxonPointer: integer,
    currentVmcs: integer,
    modeBits: oneOf(0, MODE.root, MODE.nonRoot),
    deadline: tick,
    monitorTrap: integer,
    tprBelowThreshold: flag,
    intercepts: word,
    eptRoot: word,
    eptDirty: word,
  }),
  processor,
  board: fields({ version: oneOf(1), devices: record(fieldsWithVersion), nmi: flag }),
  hypervisor: optional(hypervisor),
  vcpu: fields({ deliveries: count, stopWanted: flag }),
  ended: optional(fields({ reason: text, detail: optional(text), value: optional(count) })),
});

function fieldsWithVersion(value: PlainData): string | undefined {
  return isFields(value) && Number.isSafeInteger(value.version) ? undefined : wrong('no version');
}

/** The error for a snapshot that is whole and yet not one; `problem` says where and what. */
export function malformed(problem: string): UserError {
  return new UserError('snapshot/malformed', `The snapshot is malformed (${problem}): save it again.`);
}

/** Throws a `UserError` unless `value` has the form of a `MachineState` whose addresses lie in its machine. */
export function requireMachineState(value: PlainData): MachineState {
  const problem = machine(value);
  if (problem !== undefined) throw malformed(problem);
  const state = value as unknown as MachineState;
  const size = state.bare ? state.memoryBytes : machineBytes(state.memoryBytes);
  const misplaced = placement(state, size);
  if (misplaced !== undefined) throw malformed(misplaced);
  return state;
}

/**
 * Throws a `UserError` unless the devices of `state` have the form of those of `fresh`, a board's own. A device of
 * another version is left to its own complaint.
 */
export function requireBoardForm(fresh: BoardState, state: BoardState): void {
  for (const [name, model] of Object.entries(fresh.devices)) {
    const device = state.devices[name];
    if (!device) throw malformed(`board: ${name}: missing`);
    const problem = device.version === model.version ? sameForm(model, device as unknown as PlainData) : undefined;
    if (problem !== undefined) throw malformed(`board: ${name}: ${problem}`);
  }
}

/**
 * Values of the kinds that `model` has, in fields of the same names. Lists may be longer than the model's, and then go
 * on as it ends; what is undefined in one may be a number in the other.
 */
function sameForm(model: unknown, value: PlainData): string | undefined {
  if (model === undefined || value === undefined) {
    const present = model ?? value;
    return present === undefined || typeof present === 'number' ? undefined : wrong('missing');
  }
  if (Array.isArray(model)) {
    if (!Array.isArray(value) || value.length < model.length) return wrong('no list, or too short a one');
    const last = model.length - 1;
    if (last < 0) return first(value.map((one: PlainData, i) => at(String(i), sameForm(0, one))));
    return first(value.map((one: PlainData, i) => at(String(i), sameForm(model[Math.min(i, last)], one))));
  }
  if (model instanceof Uint8Array)
    return value instanceof Uint8Array && value.length === model.length ? undefined : wrong('not as many bytes');
  if (typeof model === 'object') {
    if (!isFields(value)) return wrong('no fields');
    const names = new Set([...Object.keys(model!), ...Object.keys(value)]);
    const models = model as Readonly<Record<string, unknown>>;
    return first([...names].map((name) => at(name, sameForm(models[name], value[name]))));
  }
  if (typeof model === 'string') return decimal(value);
  return typeof model === typeof value ? undefined : wrong(`no ${typeof model}`);
}

/** 64-bit values of devices are decimal strings. */
const decimal: Check = (value) =>
  typeof value === 'string' && /^\d{1,20}$/.test(value) ? undefined : wrong('no decimal number');

/** Everything that names machine memory names some that is there. */
function placement(state: MachineState, size: number): string | undefined {
  const frameCount = size / PAGE;
  const { hypervisor: own, vmx } = state;
  if (state.bare !== (own === undefined)) return 'hypervisor: there is one unless the machine is bare';
  if (state.pages.some(({ page: number }) => number >= frameCount)) return 'pages: one lies outside machine memory';
  if (vmx.eptRoot > size - PAGE) return 'vmx: eptRoot: outside machine memory';
  if (vmx.currentVmcs > size - PAGE || vmx.currentVmcs % PAGE > 0) return 'vmx: currentVmcs: outside machine memory';
  if (vmx.modeBits === MODE.nonRoot && vmx.currentVmcs < 0) return 'vmx: a guest runs without a VMCS';
  if (!own) return undefined;
  const ramPages = Math.ceil(state.memoryBytes / (512 * PAGE)) * 512;
  const { frames, nextFrame, nextLarge } = own.frames;
  if (frames.length !== ramPages) return 'hypervisor: frames: not as many as pages of RAM';
  if (frames.some((frame) => frame >= frameCount)) return 'hypervisor: frames: one lies outside machine memory';
  if (nextFrame > frameCount || nextLarge > frameCount) return 'hypervisor: frames: the next lies outside memory';
  if ([own.pages.next, ...own.pages.free].some((address) => address > size || address % PAGE !== 0))
    return 'hypervisor: pages: one lies outside machine memory';
  const { openBus = 0 } = own;
  if (openBus > size - PAGE || openBus % PAGE !== 0) return 'hypervisor: openBus: outside machine memory';
  return undefined;
}
