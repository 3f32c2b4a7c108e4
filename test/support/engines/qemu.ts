// QEMUs for tests: a guest that ticks on its serial line, QEMUs started by hand, and a second look at them through a
// monitor of their own, by no code of ours.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { lab, requireLab } from '../lab/lab';
import { Daemon } from './daemon';

// By their folders among the drivers, in the order in which they need each other.
const MODULES = [
  'virtio/virtio_ring',
  'virtio/virtio',
  'virtio/virtio_pci_legacy_dev',
  'virtio/virtio_pci_modern_dev',
  'virtio/virtio_pci',
  'virtio/virtio_balloon',
  'char/virtio_console',
];

// A guest agent of a few words, by QEMU's protocol for it (qga/qapi-schema.json), on its virtio port.
const AGENT = `exec 3<>"$1"
while true; do
  # It reads nothing at all while nobody is at the other end.
  read -r line <&3 || { sleep 0.1; continue; }
  case "$line" in
    *guest-sync*) id=\${line##*\\"id\\":}; echo "{\\"return\\":\${id%%\\}*}}" ;;
    *guest-get-host-name*) echo '{"return":{"host-name":"ticking"}}' ;;
    *guest-get-osinfo*) echo '{"return":{"id":"tick","pretty-name":"Tick OS 1"}}' ;;
    *guest-network-get-interfaces*)
      echo '{"return":[{"name":"eth7","hardware-address":"52:54:00:12:34:56","ip-addresses":[{"ip-address":"10.9.8.7","ip-address-type":"ipv4","prefix":24}]}]}' ;;
    *) echo '{"error":{"class":"CommandNotFound","desc":"no such word"}}' ;;
  esac >&3
done
`;

// Prints `TICK n` every tenth of a second, and says what its serial line brings. Its memory balloon works.
const TICK_INIT = `#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in ${MODULES.join(' ')}; do insmod /lib/$module.ko; done
( n=0; while [ $((n += 1)) -lt 50 ]; do for port in /dev/vport*p1; do [ ! -c $port ] || exec sh /agent $port; done; sleep 0.1; done ) &
( while read line; do echo "HEARD: $line"; done ) </dev/ttyS0 &
i=0
while true; do i=$((i + 1)); echo "TICK $i"; sleep 0.1; done
`;

/** A Linux guest that ticks: paths of its kernel and initial RAM disk. */
export interface TickingGuest {
  readonly kernel: string;
  readonly initrd: string;
}

/** The guest, or the test is skipped. */
export async function tickingGuest(context: Context): Promise<TickingGuest> {
  const { image, modules } = requireLab(context, await lab.kernel());
  const file = (name: string) => readFileSync(join(modules, 'kernel', 'drivers', `${name}.ko`));
  const files = Object.fromEntries(MODULES.map((name) => [`lib/${name}.ko`, file(name)]));
  files['agent'] = Buffer.from(AGENT);
  return { kernel: image, initrd: requireLab(context, await lab.initrd(TICK_INIT, 'amd64', files)) };
}

/** The numbers of the ticks in a terminal's text. */
export const ticksIn = (text: string): number[] =>
  [...text.matchAll(/TICK (\d+)\r?\n/g)].map(([, digits]) => Number(digits));

/** Asks a QEMU's monitor at a socket; gives what the last command returns. */
export function askQmp<T>(path: string, ...commands: readonly { execute: string; arguments?: object }[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const all = [{ execute: 'qmp_capabilities' }, ...commands];
    const socket = connect({ path });
    let text = '';
    let asked = 0;
    const over = (settle: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    const timer = setTimeout(() => over(() => reject(new Error(`no answer on ${path}`))), 10_000);
    socket.on('error', (error) => over(() => reject(error)));
    socket.on('data', (bytes) => {
      text += bytes.toString('utf8');
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const message of lines.map((line) => JSON.parse(line) as Record<string, unknown>)) {
        if ('event' in message) continue;
        if ('error' in message) return over(() => reject(new Error(JSON.stringify(message['error']))));
        const next = all[asked++];
        if (!next) return over(() => resolve(message['return'] as T));
        socket.write(`${JSON.stringify(next)}\n`);
      }
    });
  });
}

/** What the human monitor prints. */
export const askMonitor = (path: string, command: string): Promise<string> =>
  askQmp(path, { execute: 'human-monitor-command', arguments: { 'command-line': command } });

/** Starts a QEMU with these arguments; resolves once one of its monitors listens. */
export async function startQemu(
  command: string,
  args: readonly string[],
  folder: string,
  monitor: string,
): Promise<Daemon> {
  const daemon = new Daemon([command, '-display', 'none', '-monitor', 'none', '-serial', 'none', ...args], folder);
  await daemon.start(() => askQmp(monitor, { execute: 'query-status' }));
  return daemon;
}

/** Runs a program; resolves when it has ended well. */
export function runOnce(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'ignore' });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))));
  });
}
