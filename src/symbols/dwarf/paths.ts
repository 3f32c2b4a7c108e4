/**
 * The names of source files: absolute where the compiler said so, with `.` and `..` taken out, one number for each.
 * Compilers on Windows write drive letters and backslashes; both are understood.
 */
import { UserError } from '../../common/errors';

/** Characters of all paths of a file together; only a hostile file has more. */
const MAX_CHARACTERS = 0x400_0000;

/** True for `/x` and `C:\x`. */
function isAbsolute(path: string): boolean {
  return path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path);
}

/** `path` with `/` between its parts and without `.`, `..` and empty parts. */
export function normalisePath(path: string): string {
  const parts: string[] = [];
  for (const part of path.replaceAll('\\', '/').split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '..' || !isAbsolute(path)) parts.push(part);
  }
  return (path.startsWith('/') ? '/' : '') + parts.join('/');
}

/** `path` as seen from `folder`. */
export function joinPath(folder: string, path: string): string {
  return isAbsolute(path) || folder === '' ? path : `${folder}/${path}`;
}

/** All source files of a symbol file; a file's number is its place in `paths`. */
export class SourcePaths {
  readonly paths: string[] = [];
  private readonly ids = new Map<string, number>();
  private readonly byFolder = new Map<string, Map<string, number>>();
  private byName: Map<string, number[]> | undefined;
  private characters = 0;

  /** The number of the file `name` in `folder`. Throws a UserError when there are absurdly many. */
  id(folder: string, name: string): number {
    let names = this.byFolder.get(folder);
    if (!names) {
      names = new Map();
      this.byFolder.set(folder, names);
    }
    let id = names.get(name);
    if (id === undefined) {
      id = this.add(normalisePath(joinPath(folder, name)));
      names.set(name, id);
    }
    return id;
  }

  /** The number of the file with exactly this normalised path. */
  find(path: string): number | undefined {
    return this.ids.get(path);
  }

  /**
   * The file with this path, else those that share the most last parts with it (the file's name at least): sources are
   * rarely debugged where they were built.
   */
  bestMatches(path: string): string[] {
    const wanted = normalisePath(path);
    if (this.ids.has(wanted)) return [wanted];
    if (!this.byName) {
      this.byName = new Map();
      for (const [id, known] of this.paths.entries()) {
        const ids = this.byName.get(lastPart(known));
        if (ids) ids.push(id);
        else this.byName.set(lastPart(known), [id]);
      }
    }
    const candidates = (this.byName.get(lastPart(wanted)) ?? []).map((id) => this.paths[id]!);
    const parts = wanted.split('/').reverse();
    const shared = candidates.map((candidate) => {
      const own = candidate.split('/').reverse();
      const different = parts.findIndex((part, index) => part !== own[index]);
      return different < 0 ? parts.length : different;
    });
    const best = Math.max(...shared);
    return candidates.filter((_, index) => shared[index] === best);
  }

  private add(path: string): number {
    const known = this.ids.get(path);
    if (known !== undefined) return known;
    this.characters += path.length;
    if (this.characters > MAX_CHARACTERS) {
      throw new UserError('symbols.damaged', 'The line table names absurdly many files. Rebuild the file.');
    }
    this.byName = undefined;
    this.ids.set(path, this.paths.length);
    return this.paths.push(path) - 1;
  }
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
