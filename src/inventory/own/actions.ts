/** What can be done to our own machines, as menus show it. */
import type { Action } from '../provider';

const MACHINE = ['machine'] as const;
const SNAPSHOT = ['snapshot'] as const;

/** In the order in which menus have them. */
export const OWN_ACTIONS = [
  { id: 'create', title: 'Create Machine...', icon: 'add', on: [], group: 'inline' },
  { id: 'start', title: 'Start', icon: 'play', on: MACHINE, group: 'inline', severalItems: true },
  { id: 'startDebug', title: 'Start with Debugger', icon: 'debug-alt', on: MACHINE, group: 'inline' },
  { id: 'chooseKernel', title: 'Choose Another Kernel...', icon: 'folder-opened', on: MACHINE, group: 'inline' },
  { id: 'pause', title: 'Pause', icon: 'debug-pause', on: MACHINE, group: 'inline', severalItems: true },
  { id: 'resume', title: 'Resume', icon: 'debug-continue', on: MACHINE, group: 'inline', severalItems: true },
  { id: 'attach', title: 'Attach Debugger', icon: 'debug-alt', on: MACHINE, group: 'inline' },
  { id: 'powerButton', title: 'Press Power Button', icon: 'circle-large', on: MACHINE, group: 'state' },
  { id: 'reset', title: 'Reset', icon: 'debug-restart', on: MACHINE, group: 'state', severalItems: true },
  { id: 'suspend', title: 'Suspend to Disk', icon: 'save', on: MACHINE, group: 'state', severalItems: true },
  { id: 'console', title: 'Open Serial Terminal', icon: 'terminal', on: MACHINE, group: 'show' },
  { id: 'edit', title: 'Edit Machine File', icon: 'edit', on: MACHINE, group: 'change' },
  { id: 'snapshot', title: 'Take Snapshot...', icon: 'device-camera', on: MACHINE, group: 'change' },
  { id: 'clone', title: 'Clone...', icon: 'copy', on: MACHINE, group: 'change' },
  { id: 'kill', title: 'Kill', icon: 'debug-stop', on: MACHINE, group: 'danger', severalItems: true },
  { id: 'delete', title: 'Delete Machine', icon: 'trash', on: MACHINE, group: 'danger', severalItems: true },
  { id: 'goBack', title: 'Go Back to Snapshot', icon: 'discard', on: SNAPSHOT, group: 'inline' },
  { id: 'compare', title: 'Compare with...', icon: 'diff', on: SNAPSHOT, group: 'show' },
  { id: 'deleteSnapshot', title: 'Delete Snapshot', icon: 'trash', on: SNAPSHOT, group: 'danger', severalItems: true },
] as const satisfies readonly Action[];

export type OwnAction = (typeof OWN_ACTIONS)[number]['id'];
