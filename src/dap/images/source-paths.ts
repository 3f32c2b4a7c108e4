/**
 * Where the sources lie that debug information names: a program may be built elsewhere, or with relative paths. A path is
 * mapped by the user's `sourceMap`, else taken as it is, else looked for beside the program and above it.
 */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';

const MOST_PARENTS = 4;

/** Finds source files on this computer. */
export class SourcePaths {
  private readonly found = new Map<string, string>();

  /** `sourceMap`: prefixes of the paths in debug information, and what stands for them here. */
  constructor(private readonly sourceMap: Readonly<Record<string, string>>) {}

  /** The path here of `file`, which the program at `imagePath` names; there may be no such file. */
  resolve(file: string, imagePath: string): string {
    const key = `${imagePath}\0${file}`;
    let path = this.found.get(key);
    if (path === undefined) {
      path = this.mapped(file) ?? search(file, imagePath);
      this.found.set(key, path);
    }
    return path;
  }

  private mapped(file: string): string | undefined {
    const prefixes = Object.keys(this.sourceMap).sort((a, b) => b.length - a.length);
    const prefix = prefixes.find((from) => file === from || file.startsWith(from.endsWith('/') ? from : `${from}/`));
    return prefix === undefined ? undefined : join(this.sourceMap[prefix]!, file.slice(prefix.length));
  }
}

/** Leaves leading folders out one by one, in the program's folder and its parents. */
function search(file: string, imagePath: string): string {
  if (isAbsolute(file) && existsSync(file)) return file;
  const parts = file.split('/').filter((part) => part !== '' && part !== '.');
  let folder = dirname(resolve(imagePath));
  for (let level = 0; level <= MOST_PARENTS; level++) {
    for (let first = 0; first < parts.length; first++) {
      const path = join(folder, ...parts.slice(first));
      if (existsSync(path)) return path;
    }
    const parent = dirname(folder);
    if (parent === folder) break;
    folder = parent;
  }
  return isAbsolute(file) ? file : resolve(dirname(imagePath), file);
}
