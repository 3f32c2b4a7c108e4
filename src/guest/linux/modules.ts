/**
 * The modules that a running Linux has loaded: where they lie, and what they say of themselves. Sources: Linux
 * include/linux/module.h (`struct module`; `core_layout` and `init_layout` up to 6.3, `mem` from 6.4 on),
 * kernel/module/main.c. Offsets come from the kernel's types alone; a damaged list ends early.
 *
 * NOT IMPLEMENTED: kernels whose types are not known.
 */
import type { Btf } from '../../symbols/kernel/btf';
import type { Kallsyms } from '../../symbols/kernel/kallsyms';
import { readAll } from '../../symbols/kernel/linear-memory';
import { OrcTable } from '../../symbols/kernel/orc';
import { arrayIn, GuestStruct, type LinuxGuest, structNamed } from './guest-struct';
import { readList } from './list';
import { readAttributes, readBuildId } from './module-attributes';
import { readModuleSymbols } from './module-symbols';
import { readModuleTypes } from './module-types';

/**
 * Functions at whose first instruction the list has changed or is about to; their only argument, in the first register,
 * is the `struct module`. At `do_init_module` its code is in place and has not run; at `free_module` it is there still.
 */
export const MODULE_EVENTS = { loaded: 'do_init_module', unloading: 'free_module' } as const;

/** More parts of a module, or bytes of one, than any kernel has. */
const MOST_PARTS = 32n;
const MAX_PART = 0x1000_0000n;
const MAX_ORCS = 0x10_0000;
const ORC_ENTRY = 6;

/** A part of a module's memory: linear addresses [start, end). */
export interface ModulePart {
  /** `text`, `data`, `rodata`, `init text`, ... */
  readonly name: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly isCode: boolean;
}

/** A section of a module's file and the linear address where it lies. */
export interface ModuleSection {
  readonly name: string;
  readonly address: bigint;
}

/**
 * A module at one stop of the guest; methods read memory when they are called. What the guest does not tell, or tells in
 * a way that contradicts itself, is undefined.
 */
export class LinuxModule {
  readonly name: string;
  /** `live`, `coming`, `going` or `unformed`. */
  readonly state: string;
  readonly parts: readonly ModulePart[];
  /** Changes when the module's symbols may have: when another one has taken its place, or its initial code is gone. */
  readonly key: string;

  constructor(
    private readonly guest: LinuxGuest,
    private readonly structure: GuestStruct,
  ) {
    this.name = structure.text('name') ?? '';
    this.state = (structure.enumerator('state') ?? 'MODULE_STATE_UNKNOWN').slice('MODULE_STATE_'.length).toLowerCase();
    this.parts = partsOf(guest, structure);
    const where = this.parts.map(({ start, end }) => `${start.toString(16)}-${end.toString(16)}`);
    this.key = [this.address.toString(16), this.name, structure.number('kallsyms')?.toString(16), ...where].join(' ');
  }

  /** Linear address of its `struct module`. */
  get address(): bigint {
    return this.structure.address;
  }

  /** Whether one of its parts covers a linear address. */
  covers(linear: bigint): boolean {
    return this.parts.some(({ start, end }) => start <= linear && linear < end);
  }

  /** Its symbols, all at linear addresses. */
  symbols(): Promise<Kallsyms | undefined> {
    return readModuleSymbols(this.guest, this.structure, this.parts);
  }

  /** Its unwind data, at linear addresses; `kernel` are the kernel's own, which are of the same age. */
  async orc(kernel?: OrcTable): Promise<OrcTable | undefined> {
    const count = Number(this.structure.number('arch.num_orcs') ?? 0n);
    const ips = this.structure.number('arch.orc_unwind_ip');
    const entries = this.structure.number('arch.orc_unwind');
    if (!ips || !entries || count === 0 || count > MAX_ORCS) return undefined;
    const places = await readAll(this.guest.read, ips, 4 * count);
    const data = places && (await readAll(this.guest.read, entries, ORC_ENTRY * count));
    return data && new OrcTable(places, ips, data, kernel);
  }

  /** Its types, on top of the kernel's. Throws the `damaged` UserError. */
  types(kernel: Btf): Promise<Btf | undefined> {
    return readModuleTypes(this.guest, this.address, kernel);
  }

  /** The build id of its file, lower-case hexadecimal digits. */
  async buildId(): Promise<string | undefined> {
    for (const notes of await readAttributes(this.guest, this.structure, 'notes_attrs')) {
      const found = await readBuildId(this.guest, notes);
      if (found) return found;
    }
    return undefined;
  }

  /** Where the sections of its file lie, those of its initial code included while that is there. */
  async sections(): Promise<ModuleSection[]> {
    const all = await readAttributes(this.guest, this.structure, 'sect_attrs');
    return all.map(({ name, address }) => ({ name, address }));
  }
}

/**
 * The loaded modules, the latest first; undefined if the kernel does not tell what they are made of. A module that is
 * not in memory as a whole ends the list.
 */
export async function readModules(guest: LinuxGuest): Promise<LinuxModule[] | undefined> {
  const list = guest.symbol('modules');
  const type = structNamed(guest, 'module');
  if (list === undefined || !type) return undefined;
  const modules: LinuxModule[] = [];
  for await (const structure of readList(guest, list, type, 'list')) modules.push(new LinuxModule(guest, structure));
  return modules;
}

/** The module whose `struct module` lies at an address, listed or not; see `MODULE_EVENTS`. */
export async function moduleAt(guest: LinuxGuest, address: bigint): Promise<LinuxModule | undefined> {
  const type = structNamed(guest, 'module');
  const structure = type && (await GuestStruct.read(guest.read, type, address));
  return structure && new LinuxModule(guest, structure);
}

function partsOf(guest: LinuxGuest, structure: GuestStruct): ModulePart[] {
  const parts: ModulePart[] = [];
  const add = (name: string, start: bigint | undefined, size: bigint, isCode: boolean): void => {
    if (start && size > 0n && size <= MAX_PART) parts.push({ name, start, end: start + size, isCode });
  };
  if (arrayIn(structure.type, 'mem')) {
    memoryNames(guest).forEach((name, kind) => {
      const size = structure.number(`mem[${kind}].size`) ?? 0n;
      add(name, structure.number(`mem[${kind}].base`), size, name.endsWith('text'));
    });
    return parts;
  }
  for (const [layout, prefix] of [
    ['core_layout', ''],
    ['init_layout', 'init '],
  ] as const) {
    const base = structure.number(`${layout}.base`);
    const size = structure.number(`${layout}.size`) ?? 0n;
    const code = structure.number(`${layout}.text_size`) ?? 0n;
    if (!base || code > size) continue;
    add(`${prefix}text`, base, code, true);
    add(`${prefix}data`, base + code, size - code, false);
  }
  return parts;
}

/** The names of `enum mod_mem_type` by value: `MOD_INIT_TEXT` as `init text`. */
function memoryNames({ types }: LinuxGuest): string[] {
  const type = types.typeNamed('enum', 'mod_mem_type');
  const values = type?.kind === 'enum' ? type.values : [];
  const names: string[] = [];
  for (const { name, value } of values) {
    const isKind = value >= 0n && value < MOST_PARTS && !name.endsWith('NUM_TYPES');
    if (isKind) names[Number(value)] ??= name.replace(/^MOD_/, '').replaceAll('_', ' ').toLowerCase();
  }
  return names;
}
