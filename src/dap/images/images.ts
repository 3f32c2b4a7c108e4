/** All programs in the guest that symbols are known of, and what a debugger asks of them together. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { realpathSync } from 'node:fs';
import type { ExpressionNames, NamedPlace } from '../../symbols/expression/names';
import { nearestName } from '../../symbols/expression/nearest';
import type { ReadLinear } from '../../symbols/kernel/linear-memory';
import type { SymbolFile, SymbolInfo } from '../../symbols/symbol-file';
import { REGISTER_NAMES } from '../../targets/inspection/register-names';
import type { Target } from '../../targets/target';
import { otherBuild } from '../errors';
import { DEBUG_FOLDERS, debugFileOf } from './debug-files';
import { FileBytes } from './file-bytes';
import type { FunctionName } from './function-name';
import { perCpuOffset, programTypes } from '../values/program-types';
import { GuestModules, type ModuleChanges, type ModuleEvents } from './guest-modules';
import type { Image, ImageLine } from './image';
import { imageInMemory } from './image-in-memory';
import { ModuleFiles } from './module-files';
import { isObjectFile, openImage, openImageIfAny } from './open-image';
import { findSlide } from './placement';
import { SourcePaths } from './source-paths';

/** What a launch or attach says of programs. */
export interface ImageOptions {
  /** Path of the guest's kernel. */
  readonly kernel: string;
  /** Paths of symbol files; the kernel itself when left out, which may have some. Those of modules count when they are loaded. */
  readonly symbols?: readonly string[] | undefined;
  readonly sourceMap?: Readonly<Record<string, string>> | undefined;
  /** Where debug files that were installed apart are looked for. */
  readonly debugFolders?: readonly string[] | undefined;
}

const MOST_CLONES = 100;
/** A guest that is not Linux is not searched at every stop. */
const MOST_LOOKS = 20;
/** Functions that a regular expression may match. */
const MOST_MATCHES = 1000;
/** Rows of the line table that one source line may have in a row. */
const MOST_ROWS = 100;
/** Suffixes of the copies of a function that GCC makes; `.cold` is a part of one. */
const CLONE = /^(\.(isra|constprop|part|lto_priv)\.\d+)+$/;

const same = (a: string, b: string): boolean => {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return a === b;
  }
};

/** The programs of one session. */
export class Images {
  private images: Image[] = [];
  private paths = new SourcePaths({});
  private options: ImageOptions = { kernel: '' };
  private added = 0;
  /** How often the kernel of a guest that nobody has named is still looked for. */
  private looksForKernel = 0;
  private readonly modules = new GuestModules();

  /** Opens the symbol files that are named. Throws UserErrors. */
  load(options: ImageOptions): void {
    this.close();
    this.options = options;
    this.paths = new SourcePaths(options.sourceMap ?? {});
    const objects = (options.symbols ?? []).filter(isObjectFile);
    const linked = (options.symbols ?? []).filter((path) => !objects.includes(path));
    const folders = options.debugFolders ?? DEBUG_FOLDERS;
    this.modules.files = new ModuleFiles(objects, folders, [options.kernel, ...linked]);
    for (const path of linked) this.add(openImage(path));
    this.looksForKernel = options.kernel === '' && this.images.length === 0 ? MOST_LOOKS : 0;
  }

  /**
   * Opens what the kernel brings along where no files are named, and compares builds where some are: unpacking a kernel takes
   * tenths of a second, which may pass while its machine starts. Gives what the user should know.
   */
  complete(): string[] {
    const { kernel, symbols, debugFolders = DEBUG_FOLDERS } = this.options;
    // Symbols that a kernel carries for itself are a gift: without them it runs all the same.
    const own = openImageIfAny(kernel);
    if (!own) return [];
    // Who names modules alone wants the kernel's own symbols as well.
    if (!symbols || (symbols.length > 0 && this.images.length === 0)) {
      this.add(withDebugFile(own, debugFolders));
      return [];
    }
    const others = this.images.filter((image) => isOtherBuild(image, own));
    this.images = this.images.filter((image) => !others.includes(image));
    others.forEach((image) => image.close());
    // The session goes on with what there is.
    if (others.length > 0) this.add(own);
    else own.close();
    return others.map((image) => otherBuild(image, own));
  }

  close(): void {
    this.images.forEach((image) => image.close());
    this.images = [];
  }

