/**
 * Writes a "newc" cpio archive, the form in which Linux takes an initial RAM file system. Source: Linux
 * Documentation/driver-api/early-userspace/buffer-format.rst.
 *
 * NOT IMPLEMENTED: links, checksums ("070702"), owners and times (all 0, so that equal entries give equal bytes).
 */

/** One entry; `path` is relative to the guest's root. A directory comes before what it holds. */
export type Entry =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'program'; readonly path: string; readonly content: Uint8Array }
  | { readonly kind: 'characterDevice'; readonly path: string; readonly major: number; readonly minor: number };

/** `st_mode`: the type of the file and who may do what with it. */
const MODES: Readonly<Record<Entry['kind'], number>> = {
  directory: 0o040755,
  program: 0o100755,
  characterDevice: 0o020600,
};
const TRAILER = 'TRAILER!!!';

/** The archive's bytes, trailer included. */
export function newc(entries: readonly Entry[]): Uint8Array {
  return Buffer.concat([
    ...entries.flatMap((entry, index) => {
      const device = entry.kind === 'characterDevice' ? ([entry.major, entry.minor] as const) : ([0, 0] as const);
      const content = entry.kind === 'program' ? entry.content : new Uint8Array();
      return member(entry.path, content, [index + 1, MODES[entry.kind], entry.kind === 'directory' ? 2 : 1], device);
    }),
    ...member(TRAILER, new Uint8Array(), [0, 0, 1], [0, 0]),
  ]);
}

/** Header with name, and content, each padded to 4 bytes. */
function member(
  path: string,
  content: Uint8Array,
  [inode, mode, links]: readonly [number, number, number],
  [major, minor]: readonly [number, number],
): Uint8Array[] {
  // ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
  const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, major, minor, path.length + 1, 0];
  const digits = fields.map((field) => field.toString(16).padStart(8, '0')).join('');
  return [padded(Buffer.from(`070701${digits}${path}\0`, 'latin1')), padded(content)];
}

const padded = (bytes: Uint8Array): Uint8Array => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
