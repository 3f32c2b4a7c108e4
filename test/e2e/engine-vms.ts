// Linux in VMs of real engines, each waiting at reset, and a second look at them by no code of ours: QEMU through a monitor
// that the tree leaves alone, libvirt through virsh.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { privateFolder, removeFolder } from '../support/engines/daemon';
import { startLibvirtd } from '../support/engines/libvirt';
import { askMonitor, askQmp, startQemu, ticksIn } from '../support/engines/qemu';
import { lab, requireLab } from '../support/lab/lab';

/** The VM's name in its engine. */
export const NAME = 'Linux \u00fc';
const cmdline = (console: string): string => `console=${console} quiet mitigations=off panic=-1`;
const INIT = '#!/bin/sh\nexport PATH=/bin\ni=0\nwhile true; do i=$((i + 1)); echo "TICK $i"; sleep 0.1; done\n';
/** Before what each of virsh's commands prints. */
const MARK = '=====';

/** One VM. */
export interface EngineVm {
  /** The rows of the tree that lead to it. */
  readonly rows: readonly RegExp[];
  /** The engine's word for a VM that waits at reset. */
  readonly atReset: string;
  /** What the tree's client has to know to find it. */
  readonly env: Readonly<Record<string, string>>;
  /** What QEMU's human monitor prints for each line. */
  monitor(lines: readonly string[]): Promise<readonly string[]>;
  /** The engine's word for its state. */
  state(): Promise<string>;
  /** The number of the last tick that its guest has sent. */
  ticks(): number;
  end(): Promise<void>;
}

const lastTick = (path: string): number => (existsSync(path) ? (ticksIn(readFileSync(path, 'utf8')).at(-1) ?? 0) : 0);

/** A QEMU of its own, or the test is skipped. */
export async function inQemu(context: Context): Promise<EngineVm> {
  const { command } = requireLab(context, await lab.qemu());
  const { image } = requireLab(context, await lab.kernel());
  const initrd = requireLab(context, await lab.initrd(INIT));
  const folder = privateFolder('qemu');
  const within = (name: string): string => join(folder, name);
  const monitors = ['qmp', 'own'].flatMap((name) => ['-qmp', `unix:${within(name)},server=on,wait=off`]);
  const machine = ['-accel', 'tcg', '-m', '128', '-nodefaults', '-no-reboot', '-S', '-name', NAME];
  // Its first serial line leads nowhere.
  const serial = ['-append', cmdline('ttyS1'), '-serial', `file:${within('serial')}`];
  const guest = ['-kernel', image, '-initrd', initrd, ...serial];
  const daemon = await startQemu(command, [...machine, ...guest, ...monitors], folder, within('own'));
  return {
    rows: [/^QEMU/],
    atReset: 'prelaunch',
    env: {},
    monitor: async (lines) => {
      const said: string[] = [];
      for (const line of lines) said.push(await askMonitor(within('own'), line));
      return said;
    },
    state: async () => (await askQmp<{ status: string }>(within('own'), { execute: 'query-status' })).status,
    ticks: () => lastTick(within('serial')),
    end: async () => {
      await daemon.end('SIGKILL');
      await removeFolder(folder);
    },
  };
}

/** A domain of a libvirtd of its own, or the test is skipped. */
export async function inLibvirt(context: Context): Promise<EngineVm> {
  const { command: daemon } = requireLab(context, await lab.libvirtd());
  const { command: client } = requireLab(context, await lab.virsh());
  const { command: qemu } = requireLab(context, await lab.qemu());
  const { image } = requireLab(context, await lab.kernel());
  const initrd = requireLab(context, await lab.initrd(INIT));
  const libvirt = await startLibvirtd(daemon, client);
  const [definition, serial] = [join(libvirt.folder, 'domain.xml'), join(libvirt.folder, 'serial')];
  writeFileSync(
    definition,
    `<domain type='qemu'><name>${NAME}</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
      <os><type arch='x86_64' machine='pc'>hvm</type><kernel>${image}</kernel><initrd>${initrd}</initrd>
      <cmdline>${cmdline('ttyS0')}</cmdline></os><features><acpi/></features>
      <devices><emulator>${qemu}</emulator><serial type='file'><source path='${serial}'/></serial></devices></domain>`,
  );
  const ask = (line: string): string => `echo ${MARK}; qemu-monitor-command '${NAME}' --hmp '${line}'`;
  const end = async (): Promise<void> => {
    // Nothing in its QEMU's command line names the daemon that it belongs to.
    await libvirt.virsh('destroy', NAME).catch(() => '');
    await libvirt.dispose();
  };
  try {
    await libvirt.virsh('define', definition);
    await libvirt.virsh('start', '--paused', NAME);
  } catch (error) {
    await end();
    throw error;
  }
  return {
    rows: [/^libvirt/, /^Domains/],
    atReset: 'paused',
    env: { LIBVIRT_DEFAULT_URI: libvirt.uri() },
    // One virsh for all lines.
    monitor: async (lines) => (await libvirt.virsh(lines.map(ask).join('; '))).split(MARK).slice(1),
    state: () => libvirt.virsh('domstate', NAME),
    ticks: () => lastTick(serial),
    end,
  };
}
