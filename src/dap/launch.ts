/**
 * The launch and attach attributes, once: these tables are the schema in package.json (a test compares them), the check of
 * what a client sends, and the README's reference.
 */
import type { MachineSettings, Pace } from '../targets/machine-settings';
import type { Arguments } from './arguments';
import { badAttribute, unknownAttribute, whatToAttachTo } from './errors';
import { DEBUG_FOLDERS } from './images/debug-files';
import type { AttachPlace } from './target-maker';

type AttributeType = 'string' | 'boolean' | 'integer' | 'array' | 'object';

/** One attribute as a JSON schema. */
export interface Attribute {
  readonly type: AttributeType | readonly AttributeType[];
  /** What an array holds, and what the properties of an object are. */
  readonly items?: { readonly type: 'string' };
  readonly additionalProperties?: { readonly type: 'string' };
  readonly enum?: readonly string[];
  readonly enumDescriptions?: readonly string[];
  readonly default?: string | boolean | number | readonly string[];
  readonly description: string;
}

const SYMBOL_ATTRIBUTES = {
  symbols: {
    type: ['string', 'array'],
    items: { type: 'string' },
    description:
      "ELF files with the guest's symbols and debug information, such as vmlinux, and modules (.ko) that Linux loads. Without them the kernel's own: an ELF's, or those that a stock Linux kernel carries for itself. A kernel that moves itself (KASLR) and modules are found in memory.",
  },
  sourceMap: {
    type: 'object',
    additionalProperties: { type: 'string' },
    description:
      'Where sources lie: prefixes of the paths in debug information, and the folders that stand for them here.',
  },
  debugFolders: {
    type: 'array',
    items: { type: 'string' },
    default: DEBUG_FOLDERS,
    description:
      'Where debug files of the kernel (if no symbols are named) and of its modules are looked for by build-id. Beside the kernel and in its build tree they are found, too.',
  },
} as const satisfies Readonly<Record<string, Attribute>>;

const STEPPING_ATTRIBUTES = {
  skipInterrupts: {
    type: 'boolean',
    default: true,
    description:
      'What interrupts an instruction, or handles its faults, runs to its return while you step. False: steps lead into it.',
  },
} as const satisfies Readonly<Record<string, Attribute>>;

/** Every launch attribute of ours. */
export const LAUNCH_ATTRIBUTES = {
  kernel: {
    type: 'string',
    description: 'The guest: a Linux bzImage, an ELF (PVH, Multiboot 1 and 2) or a Multiboot image.',
  },
  initrd: { type: 'string', description: 'Initial RAM disk of a Linux kernel, or the first module of another kernel.' },
  cmdline: { type: 'string', description: 'Kernel command line.' },
  ...SYMBOL_ATTRIBUTES,
  memory: { type: 'string', default: '256M', description: 'RAM, from 2M to 3G, with K, M or G.' },
  stopOnEntry: { type: 'boolean', default: false, description: "Stop before the guest's first instruction." },
  ...STEPPING_ATTRIBUTES,
  console: {
    type: 'string',
    enum: ['terminal', 'debugConsole'],
    enumDescriptions: ['A terminal of its own, which takes keys.', 'The debug console, output only.'],
    default: 'terminal',
    description: "Where the guest's serial line appears.",
  },
  bare: {
    type: 'boolean',
    default: false,
    description:
      "Run without VMXray's hypervisor: the guest has VMX root operation to itself. There are no VM exits of ours then.",
  },
  rtc: {
    type: 'string',
    description: 'The clock at start: "now", or an ISO time. Without it a constant, so that every run is the same.',
  },
  seed: {
    type: ['string', 'integer'],
    default: 0,
    description:
      'Seed of all randomness in the machine (0 to 4294967295): another seed gives Linux another KASLR slide.',
  },
  pace: {
    type: 'string',
    enum: ['wall', 'free'],
    enumDescriptions: ['An idle guest waits for real time.', 'An idle guest skips to its next event.'],
    default: 'wall',
    description: "How an idle guest's time passes.",
  },
} as const satisfies Readonly<Record<string, Attribute>>;

/** Every attach attribute of ours. */
export const ATTACH_ATTRIBUTES = {
  machine: {
    type: 'string',
    description: 'A running machine of VMXray: its name or process id, as `vmxray machines` lists them.',
  },
  gdb: {
    type: 'string',
    description:
      "The gdb stub of another engine's VM, such as QEMU's with `-gdb`: HOST:PORT, or the path of a socket. The VM stops when a session attaches.",
  },
  qmp: {
    type: 'string',
    description:
      'A QMP socket of that VM that nobody else uses (HOST:PORT or a path), for an old QEMU whose gdb stub has no monitor.',
  },
  dump: {
    type: 'string',
    description:
      'A memory dump to look at: the ELF file of dump-guest-memory (QEMU) or `virsh dump --memory-only`, or a kdump vmcore.',
  },
  kernel: {
    type: 'string',
    description: "The kernel's file in that VM or dump, for its symbols: a Linux bzImage or an ELF.",
  },
  ...SYMBOL_ATTRIBUTES,
  ...STEPPING_ATTRIBUTES,
  console: LAUNCH_ATTRIBUTES.console,
} as const satisfies Readonly<Record<string, Attribute>>;

