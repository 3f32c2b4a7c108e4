/**
 * A machine file, `NAME.vmxray.json`: what a machine is made of. This table is its JSON schema (a test compares
 * `syntaxes/machine-file.schema.json`), and the check that loader and editor share. Paths in it are relative to its folder.
 */
import { isAbsolute, dirname, join } from 'node:path';
import { UserError } from '../../common/errors';
import { MAX_RAM, MIN_RAM } from '../../machine/layout';
import type { Limits } from '../../targets/limits';
import {
  type MachineSettings,
  type Pace,
  parseFlat,
  parseRtc,
  parseSeed,
  parseSize,
} from '../../targets/machine-settings';

const LEAST_HOST_MEMORY = 64 * 2 ** 20;

/** The end of a machine file's name. */
export const MACHINE_FILE_SUFFIX = '.vmxray.json';

/** A machine file's content. */
export interface MachineFile {
  readonly kernel: string;
  /** What runs it: our own machine by default. */
  readonly engine?: 'vmxray' | 'qemu';
  readonly name?: string;
  readonly initrd?: string;
  readonly cmdline?: string;
  readonly memory?: string;
  readonly bare?: boolean;
  readonly flat?: string;
  readonly rtc?: string;
  readonly seed?: string | number;
  readonly pace?: Pace;
  readonly coreShare?: number;
  readonly hostMemory?: string;
  readonly symbols?: string | readonly string[];
  readonly sourceMap?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** More arguments for QEMU. */
  readonly arguments?: readonly string[];
}

type Kind = 'string' | 'boolean' | 'integer' | 'number' | 'array' | 'object';

interface Property {
  readonly type: Kind | readonly Kind[];
  readonly description: string;
  readonly items?: { readonly type: 'string' };
  readonly additionalProperties?: { readonly type: 'string' };
  readonly enum?: readonly string[];
  readonly default?: string | boolean | number;
  readonly examples?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Every property that a machine file may have. */
export const PROPERTIES: Readonly<Record<keyof MachineFile, Property>> = {
  kernel: {
    type: 'string',
    description:
      'The guest: a Linux bzImage, an ELF (PVH, Multiboot 1 and 2), a Multiboot image, or with "flat" any file.',
  },
  engine: {
    type: 'string',
    enum: ['vmxray', 'qemu'],
    default: 'vmxray',
    description: 'What runs the machine: VMXray itself, or the QEMU that is installed here.',
  },
  name: { type: 'string', description: "What the machine is called; the file's name if left out." },
  initrd: { type: 'string', description: 'Initial RAM disk of a Linux kernel, or the first module of another kernel.' },
  cmdline: { type: 'string', description: 'Kernel command line.', examples: ['console=ttyS0'] },
  memory: { type: 'string', default: '256M', description: 'RAM, from 2M to 3G, with K, M or G.' },
  bare: {
    type: 'boolean',
    default: false,
    description: "Run without VMXray's hypervisor: the guest has VMX root operation to itself.",
  },
  flat: {
    type: 'string',
    description:
      'Where a flat binary goes, and the mode it starts in: ADDRESS:MODE with real16, protected32 or long64.',
    examples: ['0x7c00:real16'],
  },
  rtc: {
    type: 'string',
    description: 'The clock at start: "now", or an ISO time. Without it a constant, so that every run is the same.',
    examples: ['now', '2026-01-31T12:00:00Z'],
  },
  seed: {
    type: ['string', 'integer'],
    default: 0,
    description: 'Seed of all randomness in the machine (0 to 4294967295).',
  },
  pace: {
    type: 'string',
    enum: ['wall', 'free'],
    default: 'wall',
    description: "How an idle guest's time passes: wall waits for real time, free skips to the next event.",
  },
  coreShare: {
    type: 'number',
    minimum: 0.05,
    maximum: 1,
    default: 1,
    description: "The most of a core that the machine's process takes: 0.5 is half a core.",
  },
  hostMemory: {
    type: 'string',
    examples: ['600M'],
    description:
      "The most of this computer's memory that the machine's process takes, with K, M or G, at least 64M; a guest that would take more is paused. It takes what the guest has touched, and 80M.",
  },
  symbols: {
    type: ['string', 'array'],
    items: { type: 'string' },
    description: "ELF files with the guest's symbols and debug information, such as vmlinux, for debuggers.",
  },
  sourceMap: {
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'Prefixes of the paths in debug information, and the folders that stand for them here.',
  },
  labels: {
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'Labels of your own, for filter and grouping in the tree.',
  },
  arguments: {
    type: 'array',
    items: { type: 'string' },
    description: 'More arguments for QEMU, such as disks and devices; for "engine": "qemu" only.',
    examples: ['-smp'],
  },
};

/** The JSON schema of machine files. */
export const MACHINE_FILE_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'A machine of VMXray',
  type: 'object',
  required: ['kernel'],
  properties: { $schema: { type: 'string' }, ...PROPERTIES },
  additionalProperties: false,
} as const;

