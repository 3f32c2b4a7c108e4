/** What our own machines in the tree need of the window that shows them. */
import type { Disposable } from '../disposable';
import type { Desk } from '../provider';
import type { MachineFile } from './machine-file';

/** A folder that machines can be made in. */
export interface MachineFolder {
  readonly label: string;
  readonly path: string;
}

/** A way to begin a machine. */
export interface Template {
  readonly label: string;
  readonly description: string;
  /** What the machine file shall say; asks the user for what is missing. Files of its own go to `folder`. */
  make(desk: Desk, folder: string): Promise<MachineFile | undefined>;
}

/** The window's side. */
export interface OwnHost {
  /** Path of the built `vmxray` program, and its version. */
  readonly program: string;
  readonly version: string;
  /** The user's own folder of machines. */
  readonly store: string;
  /** Beginnings besides a kernel of the user's own. */
  readonly templates: readonly Template[];
  /** Machine files of the workspace. */
  workspaceFiles(): Promise<readonly string[]>;
  /** Folders of the workspace. */
  workspaceFolders(): readonly MachineFolder[];
  /** Shows a file for editing. */
  openFile(path: string): Promise<void>;
  /** Called when a machine file of the workspace has come, changed or gone. */
  onFilesChanged(listener: () => void): Disposable;
}
