/**
 * A loaded module as a symbol file: what the guest says of it stands for its file. All addresses are linear ones, where the
 * module lies. NOT IMPLEMENTED: lines and local variables, which only the module's debug file has.
 */
import { awaitUnlessDamaged } from '../../symbols/kernel/linear-memory';
import { KallsymsFile } from '../../symbols/kernel/kallsyms-file';
import type { Kallsyms } from '../../symbols/kernel/kallsyms';
import type { Btf } from '../../symbols/kernel/btf';
import type { OrcTable } from '../../symbols/kernel/orc';
import type { Section, SymbolFile } from '../../symbols/symbol-file';
import type { LinuxModule, ModuleSection } from './modules';

/** Flags of segments. */
const READ_WRITE = 6;
const READ_EXECUTE = 5;

/** What is read of a module at one stop. */
export interface ModuleContents {
  readonly symbols: Kallsyms;
  readonly orc: OrcTable | undefined;
  readonly types: Btf | undefined;
  readonly buildId: string | undefined;
  readonly sections: readonly ModuleSection[];
}

/** Reads what a module says of itself; undefined if it has no symbols. */
export async function readModuleContents(
  module: LinuxModule,
  kernel: { readonly orc?: OrcTable | undefined; readonly types?: Btf | undefined },
): Promise<ModuleContents | undefined> {
  const symbols = await module.symbols();
  if (!symbols) return undefined;
  return {
    symbols,
    orc: await awaitUnlessDamaged(module.orc(kernel.orc)),
    types: kernel.types && (await awaitUnlessDamaged(module.types(kernel.types))),
    buildId: await module.buildId(),
    sections: await module.sections(),
  };
}

/** A module of which some contents are known; it lies where its symbols say, so that its slide is 0. */
export class ModuleSymbolFile extends KallsymsFile implements SymbolFile {
  readonly machine: 'x86' | 'x86-64';
  readonly bits: 32 | 64;
  readonly entry: bigint;
  readonly isRelocatable = false;
  readonly buildId: string | undefined;
  readonly types: Btf | undefined;
  /** The unwind data of its code. */
  readonly orc: OrcTable | undefined;

  constructor(
    readonly module: LinuxModule,
    private readonly contents: ModuleContents,
  ) {
    super(
      contents.symbols,
      module.parts.map(({ start, end, isCode }) => ({ start, end, flags: isCode ? READ_EXECUTE : READ_WRITE })),
    );
    this.bits = contents.symbols.bits;
    this.machine = this.bits === 64 ? 'x86-64' : 'x86';
    this.entry = this.symbolsByName('init_module')[0]?.address ?? module.parts[0]?.start ?? 0n;
    this.buildId = contents.buildId;
    this.types = contents.types;
    this.orc = contents.orc;
  }

  sections(): Section[] {
    const { sections } = this.contents;
    return sections.map(({ name, address }) => ({ name, address, size: this.reach(address) - address }));
  }

  /** A module has been relocated since it was a file: what it held first is not known. */
  readInitial(): Uint8Array {
    return new Uint8Array(0);
  }

  /** Sizes are not told: a section reaches to the next one, or to the end of its part of the module. */
  private reach(address: bigint): bigint {
    const part = this.segments.find(({ start, end }) => start <= address && address < end);
    const next = this.contents.sections.filter((one) => one.address > address && part && one.address < part.end);
    return next.reduce((least, one) => (one.address < least ? one.address : least), part?.end ?? address);
  }
}
