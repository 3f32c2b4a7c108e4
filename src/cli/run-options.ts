/** The options of `vmxray run`, and what they mean. */
import { UserError } from '../common/errors';
import { DEFAULT_MEMORY, type EptMode, type MachineSettings, type Pace } from '../targets/machine-settings';
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
  { names: ['max-instructions'], value: 'N', help: 'stop after N instructions (exit code 3)' },
  { names: ['stats'], value: 'FILE', help: 'write counters, times, the state hash and the end to FILE, as JSON' },
  { names: ['no-jit'], help: 'interpret every instruction: what this version always does' },
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
  { names: ['help'], help: 'this text' },
  {
    names: ['ept'],
    value: 'lazy4k|eager2m|evict',
    oneOf: ['lazy4k', 'eager2m', 'evict'],
    help: 'how the EPT is filled: on demand (default), at the start, on demand with eviction',
    testing: true,
  },
];

/** Where the guest's serial line goes. */
export type SerialChoice =
  { readonly kind: 'stdio' } | { readonly kind: 'none' } | { readonly kind: 'file'; readonly path: string };

/** `vmxray run`, understood. */
export interface RunPlan {
  readonly machine: MachineSettings;
  readonly serial: SerialChoice;
  readonly pace: Pace;
  /** Instructions after which the run ends with exit code 3; Infinity without a limit. */
  readonly maxInstructions: number;
  readonly stats?: string | undefined;
}

const text = (values: Values, name: string): string | undefined => {
  const value = values.get(name);
  return typeof value === 'string' ? value : undefined;
};

/** The plan that option values make. Throws UserErrors (`usage/...`). */
export function planRun(values: Values): RunPlan {
  const kernel = text(values, 'kernel');
  if (!kernel) throw new UserError('usage/kernel', 'There is no guest: name one with --kernel FILE.');
  return {
    machine: {
      kernel,
      initrd: text(values, 'initrd'),
      cmdline: text(values, 'append'),
      memory: text(values, 'memory'),
      bare: values.has('bare'),
      seed: text(values, 'seed'),
      rtc: text(values, 'rtc'),
      ept: text(values, 'ept') as EptMode | undefined,
      flat: text(values, 'flat'),
    },
    serial: parseSerial(text(values, 'serial') ?? 'stdio'),
    pace: (text(values, 'pace') ?? 'free') as Pace,
    maxInstructions: parseCount(text(values, 'max-instructions')),
    stats: text(values, 'stats'),
  };
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
