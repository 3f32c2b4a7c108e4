/**
 * Files with the debug information of a Linux guest's modules: those that the user names, and those that lie where kernel
 * builds and distributions put them. One is taken only if it has the build-id that the loaded module tells. Sources: Linux
 * Documentation/kbuild/kbuild.rst (`modules.order`); Debian's and Fedora's kernel debug packages; gdb manual, "Separate
 * Debug Files".
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { UserError } from '../../common/errors';
import { buildIdPath, hasBuildId } from './debug-files';

/** More files than a kernel has modules. */
const MOST_FILES = 50_000;
const MAX_ORDER_BYTES = 0x100_0000;
const ENDING = /\.ko(\.debug)?$|\.o$/;

export class ModuleFiles {
  /** Paths by the kernel's name of the module, which has no `-`; filled when the first module comes. */
  private byName: ReadonlyMap<string, readonly string[]> | undefined;

  /** `objects` are files that the user names, `folders` hold debug files, `programs` are paths of the kernel and of its symbol files. */
  constructor(
    private readonly objects: readonly string[],
    private readonly folders: readonly string[],
    private readonly programs: readonly string[],
  ) {}

  /** The file of the module of that name and build-id; undefined if none is here. */
  find(name: string, buildId: string): string | undefined {
    this.byName ??= byModule([...this.objects, ...this.listed()]);
    const byId = this.folders.map((folder) => join(folder, buildIdPath(buildId)));
    return [...(this.byName.get(name) ?? []), ...byId].find((path) => hasBuildId(path, buildId));
  }

  /** The file that the user names for a module of that name, whatever its build. */
  named(name: string): string | undefined {
    return byModule(this.objects).get(name)?.[0];
  }

  private *listed(): Generator<string> {
    // The folder of vmlinux is that of a build tree; that of arch/x86/boot/bzImage is three folders up.
    const trees = this.programs.map(dirname).flatMap((own) => [own, join(own, '..', '..', '..')]);
    for (const tree of new Set(trees)) yield* orderedIn(tree);
    for (const folder of this.folders) {
      yield* orderedIn(folder);
      yield* namesIn(folder);
      const modules = join(folder, 'lib', 'modules');
      for (const version of namesIn(modules)) yield* filesBelow(version);
    }
  }
}

function byModule(paths: Iterable<string>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let count = 0;
  for (const path of paths) {
    if (!ENDING.test(path)) continue;
    if (++count > MOST_FILES) break;
    const name = basename(path).replace(ENDING, '').replaceAll('-', '_');
    found.set(name, [...(found.get(name) ?? []), path]);
  }
  return found;
}

/** What a build tree says that it has built: `.ko` files up to Linux 6.4, `.o` files from then on. */
function orderedIn(tree: string): string[] {
  const order = unlessMissing(() => readFileSync(join(tree, 'modules.order')).subarray(0, MAX_ORDER_BYTES));
  const lines = order?.toString('utf8').split('\n').filter(Boolean) ?? [];
  return lines.map((line) => line.replace(/\.o$/, '.ko')).map((line) => (isAbsolute(line) ? line : join(tree, line)));
}

function namesIn(folder: string): string[] {
  return (unlessMissing(() => readdirSync(folder)) ?? []).map((name) => join(folder, name));
}

function filesBelow(folder: string): string[] {
  const entries = unlessMissing(() => readdirSync(folder, { recursive: true, encoding: 'utf8' })) ?? [];
  return entries.map((path) => join(folder, path));
}

function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof UserError || typeof (error as NodeJS.ErrnoException).code === 'string') return undefined;
    throw error;
  }
}