  /** What is damaged in the programs' files, each told once. */
  takeRemarks(): readonly string[] {
    return this.images.flatMap((image) => image.takeRemarks());
  }

  get all(): readonly Image[] {
    return this.images;
  }

  /** True while a program is not found in memory. */
  get isWaiting(): boolean {
    return this.images.some(({ slide }) => slide === undefined);
  }

  /** True while something is not found yet that may be there: a program, or the kernel of a guest that nobody has named. */
  get isIncomplete(): boolean {
    return this.isWaiting || this.looksForKernel > 0;
  }

  /** Looks for the programs whose place is not known; gives those found. */
  async place(target: Target, thread: number): Promise<readonly Image[]> {
    const found: Image[] = [];
    const unnamed = this.looksForKernel > 0 ? await imageInMemory(target, thread) : undefined;
    this.looksForKernel = unnamed ? 0 : this.looksForKernel - 1;
    if (unnamed) {
      this.add(unnamed);
      found.push(unnamed);
    }
    for (const image of this.images) {
      if (image.slide !== undefined) continue;
      image.slide = await findSlide(target, thread, image.symbols);
      if (image.slide !== undefined) found.push(image);
    }
    return found;
  }

  /** Forgets where programs that move themselves were: the guest starts again. */
  forgetPlaces(kernel: string): void {
    const modules = this.modules.clear();
    this.images = this.images.filter((image) => !modules.includes(image));
    for (const image of this.images) if (!isElf(kernel) || !same(image.path, kernel)) image.slide = undefined;
  }

  /** Symbols with this very name. */
  named(name: string): { image: Image; symbol: SymbolInfo }[] {
    return this.images.flatMap((image) => image.symbols.symbolsByName(name).map((symbol) => ({ image, symbol })));
  }

  /** The functions of this name; if there is none, what the compiler made of it (`name.isra.0`, `name.constprop.0`). */
  functions({ program, pattern }: FunctionName): { image: Image; symbol: SymbolInfo }[] {
    const images = this.images.filter((image) => program === undefined || image.isNamed(program));
    const isCode = ({ symbol }: { symbol: SymbolInfo }): boolean => symbol.kind !== 'object';
    const search = (find: (symbols: SymbolFile) => SymbolInfo[]): { image: Image; symbol: SymbolInfo }[] =>
      images.flatMap((image) => find(image.symbols).map((symbol) => ({ image, symbol })));
    if (typeof pattern !== 'string') {
      return search((symbols) =>
        symbols.symbolsMatching(({ name, kind }) => kind === 'function' && pattern.test(name), MOST_MATCHES),
      );
    }
    const exact = search((symbols) => symbols.symbolsByName(pattern)).filter(isCode);
    if (exact.length > 0) return exact;
    return search((symbols) =>
      symbols
        .symbolNames(`${pattern}.`, MOST_CLONES)
        .filter((clone) => CLONE.test(clone.slice(pattern.length)))
        .flatMap((clone) => symbols.symbolsByName(clone)),
    );
  }

  /** The place of a symbol for expressions. */
  symbol(name: string): NamedPlace | undefined {
    for (const { image, symbol } of this.named(name)) {
      const address = image.linear(symbol.address);
      if (address !== undefined) return { address, size: symbol.kind === 'object' ? Number(symbol.size) : undefined };
    }
    return undefined;
  }

  /** The symbol that an address lies in, with the distance: `start_kernel+0x12`. */
  describe(linear: bigint): string | undefined {
    const found = this.symbolAt(linear);
    if (!found) return undefined;
    return found.offset === 0n ? found.symbol.name : `${found.symbol.name}+0x${found.offset.toString(16)}`;
  }

  symbolAt(linear: bigint): { image: Image; symbol: SymbolInfo; offset: bigint } | undefined {
    for (const image of this.images) {
      const found = image.symbolAt(linear);
      if (found) return { image, ...found };
    }
    return undefined;
  }

  lineAt(linear: bigint): ImageLine | undefined {
    for (const image of this.images) {
      const line = image.lineAt(linear);
      if (line) return line;
    }
    return undefined;
  }

  /** The Linux kernel, once it is found. */
  get kernel(): Image | undefined {
    return this.images.find(({ slide, btf }) => slide !== undefined && btf !== undefined);
  }

  /** Where to stop to hear of the kernel's modules. */
  get moduleEvents(): ModuleEvents | undefined {
    return this.modules.events(this.kernel);
  }