// What every VS Code configuration may have, and what VS Code adds for itself.
const CLIENT_ATTRIBUTES =
  /^(name|type|request|noDebug|presentation|preLaunchTask|postDebugTask|internalConsoleOptions|debugServer|serverReadyAction|suppressMultipleSessionWarning|windows|linux|osx|restart|__.*)$/;

/** What a launch and an attach have in common. */
interface Start {
  readonly symbols: readonly string[] | undefined;
  readonly sourceMap: Readonly<Record<string, string>> | undefined;
  readonly debugFolders: readonly string[] | undefined;
  readonly skipInterrupts: boolean;
  /** Whether the serial line goes to `vmxray/serial` events. */
  readonly terminal: boolean;
}

/** A launch, understood. */
export interface Launch extends Start {
  readonly machine: MachineSettings;
  readonly pace: Pace;
  readonly stopOnEntry: boolean;
  /** Run without breakpoints. */
  readonly noDebug: boolean;
}

/** An attach, understood. */
export interface Attach extends Start {
  readonly place: AttachPlace;
}

/** Checks the arguments of `launch` against the table. Throws UserErrors (`launch/...`). */
export function parseLaunch(args: Arguments): Launch {
  const values = checkedValues(args, LAUNCH_ATTRIBUTES);
  const text = (name: keyof typeof LAUNCH_ATTRIBUTES): string | undefined =>
    values.has(name) ? String(values.get(name)) : undefined;
  const kernel = text('kernel');
  if (!kernel) throw badAttribute('kernel', 'the path of a kernel');
  return {
    ...startOf(values),
    machine: {
      kernel,
      initrd: text('initrd'),
      cmdline: text('cmdline'),
      memory: text('memory'),
      bare: values.get('bare') === true,
      seed: text('seed'),
      rtc: text('rtc'),
    },
    pace: (text('pace') ?? 'wall') as Pace,
    stopOnEntry: values.get('stopOnEntry') === true,
    noDebug: args.flag('noDebug'),
  };
}

/** Checks the arguments of `attach` against the table. Throws UserErrors (`launch/...`). */
export function parseAttach(args: Arguments): Attach {
  const values = checkedValues(args, ATTACH_ATTRIBUTES);
  return { ...startOf(values), place: placeOf(values) };
}

/** The one thing that an attach names. */
function placeOf(values: ReadonlyMap<string, unknown>): AttachPlace {
  const text = (name: keyof typeof ATTACH_ATTRIBUTES): string | undefined =>
    (values.get(name) as string | undefined) || undefined;
  const [machine, gdb, dump, qmp, kernel] = [text('machine'), text('gdb'), text('dump'), text('qmp'), text('kernel')];
  const named = [machine, gdb, dump].filter((one) => one !== undefined);
  if (named.length !== 1) throw whatToAttachTo();
  if (qmp !== undefined && gdb === undefined) throw badAttribute('qmp', 'left out without "gdb"');
  if (machine !== undefined) {
    if (kernel !== undefined) throw badAttribute('kernel', 'left out with "machine", which knows its own');
    return { kind: 'machine', machine };
  }
  return gdb !== undefined ? { kind: 'gdb', gdb, qmp, kernel } : { kind: 'dump', dump: dump!, kernel };
}

function startOf(values: ReadonlyMap<string, unknown>): Start {
  const symbols = values.get('symbols') as string | readonly string[] | undefined;
  return {
    symbols: typeof symbols === 'string' ? [symbols] : symbols,
    sourceMap: values.get('sourceMap') as Readonly<Record<string, string>> | undefined,
    debugFolders: values.get('debugFolders') as readonly string[] | undefined,
    skipInterrupts: values.get('skipInterrupts') !== false,
    // Other clients than our extension may not know our serial events: for them the debug console is the default.
    terminal: values.get('console') === 'terminal',
  };
}

function checkedValues(args: Arguments, attributes: Readonly<Record<string, Attribute>>): Map<string, unknown> {
  const values = new Map<string, unknown>();
  for (const [name, value] of args.entries()) {
    const attribute = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    if (attribute) values.set(name, checked(name, attribute, value));
    else if (!CLIENT_ATTRIBUTES.test(name)) throw unknownAttribute(name, Object.keys(attributes));
  }
  return values;
}

const isText = (value: unknown): boolean => typeof value === 'string';

/** What each type of the schema admits, and how it is said. */
const TYPES: Readonly<Record<AttributeType, { readonly said: string; admits(value: unknown): boolean }>> = {
  string: { said: 'text', admits: isText },
  boolean: { said: 'true or false', admits: (value) => typeof value === 'boolean' },
  integer: { said: 'a whole number', admits: Number.isInteger },
  array: { said: 'a list of texts', admits: (value) => Array.isArray(value) && value.every(isText) },
  object: {
    said: 'an object of texts',
    admits: (value) =>
      typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isText),
  },
};

function checked(name: string, attribute: Attribute, value: unknown): unknown {
  const types = [attribute.type].flat() as AttributeType[];
  if (!types.some((type) => TYPES[type].admits(value)))
    throw badAttribute(name, types.map((type) => TYPES[type].said).join(' or '));
  if (attribute.enum && !attribute.enum.includes(value as string))
    throw badAttribute(name, `one of ${attribute.enum.join(', ')}`);
  return value;
}
