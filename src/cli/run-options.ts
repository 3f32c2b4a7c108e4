/** The options of `vmxray run`, and what they mean. */
import { UserError } from '../common/errors';
import {
  DEFAULT_MEMORY,
  type EptMode,
  type JitMode,
  type MachineSettings,
  type Pace,
  type RestoredSettings,
} from '../targets/machine-settings';
import { GDB_OPTIONS, parseGdbOptions, type GdbPlan } from './gdb/gdb-options';
import type { Option, Values } from './options';

/** What starts a machine: options that `run` has and other commands can share. */
export const RUN_OPTIONS: readonly Option[] = [
  { names: ['kernel'], value: 'FILE', help: 'the guest: bzImage, ELF (PVH, Multiboot 1 and 2), Multiboot image' },
  { names: ['initrd'], value: 'FILE', help: 'initial RAM disk, or the first module' },
  { names: ['append', 'cmdline'], value: 'TEXT', help: 'kernel command line' },
  { names: ['memory'], value: 'SIZE', help: `RAM, 2M to 3G (default ${DEFAULT_MEMORY})` },
  {
    names: ['serial'],
    value: 'stdio|none|file:FILE',
    help: 'the serial line (default stdio; Ctrl-A X quits, Ctrl-A Ctrl-A is Ctrl-A)',
  },
  { names: ['max-instructions'], value: 'N', help: 'stop when N instructions are completed (exit code 3)' },
  { names: ['stats'], value: 'FILE', help: 'write counters, times, the state hash and the end to FILE, as JSON' },
  { names: ['no-jit'], help: 'interpret every instruction; hot code is compiled to WebAssembly otherwise' },
  {
    names: ['profile'],
    value: 'FILE|-',
    help: 'write where guest time went to FILE as JSON, or to standard error; slows the run',
  },
  { names: ['rtc'], value: 'TIME', help: 'the clock at start, ISO time or "now" (default 2026-01-01T00:00:00Z)' },
  { names: ['seed'], value: 'N', help: 'seed of all randomness, 0 to 4294967295 (default 1)' },
  {
    names: ['pace'],
    value: 'free|wall',
    oneOf: ['free', 'wall'],
    help: 'an idle guest skips ahead (free, the default) or waits for real time (wall)',
  },
  { names: ['bare'], help: 'no hypervisor of ours: the guest has VMX root operation to itself' },
  {
    names: ['flat'],
    value: 'ADDRESS:MODE',
    help: 'the kernel is a flat binary: load and enter it there, in real16, protected32 or long64',
  },
  ...GDB_OPTIONS,
  { names: ['help'], help: 'this text' },
  {
    names: ['ept'],
    value: 'lazy4k|lazy64k|eager2m|evict',
    oneOf: ['lazy4k', 'lazy64k', 'eager2m', 'evict'],
    help: 'how the EPT is filled: by 4 or 64 KiB (default) on demand, at the start, with eviction',
    testing: true,
  },
  { names: ['save'], value: 'FILE', help: "write a snapshot at the run's end", testing: true },
  {
    names: ['restore'],
    value: 'FILE',
    help: 'go on from a snapshot, instead of booting a kernel',
    testing: true,
  },
];

/** What a snapshot says already. */
const SAID_BY_SNAPSHOT = ['kernel', 'initrd', 'append', 'memory', 'seed', 'rtc', 'bare', 'flat'];

/** Where the guest's serial line goes. */
export type SerialChoice =
  { readonly kind: 'stdio' } | { readonly kind: 'none' } | { readonly kind: 'file'; readonly path: string };

/** `vmxray run`, understood. */
export interface RunPlan {
  readonly machine: MachineSettings | RestoredSettings;
  readonly serial: SerialChoice;
  readonly pace: Pace;
  /** Instructions since power-on after which the run ends with exit code 3; Infinity without a limit. */
  readonly maxInstructions: number;
  readonly stats?: string | undefined;
  /** Where the profile goes: a file, or `-` for standard error. */
  readonly profile?: string | undefined;
  /** Where the snapshot goes. */
  readonly save?: string | undefined;
  /** The door for debuggers, if there is one. */
  readonly gdb?: GdbPlan | undefined;
}

const text = (values: Values, name: string): string | undefined => {
  const value = values.get(name);
  return typeof value === 'string' ? value : undefined;
};

/** The plan that option values make. Throws UserErrors (`usage/...`). */
export function planRun(values: Values): RunPlan {
  return {
    machine: values.has('restore') ? planRestored(values) : planBooted(values),
    serial: parseSerial(text(values, 'serial') ?? 'stdio'),
    pace: (text(values, 'pace') ?? 'free') as Pace,
    maxInstructions: parseCount(text(values, 'max-instructions')),
    stats: text(values, 'stats'),
    profile: text(values, 'profile'),
    save: text(values, 'save'),
    gdb: parseGdbOptions(values),
  };
}

const jitMode = (values: Values): JitMode => (values.has('no-jit') ? 'off' : 'on');
const eptMode = (values: Values): EptMode | undefined => text(values, 'ept') as EptMode | undefined;

function planBooted(values: Values): MachineSettings {
  const kernel = text(values, 'kernel');
  if (!kernel) throw new UserError('usage/kernel', 'There is no guest: name one with --kernel FILE.');
  return {
    kernel,
    initrd: text(values, 'initrd'),
    cmdline: text(values, 'append'),
    memory: text(values, 'memory'),
    bare: values.has('bare'),
    seed: text(values, 'seed'),
    rtc: text(values, 'rtc'),
    ept: eptMode(values),
    jit: jitMode(values),
    flat: text(values, 'flat'),
  };
}

function planRestored(values: Values): RestoredSettings {
  const said = SAID_BY_SNAPSHOT.find((name) => values.has(name));
  if (said) throw new UserError('usage/restore', `A snapshot says what --${said} says: leave one of them out.`);
  return { restore: text(values, 'restore') ?? '', ept: eptMode(values), jit: jitMode(values) };
}

function parseSerial(choice: string): SerialChoice {
  if (choice === 'stdio' || choice === 'none') return { kind: choice };
  if (/^file:./s.test(choice)) return { kind: 'file', path: choice.slice('file:'.length) };
  throw new UserError('usage/serial', `--serial is stdio, none or file:FILE, not "${choice}".`);
}

function parseCount(count: string | undefined): number {
  if (count === undefined) return Infinity;
  const value = /^[0-9]{1,16}$/.test(count) ? Number(count) : NaN;
  if (!(value >= 1 && value <= Number.MAX_SAFE_INTEGER))
    throw new UserError(
      'usage/max-instructions',
      `"${count}" is not a number of instructions: write a whole number from 1 to ${Number.MAX_SAFE_INTEGER}.`,
    );
  return value;
}