/** Something wrong in a machine file. */
export interface Problem {
  /** The property, and the item of a list; empty for the whole. */
  readonly at: readonly (string | number)[];
  readonly message: string;
  /** An editor that knows the schema says it already. */
  readonly bySchema: boolean;
}

/** Whether a path names a file, a folder, or nothing. */
export type KindOfPath = (path: string) => 'file' | 'folder' | undefined;

const isText = (value: unknown): value is string => typeof value === 'string';
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const KINDS: Readonly<Record<Kind, { readonly said: string; admits(value: unknown): boolean }>> = {
  string: { said: 'text', admits: isText },
  boolean: { said: 'true or false', admits: (value) => typeof value === 'boolean' },
  integer: { said: 'a whole number', admits: Number.isInteger },
  number: { said: 'a number', admits: Number.isFinite },
  array: { said: 'a list of texts', admits: (value) => Array.isArray(value) && value.every(isText) },
  object: { said: 'an object of texts', admits: (value) => isRecord(value) && Object.values(value).every(isText) },
};

/** What is wrong with the content of the machine file `path`; nothing if a machine can be started from it. */
export function checkMachineFile(path: string, content: unknown, kindOf: KindOfPath): readonly Problem[] {
  if (!isRecord(content)) return [bySchema([], 'A machine file is an object with at least a "kernel".')];
  const problems = Object.entries(content).flatMap(([name, value]) => checkProperty(name, value));
  if (!('kernel' in content))
    problems.push(bySchema([], 'There is no "kernel": name the file that the machine boots.'));
  const known = new Set(problems.map(({ at }) => at[0]));
  const file = content as unknown as MachineFile;
  problems.push(...checkEngine(file).filter(({ at }) => !known.has(at[0])));
  const values = {
    memory: checkMemory,
    hostMemory: checkHostMemory,
    seed: (text: string) => parseSeed(text),
    flat: parseFlat,
    rtc: checkRtc,
  };
  for (const [name, parse] of Object.entries(values)) {
    const value = content[name];
    if (value !== undefined && !known.has(name)) problems.push(...said(name, () => parse(String(value))));
  }
  for (const name of ['kernel', 'initrd', 'symbols'] as const) {
    if (known.has(name) || file[name] === undefined) continue;
    for (const [index, one] of [file[name]].flat().entries()) {
      const at = Array.isArray(file[name]) ? [name, index] : [name];
      const kind = one === '' ? undefined : kindOf(fromFolderOf(path, one));
      if (kind === 'folder') problems.push(beyond(at, `${one} is a folder: name a file.`));
      if (kind === undefined) problems.push(beyond(at, `The file ${one || '""'} does not exist: check the path.`));
    }
  }
  return problems;
}

