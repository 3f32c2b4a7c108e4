// Writes a "newc" cpio archive, the form in which Linux takes an initial RAM file system.
// Source: Linux Documentation/driver-api/early-userspace/buffer-format.rst.
// The bytes depend on the entries alone: no time, owner or inode of the host gets in.
// NOT IMPLEMENTED: checksums ("070702"), hard links.

/** One entry of the archive; `path` is relative to the guest's root, without a leading slash. */
export type CpioEntry =
  | { kind: 'directory'; path: string; mode?: number }
  | { kind: 'file'; path: string; content: Uint8Array; mode?: number }
  | { kind: 'link'; path: string; target: string }
  | { kind: 'characterDevice'; path: string; major: number; minor: number; mode?: number };

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const S_IFCHR = 0o020000;

const modeOf = (entry: CpioEntry): number => {
  switch (entry.kind) {
    case 'directory':
      return S_IFDIR | (entry.mode ?? 0o755);
    case 'file':
      return S_IFREG | (entry.mode ?? 0o644);
    case 'link':
      return S_IFLNK | 0o777;
    case 'characterDevice':
      return S_IFCHR | (entry.mode ?? 0o600);
  }
};

const contentOf = (entry: CpioEntry): Uint8Array => {
  if (entry.kind === 'file') return entry.content;
  return entry.kind === 'link' ? Buffer.from(entry.target) : new Uint8Array();
};

const hex = (value: number): string => value.toString(16).padStart(8, '0');
const padding = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4);

/** The archive's bytes, entries in the order given (a directory before what it holds), trailer included. */
export function cpio(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  const add = (name: string, inode: number, mode: number, content: Uint8Array, device: [number, number]): void => {
    const links = (mode & S_IFDIR) !== 0 && (mode & S_IFREG) === 0 ? 2 : 1;
    const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, ...device, name.length + 1, 0];
    const header = Buffer.from(`070701${fields.map(hex).join('')}${name}\0`, 'latin1');
    parts.push(header, padding(header.length), Buffer.from(content), padding(content.length));
  };
  entries.forEach((entry, index) => {
    const device: [number, number] = entry.kind === 'characterDevice' ? [entry.major, entry.minor] : [0, 0];
    add(entry.path, index + 1, modeOf(entry), contentOf(entry), device);
  });
  add('TRAILER!!!', 0, 0, new Uint8Array(), [0, 0]);
  return Buffer.concat(parts);
}
