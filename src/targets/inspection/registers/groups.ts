/** The groups of registers in the order in which they are shown. */
import type { Machine } from '../../../machine/machine';
import type { RegisterCell } from './cell';
import { controlCells } from './control';
import { debugCells } from './debug';
import { flagCells, generalCells } from './general';
import { msrCells } from './msrs';
import { segmentCells } from './segments';
import { sseCells } from './sse';
import { vmcsCells } from './vmcs';
import { x87Cells } from './x87';

/** The groups that every machine has. */
export const STATIC_GROUPS: Readonly<Record<string, readonly RegisterCell[]>> = {
  General: generalCells,
  Flags: flagCells,
  Segments: segmentCells,
  Control: controlCells,
  Debug: debugCells,
  MSRs: msrCells,
  x87: x87Cells,
  SSE: sseCells,
};

/** The group of our hypervisor's VMCS. */
export const VMCS_GROUP = 'VMCS';

/** The names of the groups that this machine has. */
export function groupNames(machine: Machine): string[] {
  return [...Object.keys(STATIC_GROUPS), ...(machine.hypervisor ? [VMCS_GROUP] : [])];
}

/** The registers of a group; undefined if this machine has no such group. */
export function cellsOf(machine: Machine, group: string): readonly RegisterCell[] | undefined {
  if (group === VMCS_GROUP) return machine.hypervisor && vmcsCells(machine);
  return Object.hasOwn(STATIC_GROUPS, group) ? STATIC_GROUPS[group] : undefined;
}
