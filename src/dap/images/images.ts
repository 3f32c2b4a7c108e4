/** All programs in the guest that symbols are known of, and what a debugger asks of them together. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { realpathSync } from 'node:fs';
import { UserError } from '../../common/errors';
import type { ExpressionNames, NamedPlace } from '../../symbols/expression/names';
import { nearestName } from '../../symbols/expression/nearest';
import type { OrcTable } from '../../symbols/kernel/orc';
import type { SymbolFile, SymbolInfo } from '../../symbols/symbol-file';
import { REGISTER_NAMES } from '../../targets/inspection/register-names';
import type { Target } from '../../targets/target';
import { FileBytes } from './file-bytes';
import type { FunctionName } from './function-name';
import { Image, type ImageLine } from './image';
import { findSlide } from './placement';
import { SourcePaths } from './source-paths';

/** What a launch or attach says of programs. */
export interface ImageOptions {
  /** Path of the guest's kernel. */
  readonly kernel: string;
  /** Paths of symbol files; the kernel itself when left out, which may have some. */
  readonly symbols?: readonly string[] | undefined;
  readonly sourceMap?: Readonly<Record<string, string>> | undefined;
}

const MOST_CLONES = 100;
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

  /** Opens the symbol files. Throws UserErrors for those that the user names. */
  load({ kernel, symbols, sourceMap = {} }: ImageOptions): void {
    this.close();
    this.paths = new SourcePaths(sourceMap);
    const named = symbols ?? [kernel];
    for (const path of named) {
      try {
        const image = new Image(this.images.length + 1, path);
        // An ELF is loaded where it is linked; everything else may move itself.
        if (isElf(kernel) && (same(path, kernel) || this.hasSegmentsOf(image, kernel))) image.slide = 0n;
        this.images.push(image);
      } catch (error) {
        // The kernel's own symbols are a gift: without them it runs all the same.
        if (symbols || !(error instanceof UserError)) throw error;
      }
    }
  }

  close(): void {
    this.images.forEach((image) => image.close());
    this.images = [];
  }

  get all(): readonly Image[] {
    return this.images;
  }

  /** True while a program is not found in memory. */
  get isWaiting(): boolean {
    return this.images.some(({ slide }) => slide === undefined);
  }

  /** Looks for the programs whose place is not known; gives those found. */
  async place(target: Target, thread: number): Promise<readonly Image[]> {
    const found: Image[] = [];
    for (const image of this.images) {
      if (image.slide !== undefined) continue;
      image.slide = await findSlide(target, thread, image.symbols);
      if (image.slide !== undefined) found.push(image);
    }
    return found;
  }

  /** Forgets where programs that move themselves were: the guest starts again. */
  forgetPlaces(kernel: string): void {
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

  /** The unwind data for the code at an address, and the distance of its addresses from theirs. */
  orcAt(linear: bigint): { table: OrcTable; slide: bigint } | undefined {
    const image = this.images.find((one) => one.link(linear) !== undefined);
    return image?.orc && { table: image.orc, slide: image.slide! };
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

  private hasSegmentsOf(image: Image, kernel: string): boolean {
    try {
      const other = new Image(0, kernel);
      other.close();
      const ranges = ({ symbols }: Image): string => symbols.segments.map(({ start, end }) => `${start}-${end}`).join();
      return image.symbols.entry === other.symbols.entry && ranges(image) === ranges(other);
    } catch {
      return false;
    }
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
    nearest: (name) => nearestName(name, (prefix, limit) => images.symbolNames(prefix, limit), REGISTER_NAMES),
  };
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
