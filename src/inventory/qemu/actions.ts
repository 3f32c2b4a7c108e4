/** What can be done to QEMUs, as menus show it. */
import type { Action } from '../provider';

const MACHINE = ['machine'] as const;
const SNAPSHOT = ['snapshot'] as const;

/** In the order in which menus have them. */
export const QEMU_ACTIONS = [
  { id: 'start', title: 'Start', icon: 'play', on: MACHINE, group: 'inline', severalItems: true },
  { id: 'startDebug', title: 'Start with Debugger', icon: 'debug-alt', on: MACHINE, group: 'inline' },
  { id: 'pause', title: 'Pause', icon: 'debug-pause', on: MACHINE, group: 'inline', severalItems: true },
  { id: 'resume', title: 'Resume', icon: 'debug-continue', on: MACHINE, group: 'inline', severalItems: true },
  { id: 'attach', title: 'Attach Debugger', icon: 'debug-alt', on: MACHINE, group: 'inline' },
  { id: 'powerButton', title: 'Press Power Button', icon: 'circle-large', on: MACHINE, group: 'state' },
  { id: 'wakeUp', title: 'Wake Up', icon: 'bell', on: MACHINE, group: 'state' },
  { id: 'reset', title: 'Reset', icon: 'debug-restart', on: MACHINE, group: 'state', severalItems: true },
  { id: 'console', title: 'Open Serial Terminal', icon: 'terminal', on: MACHINE, group: 'show' },
  { id: 'monitorCommand', title: 'Run Monitor Command...', icon: 'terminal-cmd', on: MACHINE, group: 'show' },
  { id: 'edit', title: 'Edit Machine File', icon: 'edit', on: MACHINE, group: 'change' },
  { id: 'snapshot', title: 'Take Snapshot...', icon: 'device-camera', on: MACHINE, group: 'change' },
  { id: 'dumpMemory', title: 'Dump Memory...', icon: 'save', on: MACHINE, group: 'change' },
  { id: 'migrate', title: 'Migrate...', icon: 'arrow-swap', on: MACHINE, group: 'change' },
  { id: 'balloon', title: 'Set Memory Balloon...', icon: 'dashboard', on: MACHINE, group: 'change' },
  { id: 'quit', title: 'Quit QEMU', icon: 'debug-stop', on: MACHINE, group: 'danger', severalItems: true },
  { id: 'goBack', title: 'Go Back to Snapshot', icon: 'discard', on: SNAPSHOT, group: 'inline' },
  { id: 'deleteSnapshot', title: 'Delete Snapshot', icon: 'trash', on: SNAPSHOT, group: 'danger', severalItems: true },
] as const satisfies readonly Action[];

export type QemuAction = (typeof QEMU_ACTIONS)[number]['id'];
