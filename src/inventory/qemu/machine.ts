/** A machine as the tree has it: a QEMU that runs, a machine file, or both. */
import { UserError } from '../../common/errors';
import type { Emulator } from './emulator';
import { noMonitor } from './errors';
import type { QmpClient } from '../../targets/qmp/qmp-client';
import { type MachineFile, nameOf } from '../own/machine-file';
import type { ReadMachineFile } from '../own/machine-files';

export interface QemuMachine {
  /** `file:PATH`, else the emulator's. */
  readonly id: string;
  readonly label: string;
  readonly read?: ReadMachineFile | undefined;
  readonly emulator?: Emulator | undefined;
}

/** The machine of a file; the label is the file's word. */
export const machineOfFile = (read: ReadMachineFile, emulator: Emulator | undefined): QemuMachine => ({
  id: `file:${read.path}`,
  label: nameOf(read.path, read.file),
  read,
  emulator,
});

/** The machine of a process that no file is known for. */
export const machineOfEmulator = (emulator: Emulator): QemuMachine => ({
  id: emulator.id,
  label: emulator.place.name,
  emulator,
});

/** The connection to a machine's QEMU. Throws a UserError where there is none. */
export function qmpOf({ emulator, label }: QemuMachine): QmpClient {
  if (!emulator) throw new UserError('qemu/not-running', `${label} is not running: start it first.`);
  if (emulator.place.monitors.length === 0) throw noMonitor(label);
  return emulator.qmp;
}

/** A file that a machine can be started from. Throws a UserError where there is none. */
export function fileOf({ read, label }: QemuMachine): { readonly path: string; readonly file: MachineFile } {
  const { path = '', file, problems = [] } = read ?? {};
  if (read && file && problems.length === 0) return { path, file };
  const why = problems[0]?.message ?? 'it has no machine file';
  throw new UserError('qemu/machine-file', `${label} cannot be started: ${why}`);
}

/** An id's machine, and the part of it that it names: `#snapshot:TAG`. */
export function splitId(id: string): readonly [machine: string, part: string | undefined] {
  const match = /^(file:.*\.vmxray\.json|process:\d+-\d+|at:[^#]*)(?:#(.*))?$/s.exec(id);
  return [match?.[1] ?? id, match?.[2]];
}
