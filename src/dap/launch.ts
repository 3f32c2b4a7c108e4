/**
 * The launch attributes, once: this table is the schema in package.json (a test compares them), the check of what a
 * client sends, and the README's reference.
 */
import type { MachineSettings, Pace } from '../targets/machine-settings';
import type { Arguments } from './arguments';
import { badAttribute, unknownAttribute } from './errors';

/** One launch attribute as a JSON schema. */
export interface Attribute {
  readonly type: 'string' | 'boolean' | readonly ['string', 'integer'];
  readonly enum?: readonly string[];
  readonly enumDescriptions?: readonly string[];
  readonly default?: string | boolean | number;
  readonly description: string;
}

/** Every launch attribute of ours. */
export const LAUNCH_ATTRIBUTES = {
  kernel: {
    type: 'string',
    description: 'The guest: a Linux bzImage, an ELF (PVH, Multiboot 1 and 2) or a Multiboot image.',
  },
  initrd: { type: 'string', description: 'Initial RAM disk of a Linux kernel, or the first module of another kernel.' },
  cmdline: { type: 'string', description: 'Kernel command line.' },
  memory: { type: 'string', default: '256M', description: 'RAM, from 2M to 3G, with K, M or G.' },
  stopOnEntry: { type: 'boolean', default: false, description: "Stop before the guest's first instruction." },
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

// What every VS Code configuration may have, and what VS Code adds for itself.
const CLIENT_ATTRIBUTES =
  /^(name|type|request|noDebug|presentation|preLaunchTask|postDebugTask|internalConsoleOptions|debugServer|serverReadyAction|suppressMultipleSessionWarning|windows|linux|osx|restart|__.*)$/;

/** A launch, understood. */
export interface Launch {
  readonly machine: MachineSettings;
  readonly pace: Pace;
  readonly stopOnEntry: boolean;
  /** Whether the serial line goes to `vmxray/serial` events. */
  readonly terminal: boolean;
  /** Run without breakpoints. */
  readonly noDebug: boolean;
}

/** Checks the arguments of `launch` against the table. Throws UserErrors (`launch/...`). */
export function parseLaunch(args: Arguments): Launch {
  const values = new Map<string, unknown>();
  for (const [name, value] of args.entries()) {
    const attribute: Attribute | undefined = Object.hasOwn(LAUNCH_ATTRIBUTES, name)
      ? LAUNCH_ATTRIBUTES[name as keyof typeof LAUNCH_ATTRIBUTES]
      : undefined;
    if (attribute) values.set(name, checked(name, attribute, value));
    else if (!CLIENT_ATTRIBUTES.test(name)) throw unknownAttribute(name, Object.keys(LAUNCH_ATTRIBUTES));
  }
  const text = (name: keyof typeof LAUNCH_ATTRIBUTES): string | undefined =>
    values.has(name) ? String(values.get(name)) : undefined;
  const kernel = text('kernel');
  if (!kernel) throw badAttribute('kernel', 'the path of a kernel');
  return {
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
    // Other clients than our extension may not know our serial events: for them the debug console is the default.
    terminal: text('console') === 'terminal',
    noDebug: args.flag('noDebug'),
  };
}

function checked(name: string, attribute: Attribute, value: unknown): unknown {
  const types = [attribute.type].flat();
  const fits = types.some((type) => (type === 'integer' ? Number.isInteger(value) : typeof value === type));
  if (!fits) throw badAttribute(name, types.map((type) => TYPE_NAMES[type]).join(' or '));
  if (attribute.enum && !attribute.enum.includes(value as string))
    throw badAttribute(name, `one of ${attribute.enum.join(', ')}`);
  return value;
}

const TYPE_NAMES = { string: 'text', boolean: 'true or false', integer: 'a whole number' } as const;
