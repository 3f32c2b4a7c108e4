/**
 * Which files are guests, and what belongs to them: read from the files themselves, so that a name alone convinces
 * nobody. Sources: Linux Documentation/arch/x86/boot.rst (the setup header), System V ABI (the ELF header).
 */
import { access, constants, open, readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A kernel that can be booted. All paths are absolute. */
export interface Guest {
  readonly kernel: string;
  /** A bzImage: it wants a command line and an initial RAM disk. */
  readonly isLinux: boolean;
  /** The ELF file with the kernel's symbols, where that is another one. */
  readonly symbols?: string;
  /** Initial RAM disks that may be meant for it, the likeliest first. */
  readonly initrds: readonly string[];
}

/** Where `make` leaves a Linux kernel for x86 in its tree. */
const BZ_IMAGE = join('arch', 'x86', 'boot', 'bzImage');
const BOOT = '/boot';
const DEBUG_BOOT = '/usr/lib/debug/boot';
const INITRD = /^(initrd|initramfs|rootfs\.cpio)/;

const SETUP_MAGIC_AT = 0x202;
const ELF_MACHINE_AT = 18;
const X86_MACHINES = [3, 62];

/** The kernel that has been built in this tree, if it is a Linux tree. */
export async function builtKernel(tree: string): Promise<Guest | undefined> {
  const kernel = join(tree, BZ_IMAGE);
  return (await isReadable(kernel)) ? guest(kernel, [tree]) : undefined;
}

/** The guest that this file is, if it is one; `folders` are searched for initial RAM disks after its own. */
export async function guest(kernel: string, folders: readonly string[] = []): Promise<Guest | undefined> {
  const header = await firstBytes(kernel);
  if (header.subarray(0, 4).toString('latin1') === '\x7fELF') {
    const isX86 = header.length > ELF_MACHINE_AT + 1 && X86_MACHINES.includes(header.readUInt16LE(ELF_MACHINE_AT));
    return isX86 ? { kernel, isLinux: false, initrds: [] } : undefined;
  }
  if (header.subarray(SETUP_MAGIC_AT, SETUP_MAGIC_AT + 4).toString('latin1') !== 'HdrS') return undefined;
  const symbols = await symbolsOf(kernel);
  return { kernel, isLinux: true, ...(symbols && { symbols }), initrds: await initrdsFor(kernel, folders) };
}

/** This machine's own kernels that the user may read, the newest version first. */
export async function bootKernels(): Promise<Guest[]> {
  const names = (await list(BOOT)).filter((name) => name.startsWith('vmlinuz'));
  const files = await distinct(names.map((name) => join(BOOT, name)));
  const found = await Promise.all(files.map((file) => guest(file)));
  return found.filter((one) => one !== undefined);
}

/** The files without those that are another name of one before them. */
export async function distinct(files: readonly string[]): Promise<string[]> {
  const byFile = new Map<string, string>();
  for (const file of [...files].sort()) {
    const real = await realpath(file).catch(() => file);
    if (!byFile.has(real)) byFile.set(real, file);
  }
  return [...byFile.values()];
}

async function symbolsOf(kernel: string): Promise<string | undefined> {
  const folder = dirname(kernel);
  const name = basename(kernel).replace(/^vmlinuz/, 'vmlinux');
  const candidates = kernel.endsWith(BZ_IMAGE)
    ? [join(kernel.slice(0, -BZ_IMAGE.length), 'vmlinux')]
    : [join(folder, 'vmlinux'), join(folder, name), ...(folder === BOOT ? [join(DEBUG_BOOT, name)] : [])];
  for (const candidate of candidates) if (candidate !== kernel && (await isReadable(candidate))) return candidate;
  return undefined;
}

async function initrdsFor(kernel: string, folders: readonly string[]): Promise<string[]> {
  const places = [...new Set([dirname(kernel), ...folders])];
  const found = (
    await Promise.all(
      places.map(async (place) =>
        (await list(place)).filter((name) => INITRD.test(name)).map((name) => join(place, name)),
      ),
    )
  ).flat();
  const readable = [];
  for (const file of found) if (await isReadable(file)) readable.push(file);
  // Beside several kernels the one whose name carries this kernel's version is the right one.
  const version = /^vmlinuz-(.+)$/.exec(basename(kernel))?.[1];
  const own = version === undefined ? [] : readable.filter((file) => basename(file).includes(version));
  return own.length > 0 ? own : readable;
}

const isReadable = (file: string): Promise<boolean> =>
  access(file, constants.R_OK).then(
    () => true,
    () => false,
  );

const list = (folder: string): Promise<string[]> =>
  readdir(folder).then(
    (names) => names.sort().reverse(),
    () => [],
  );

/** Enough for both headers; empty if the file cannot be read. */
async function firstBytes(file: string): Promise<Buffer> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(SETUP_MAGIC_AT + 4), 0, SETUP_MAGIC_AT + 4, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return Buffer.alloc(0);
  }
}
