/** What can be done to a libvirt daemon's objects, as menus show it. */
import type { Action } from '../provider';

const DOMAIN = ['domain'] as const;
const SNAPSHOT = ['snapshot'] as const;
const STARTED = ['domain', 'network', 'pool'] as const;

/** In the order in which menus have them. */
export const LIBVIRT_ACTIONS = [
  { id: 'defineXml', title: 'Define from XML...', icon: 'add', on: [], group: 'inline' },
  { id: 'restoreFile', title: 'Restore from File...', icon: 'folder-opened', on: [], group: 'change' },
  { id: 'start', title: 'Start', icon: 'play', on: STARTED, group: 'inline', severalItems: true },
  { id: 'suspendDomain', title: 'Suspend', icon: 'debug-pause', on: DOMAIN, group: 'inline', severalItems: true },
  { id: 'resume', title: 'Resume', icon: 'debug-continue', on: DOMAIN, group: 'inline', severalItems: true },
  { id: 'wakeUp', title: 'Wake Up', icon: 'bell', on: DOMAIN, group: 'state' },
  { id: 'attach', title: 'Attach Debugger', icon: 'debug-alt', on: DOMAIN, group: 'inline' },
  { id: 'shutdown', title: 'Shut Down', icon: 'circle-large', on: DOMAIN, group: 'state', severalItems: true },
  { id: 'reboot', title: 'Reboot', icon: 'refresh', on: DOMAIN, group: 'state', severalItems: true },
  { id: 'reset', title: 'Reset', icon: 'debug-restart', on: DOMAIN, group: 'state', severalItems: true },
  { id: 'managedSave', title: 'Managed Save', icon: 'save', on: DOMAIN, group: 'state', severalItems: true },
  { id: 'dropManagedSave', title: 'Drop Managed Save', icon: 'discard', on: DOMAIN, group: 'danger' },
  { id: 'saveToFile', title: 'Save to File...', icon: 'save-as', on: DOMAIN, group: 'state' },
  { id: 'console', title: 'Open Serial Terminal', icon: 'terminal', on: DOMAIN, group: 'show' },
  { id: 'monitorCommand', title: 'Run Monitor Command...', icon: 'terminal-cmd', on: DOMAIN, group: 'show' },
  { id: 'editXml', title: 'Edit XML', icon: 'edit', on: STARTED, group: 'change' },
  { id: 'snapshot', title: 'Take Snapshot...', icon: 'device-camera', on: DOMAIN, group: 'change' },
  { id: 'clone', title: 'Clone...', icon: 'copy', on: DOMAIN, group: 'change' },
  { id: 'autostart', title: 'Toggle Autostart', icon: 'rocket', on: DOMAIN, group: 'change' },
  { id: 'balloon', title: 'Set Memory Balloon...', icon: 'dashboard', on: DOMAIN, group: 'change' },
  { id: 'pinVcpu', title: 'Pin vCPU...', icon: 'pin', on: DOMAIN, group: 'change' },
  { id: 'dumpMemory', title: 'Dump Memory...', icon: 'save', on: DOMAIN, group: 'change' },
  { id: 'backup', title: 'Back Up Disks...', icon: 'archive', on: DOMAIN, group: 'change' },
  { id: 'migrate', title: 'Migrate...', icon: 'arrow-swap', on: DOMAIN, group: 'change' },
  { id: 'destroy', title: 'Destroy', icon: 'debug-stop', on: STARTED, group: 'danger', severalItems: true },
  { id: 'undefine', title: 'Undefine', icon: 'trash', on: STARTED, group: 'danger', severalItems: true },
  { id: 'goBack', title: 'Go Back to Snapshot', icon: 'discard', on: SNAPSHOT, group: 'inline' },
  { id: 'deleteSnapshot', title: 'Delete Snapshot', icon: 'trash', on: SNAPSHOT, group: 'danger', severalItems: true },
  { id: 'ioLimits', title: 'Set I/O Limits...', icon: 'dashboard', on: ['disk'], group: 'change' },
  { id: 'createVolume', title: 'Create Volume...', icon: 'add', on: ['pool'], group: 'change' },
  { id: 'refreshPool', title: 'Refresh Pool', icon: 'refresh', on: ['pool'], group: 'change' },
  { id: 'removeVolume', title: 'Delete Volume', icon: 'trash', on: ['volume'], group: 'danger', severalItems: true },
] as const satisfies readonly Action[];

export type LibvirtAction = (typeof LIBVIRT_ACTIONS)[number]['id'];