function checkProperty(name: string, value: unknown): Problem[] {
  if (name === '$schema') return [];
  const property = Object.hasOwn(PROPERTIES, name) ? PROPERTIES[name as keyof MachineFile] : undefined;
  if (!property) {
    const names = Object.keys(PROPERTIES).join(', ');
    return [bySchema([name], `There is no property "${name.slice(0, 60)}": the properties are ${names}.`)];
  }
  const kinds = [property.type].flat() as Kind[];
  if (!kinds.some((kind) => KINDS[kind].admits(value)))
    return [bySchema([name], `"${name}" must be ${kinds.map((kind) => KINDS[kind].said).join(' or ')}.`)];
  if (property.enum && !property.enum.includes(value as string))
    return [bySchema([name], `"${name}" must be one of ${property.enum.join(', ')}.`)];
  const { minimum = -Infinity, maximum = Infinity } = property;
  if (typeof value === 'number' && (value < minimum || value > maximum))
    return [bySchema([name], `"${name}" must be from ${minimum} to ${maximum}.`)];
  return [];
}

/** What only one of the engines knows. */
function checkEngine(file: MachineFile): Problem[] {
  const isQemu = file.engine === 'qemu';
  const foreign = isQemu ? (['bare', 'flat', 'pace', 'coreShare', 'hostMemory'] as const) : (['arguments'] as const);
  return foreign
    .filter((name) => file[name] !== undefined)
    .map((name) =>
      beyond([name], `"${name}" is for ${isQemu ? "VMXray's own machines" : '"engine": "qemu"'} only: remove it.`),
    );
}

function checkMemory(text: string): void {
  const bytes = parseSize(text);
  if (bytes < MIN_RAM || bytes > MAX_RAM || bytes % 4096 !== 0)
    throw new UserError('memory/size', 'The memory must be from 2M to 3G, in steps of 4K: try 256M.');
}

function checkHostMemory(text: string): void {
  if (parseSize(text) < LEAST_HOST_MEMORY)
    throw new UserError('memory/host', 'A process of a machine needs at least 64M: try 600M.');
}

function checkRtc(text: string): void {
  parseRtc(text, Date.now);
}

function said(name: string, parse: () => unknown): Problem[] {
  try {
    parse();
    return [];
  } catch (error) {
    return [beyond([name], (error as Error).message)];
  }
}

const bySchema = (at: Problem['at'], message: string): Problem => ({ at, message, bySchema: true });
const beyond = (at: Problem['at'], message: string): Problem => ({ at, message, bySchema: false });

const fromFolderOf = (path: string, name: string): string => (isAbsolute(name) ? name : join(dirname(path), name));

/** The settings of the machine that a checked machine file describes, with absolute paths. */
export function settingsOf(path: string, file: MachineFile): MachineSettings {
  const { kernel, initrd, cmdline, memory, bare, flat, rtc, seed } = file;
  return {
    kernel: fromFolderOf(path, kernel),
    name: nameOf(path, file),
    ...(initrd !== undefined && { initrd: fromFolderOf(path, initrd) }),
    cmdline,
    memory,
    bare,
    flat,
    rtc,
    ...(seed !== undefined && { seed: String(seed) }),
    limits: limitsOf(file),
  };
}

/** What the machine's process may take. */
export function limitsOf({ coreShare, hostMemory }: MachineFile): Limits {
  return { coreShare, ...(hostMemory !== undefined && { hostMemory: parseSize(hostMemory) }) };
}

/** What a debugger needs besides the machine: `symbols` and `sourceMap` of an attach configuration. */
export function debugSettingsOf(path: string, file: MachineFile): Readonly<Record<string, unknown>> {
  const { symbols, sourceMap } = file;
  return {
    ...(symbols !== undefined && { symbols: [symbols].flat().map((one) => fromFolderOf(path, one)) }),
    ...(sourceMap && {
      sourceMap: Object.fromEntries(Object.entries(sourceMap).map(([from, to]) => [from, fromFolderOf(path, to)])),
    }),
  };
}

/** What a machine is called. */
export function nameOf(path: string, file: Pick<MachineFile, 'name'> | undefined): string {
  return file?.name || (path.split(/[\\/]/).at(-1) ?? path).slice(0, -MACHINE_FILE_SUFFIX.length);
}
