/**
 * What a QEMU's command line says of it: its name, its guest's kernel, where its monitors, gdb stub and serial lines listen.
 * Source: QEMU's manual (7.2), options -name, -kernel, -qmp, -mon, -chardev, -gdb, -s, -serial, -incoming.
 * NOT IMPLEMENTED: -readconfig files, monitors made later over another monitor.
 */
import { resolve } from 'node:path';
import { type Options, parseListenAddress, parseOptions, socketOfChardev, type SocketAddress } from './socket-address';

/** The gdb stub's address as our debugger's `gdb` attribute takes it: a path, or `HOST:PORT`. */
export const gdbText = (address: SocketAddress): string =>
  address.kind === 'unix' ? address.path : `${address.host}:${address.port}`;

/** What was read. */
export interface QemuArguments {
  readonly name?: string | undefined;
  /** Path of the kernel that QEMU itself loads. */
  readonly kernel?: string | undefined;
  /** QMP sockets, in the order of the command line. */
  readonly monitors: readonly SocketAddress[];
  /** A monitor that only the parent process has, by a file descriptor: libvirt's way. */
  readonly hasInheritedMonitor: boolean;
  readonly gdb?: SocketAddress | undefined;
  /** Serial lines at sockets, with the file that logs them where there is one. */
  readonly serials: readonly SerialLine[];
  /** Where it waits for a migration: `defer`, `tcp:...`, `unix:...`. */
  readonly incoming?: string | undefined;
}

/** A serial line that can be connected to. */
export interface SerialLine {
  readonly address: SocketAddress;
  readonly log?: string | undefined;
}

const SINGLE = ['name', 'kernel', 'incoming', 'gdb'] as const;
const REPEATED = ['qmp', 'qmp-pretty', 'mon', 'chardev', 'serial', 'device'] as const;

/** Reads the arguments after the program's own name. `folder` is QEMU's working directory. */
export function parseQemuArguments(args: readonly string[], folder: string): QemuArguments {
  const values = collect(args);
  const last = (option: (typeof SINGLE)[number]): string | undefined => values.get(option)?.at(-1);
  const chardevs = new Map<string, Options>();
  for (const text of values.get('chardev') ?? []) {
    const options = parseOptions(text, 'backend');
    chardevs.set(options.get('id') ?? '', options);
  }
  const addressOf = (device: string): SocketAddress | undefined =>
    device.startsWith('chardev:')
      ? chardevAddress(chardevs.get(device.slice('chardev:'.length)), folder)
      : parseListenAddress(device, folder);
  const control = (values.get('mon') ?? [])
    .map((text) => parseOptions(text, 'chardev'))
    .filter((options) => options.get('mode') === 'control')
    .map((options) => chardevs.get(options.get('chardev') ?? ''));
  const monitors = [...(values.get('qmp') ?? []), ...(values.get('qmp-pretty') ?? [])].map(addressOf);
  const gdb = args.some((one) => one === '-s' || one === '--s') ? 'tcp::1234,server=on' : listening(last('gdb'));
  const kernel = last('kernel');
  const named = parseOptions(last('name') ?? '', 'guest').get('guest');
  return {
    name: named === '' ? undefined : named,
    kernel: kernel === undefined ? undefined : resolve(folder, kernel),
    monitors: [...monitors, ...control.map((options) => chardevAddress(options, folder))].filter(isThere),
    hasInheritedMonitor: control.some((options) => options?.has('fd')),
    gdb: gdb === undefined ? undefined : addressOf(gdb),
    serials: serialLines(values, chardevs, addressOf, folder),
    incoming: last('incoming'),
  };
}

function collect(args: readonly string[]): Map<string, string[]> {
  const known: readonly string[] = [...SINGLE, ...REPEATED];
  const values = new Map<string, string[]>();
  for (let at = 0; at < args.length; at += 1) {
    const option = /^--?(.+)$/.exec(args[at] ?? '')?.[1] ?? '';
    if (!known.includes(option)) continue;
    at += 1;
    values.set(option, [...(values.get(option) ?? []), args[at] ?? '']);
  }
  return values;
}

/** `-gdb` makes a server of TCP addresses by itself. */
const listening = (gdb: string | undefined): string | undefined =>
  gdb?.startsWith('tcp:') && !/,server\b/.test(gdb) ? `${gdb},server=on` : gdb;

function serialLines(
  values: ReadonlyMap<string, readonly string[]>,
  chardevs: ReadonlyMap<string, Options>,
  addressOf: (device: string) => SocketAddress | undefined,
  folder: string,
): SerialLine[] {
  const devices = (values.get('device') ?? [])
    .map((text) => parseOptions(text, 'driver'))
    .filter((options) => options.get('driver') === 'isa-serial')
    .map((options) => `chardev:${options.get('chardev') ?? ''}`);
  return [...(values.get('serial') ?? []), ...devices].flatMap((device) => {
    const address = addressOf(device);
    if (!address) return [];
    const named = device.startsWith('chardev:') ? chardevs.get(device.slice('chardev:'.length)) : parseOptions(device);
    const log = named?.get('logfile');
    return [{ address, log: log === undefined || log.startsWith('/') ? log : `${folder}/${log}` }];
  });
}

const chardevAddress = (options: Options | undefined, folder: string): SocketAddress | undefined =>
  options?.get('backend') === 'socket' ? socketOfChardev(options, folder) : undefined;

const isThere = <T>(value: T | undefined): value is T => value !== undefined;
