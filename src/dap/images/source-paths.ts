/**
 * Where the sources lie that debug information names: a program may be built elsewhere, or with relative paths. A path is
 * mapped by the user's `sourceMap`, else taken as it is, else looked for beside the program and above it.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';

const MOST_PARENTS = 4;

/** Finds source files on this computer. */
export class SourcePaths {
  /** By program and path in its debug information; a file that is not here has none. */
  private readonly found = new Map<string, string | undefined>();
  private readonly folders = new Map<string, ReadonlySet<string>>();
  /** Numbers of the sources that are not here, which clients ask us for. */
  private readonly absent = new Map<string, number>();

  /** `sourceMap`: prefixes of the paths in debug information, and what stands for them here. */
  constructor(private readonly sourceMap: Readonly<Record<string, string>>) {}

  /** The path here of `file`, which the program at `imagePath` names; undefined if there is no such file. */
  find(file: string, imagePath: string): string | undefined {
    const key = `${imagePath}\0${file}`;
    if (!this.found.has(key)) {
      const mapped = this.mapped(file);
      this.found.set(
        key,
        mapped === undefined ? this.search(file, imagePath) : existsSync(mapped) ? mapped : undefined,
      );
    }
    return this.found.get(key);
  }

  /** The source for the wire. One that is not here gets a number, so that the client asks, and is told what to do. */
  describe(file: string, imagePath: string): DebugProtocol.Source {
    const path = this.find(file, imagePath);
    if (path !== undefined) return { name: basename(path), path };
    if (!this.absent.has(file)) this.absent.set(file, this.absent.size + 1);
    return {
      name: basename(file),
      path: file,
      sourceReference: this.absent.get(file)!,
      presentationHint: 'deemphasize',
    };
  }

  private mapped(file: string): string | undefined {
    const prefixes = Object.keys(this.sourceMap).sort((a, b) => b.length - a.length);
    const prefix = prefixes.find((from) => file === from || file.startsWith(from.endsWith('/') ? from : `${from}/`));
    return prefix === undefined ? undefined : join(this.sourceMap[prefix]!, file.slice(prefix.length));
  }

  /** Leaves leading folders out one by one, in the program's folder and its parents. */
  private search(file: string, imagePath: string): string | undefined {
    if (isAbsolute(file) && existsSync(file)) return file;
    const parts = file.split('/').filter((part) => part !== '' && part !== '.');
    let folder = dirname(resolve(imagePath));
    for (let level = 0; level <= MOST_PARENTS; level++) {
      for (let first = 0; first < parts.length; first++) {
        if (!this.entries(folder).has(parts[first]!)) continue;
        const path = join(folder, ...parts.slice(first));
        if (existsSync(path)) return path;
      }
      const parent = dirname(folder);
      if (parent === folder) break;
      folder = parent;
    }
    return undefined;
  }

  /** Names in a folder: a kernel has thousands of sources, which are looked for in the same few folders. */
  private entries(folder: string): ReadonlySet<string> {
    let names = this.folders.get(folder);
    if (!names) this.folders.set(folder, (names = namesIn(folder)));
    return names;
  }
}

function namesIn(folder: string): ReadonlySet<string> {
  try {
    return new Set(readdirSync(folder));
  } catch {
    return new Set();
  }
}
