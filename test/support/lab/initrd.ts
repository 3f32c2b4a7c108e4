// Builds a busybox initial RAM disk around an init script: gzip over newc cpio, the same bytes every time.
import { gzipSync } from 'node:zlib';
import { cpio, type CpioEntry } from './cpio';

const DIRECTORIES = ['bin', 'dev', 'proc', 'sys', 'tmp', 'root', 'lib'];

// The applets that test inits use; /bin/busybox itself is the file and must not be a link to itself.
const APPLETS = (
  'ash awk basename cat chmod cmp cp cut date dd df dmesg echo env expr false find free grep gunzip gzip head hexdump ' +
  'id insmod kill ln ls lsmod md5sum mkdir mknod modprobe mount mv nproc od poweroff printf ps pwd reboot rm sed ' +
  'seq setsid sh sha256sum sleep sort stat stty sync tail tar tee test time top touch tr true umount uname uniq ' +
  'uptime wc which xargs xxd yes zcat'
).split(' ');

/** What an initrd is made of besides busybox: the init script and more files by guest path. */
export interface InitrdContents {
  /** A statically linked busybox for the guest's architecture. */
  busybox: Uint8Array;
  /** The text of /init; starts with `#!/bin/sh`. */
  init: string;
  /** More files by path from the guest's root, without a leading slash; parent directories are made. */
  files?: Readonly<Record<string, Uint8Array>>;
}

const parents = (path: string): string[] =>
  path
    .split('/')
    .slice(0, -1)
    .map((_, index, names) => names.slice(0, index + 1).join('/'));

/** The gzip-compressed initrd. Equal contents give equal bytes (on one zlib). */
export function buildInitrd({ busybox, init, files = {} }: InitrdContents): Buffer {
  const directories = new Set([...DIRECTORIES, ...Object.keys(files).flatMap(parents)]);
  const entries: CpioEntry[] = [
    ...[...directories].map((path): CpioEntry => ({ kind: 'directory', path })),
    { kind: 'characterDevice', path: 'dev/console', major: 5, minor: 1 },
    { kind: 'file', path: 'init', content: Buffer.from(init), mode: 0o755 },
    { kind: 'file', path: 'bin/busybox', content: busybox, mode: 0o755 },
    ...APPLETS.map((applet): CpioEntry => ({ kind: 'link', path: `bin/${applet}`, target: 'busybox' })),
    ...Object.entries(files).map(([path, content]): CpioEntry => ({ kind: 'file', path, content })),
  ];
  return gzipSync(cpio(entries), { level: 9 });
}

/** The init of the boot tests: prints, mounts, forks, hashes, compresses, shows the kernel's log, powers off. */
export const BOOT_INIT = `#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
echo "INIT: $(uname -srm)"
( echo "FORKED: child of $$" ) &
wait
i=0
while [ $i -lt 10 ]; do /bin/true; i=$((i + 1)); done
echo "FORKS: $i"
echo "SHA256: $(dd if=/dev/zero bs=4k count=64 2>/dev/null | sha256sum | cut -d ' ' -f 1)"
echo "GZIP: $(gzip -c /bin/busybox | gunzip | cmp - /bin/busybox && echo same)"
echo "CPU: $(grep -m 1 'model name' /proc/cpuinfo)"
echo "CLOCKSOURCE: $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
echo "DMESG-BEGIN"
dmesg
echo "DMESG-END"
for file in /sys/devices/system/cpu/vulnerabilities/*; do echo "VULNERABILITY: $(basename $file): $(cat $file)"; done
echo "INIT-DONE"
poweroff -f
`;