  /** Takes in the modules that the guest has now; `unloading` is the `struct module` that is about to go. */
  async refreshModules(target: Target, thread: number, unloading?: bigint): Promise<ModuleChanges> {
    const { kernel } = this;
    if (!kernel) return { added: [], removed: [] };
    const read: ReadLinear = (linear, length) => target.readMemory(thread, 'linear', linear, length);
    const changes = await this.modules.refresh(kernel, read, unloading);
    this.images = this.images.filter((image) => !changes.removed.includes(image));
    changes.added.forEach((image) => this.add(image));
    return changes;
  }

  /** The program whose code or data lie at an address. */
  imageAt(linear: bigint): Image | undefined {
    return this.images.find((one) => one.link(linear) !== undefined);
  }

  /** Where the code of the line at an address ends; undefined where no line is known. */
  endOfLine(linear: bigint): bigint | undefined {
    const first = this.lineAt(linear);
    let end = first?.end;
    for (let rows = 0; first && rows < MOST_ROWS; rows++) {
      const next = this.lineAt(end!);
      if (next?.file !== first.file || next.line !== first.line) break;
      end = next.end;
    }
    return end;
  }

  /** Names of symbols that begin with `prefix`. */
  symbolNames(prefix: string, limit: number): string[] {
    return this.images.flatMap((image) => image.symbols.symbolNames(prefix, limit)).slice(0, limit);
  }

  /** A line's source file for the wire. */
  source({ file, image }: Pick<ImageLine, 'file' | 'image'>): DebugProtocol.Source {
    return this.paths.describe(file, image.path);
  }

  /** The files in debug information that a client's path means. */
  filesOf(path: string): { image: Image; file: string }[] {
    return this.images.flatMap((image) => {
      const files = image.symbols.findFile(path);
      // The same name in another folder is another file, if that folder is here.
      const exact = files.filter((file) => this.paths.find(file, image.path) === path);
      return (exact.length > 0 ? exact : files).map((file) => ({ image, file }));
    });
  }

  private add(image: Image): void {
    const { kernel } = this.options;
    image.id = ++this.added;
    // An ELF is loaded where it is linked; everything else may move itself.
    if (isElf(kernel) && (same(image.path, kernel) || hasSegmentsOf(image, kernel))) image.slide = 0n;
    this.images.push(image);
  }
}

/** What expressions and conditions may name. */
export function namesOf(
  images: Images,
  register: (name: string) => boolean,
  more: Pick<ExpressionNames, 'variables' | 'constant'> = {},
): ExpressionNames {
  return {
    ...more,
    register,
    symbol: (name) => images.symbol(name),
    types: programTypes(images),
    perCpuOffset: (name) => perCpuOffset(images, name),
    nearest: (name) => nearestName(name, (prefix, limit) => images.symbolNames(prefix, limit), REGISTER_NAMES),
  };
}

/** A file with symbols that was split off the kernel has its segments and its entry. */
function hasSegmentsOf({ symbols }: Image, kernel: string): boolean {
  const other = openImageIfAny(kernel);
  other?.close();
  const ranges = ({ segments }: SymbolFile): string => segments.map(({ start, end }) => `${start}-${end}`).join();
  return other !== undefined && symbols.entry === other.symbols.entry && ranges(symbols) === ranges(other.symbols);
}

/** The program's debug file, if one is here that tells more than the program itself. */
function withDebugFile(own: Image, folders: readonly string[]): Image {
  const { buildId, hasLines } = own.symbols;
  const path = buildId !== undefined && !hasLines ? debugFileOf(own.path, buildId, folders) : undefined;
  const found = path === undefined ? undefined : openImageIfAny(path);
  if (found) own.close();
  return found ?? own;
}

/** Both are Linux kernels, but not the same. */
function isOtherBuild({ symbols }: Image, own: Image): boolean {
  const isKernel = [symbols, own.symbols].every((file) => file.symbolsByName('start_kernel').length > 0);
  return isKernel && symbols.buildId !== undefined && symbols.buildId !== (own.symbols.buildId ?? symbols.buildId);
}

function isElf(path: string): boolean {
  try {
    const file = new FileBytes('kernel', path);
    const magic = Buffer.from(file.read(0, 4)).toString('latin1');
    file.close();
    return magic === '\x7fELF';
  } catch {
    return false;
  }
}
