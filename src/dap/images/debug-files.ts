/**
 * Debug information that was installed apart from its program: looked for by build-id where distributions and kernel
 * builds put it, as gdb does, and taken only if the build-id is the same. Sources: gdb manual, "Separate Debug Files";
 * Debian's and Fedora's kernel debug packages; a Linux build tree's layout.
 */
import { basename, dirname, join } from 'node:path';
import { UserError } from '../../common/errors';
import { buildIdOf } from '../../symbols/elf/build-id';
import { ElfFile } from '../../symbols/elf/elf-file';
import { FileBytes, inflate } from './file-bytes';

/** Where systems keep debug files. */
export const DEBUG_FOLDERS: readonly string[] = ['/usr/lib/debug'];

/** The file with the debug information of the program at `path`, which has this build-id; undefined if none is here. */
export function debugFileOf(path: string, buildId: string, folders: readonly string[]): string | undefined {
  return candidates(path, buildId, folders).find((candidate) => candidate !== path && hasBuildId(candidate, buildId));
}

/** Where a folder of debug files has the one with this build-id. */
export function buildIdPath(buildId: string): string {
  return join('.build-id', buildId.slice(0, 2), `${buildId.slice(2)}.debug`);
}

function candidates(path: string, buildId: string, folders: readonly string[]): string[] {
  const version = /^(?:vmlinuz|bzImage)-(.+)$/.exec(basename(path))?.[1];
  const installed = (folder: string): string[] =>
    version === undefined
      ? []
      : [
          join(folder, 'boot', `vmlinux-${version}`),
          join(folder, 'lib', 'modules', version, 'vmlinux'),
          join(folder, 'lib', 'modules', version, 'build', 'vmlinux'),
        ];
  return [
    // arch/x86/boot/bzImage of a build tree.
    join(dirname(path), '..', '..', '..', 'vmlinux'),
    ...(version === undefined ? [] : [join(dirname(path), `vmlinux-${version}`)]),
    ...folders.flatMap((folder) => [join(folder, buildIdPath(buildId)), ...installed(folder)]),
    ...installed('/'),
  ];
}

/** Whether an ELF file of this build-id is there. */
export function hasBuildId(path: string, buildId: string): boolean {
  let bytes: FileBytes | undefined;
  try {
    bytes = new FileBytes('symbol', path);
    return buildIdOf(new ElfFile(bytes, inflate)) === buildId;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  } finally {
    bytes?.close();
  }
}
