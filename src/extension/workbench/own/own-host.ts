/** What the provider of our own machines needs of this window: its folders, its templates, its editor. */
import * as vscode from 'vscode';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OwnHost, Template } from '../../../inventory/own/host';
import { MACHINE_FILE_SUFFIX } from '../../../inventory/own/machine-file';
import { userStore } from '../../../inventory/own/machine-files';
import { bootKernels } from '../../guest-files';
import { tinyInitramfs } from '../../initramfs/tiny-initramfs';

const PATTERN = `**/*${MACHINE_FILE_SUFFIX}`;
const NOT_MACHINES = '**/{node_modules,.git}/**';
const MOST_FILES = 200;
const TINY = 'tiny-initramfs.cpio';

/** The window's side of our own machines. */
export function ownHost(context: vscode.ExtensionContext): OwnHost {
  const { version } = context.extension.packageJSON as { version: string };
  const configured = vscode.workspace.getConfiguration('vmxray').get<string>('machinesFolder', '').trim();
  const files = new WorkspaceFiles();
  return {
    program: join(context.extensionPath, 'dist', 'src', 'cli', 'main.js'),
    version,
    store: configured || userStore(),
    templates: templates(context.extensionPath),
    workspaceFiles: () => files.paths(),
    workspaceFolders: () =>
      (vscode.workspace.workspaceFolders ?? []).map(({ name, uri }) => ({ label: name, path: uri.fsPath })),
    openFile: async (path) => {
      await vscode.window.showTextDocument(vscode.Uri.file(path));
    },
    onFilesChanged: (listener) => files.watch(listener),
  };
}

/** The machine files of the workspace, searched for anew only when some have come or gone. */
class WorkspaceFiles {
  private found: Promise<readonly string[]> | undefined;
  private watchers = 0;

  paths(): Promise<readonly string[]> {
    // Without a watcher nobody says that what was found is old.
    if (this.watchers === 0) return this.search();
    return (this.found ??= this.search());
  }

  watch(listener: () => void): vscode.Disposable {
    const watcher = vscode.workspace.createFileSystemWatcher(PATTERN);
    const forget = (): void => {
      this.found = undefined;
      listener();
    };
    this.watchers++;
    watcher.onDidCreate(forget);
    watcher.onDidDelete(forget);
    watcher.onDidChange(listener);
    const folders = vscode.workspace.onDidChangeWorkspaceFolders(forget);
    return {
      dispose: () => {
        this.watchers--;
        this.found = undefined;
        folders.dispose();
        watcher.dispose();
      },
    };
  }

  private async search(): Promise<readonly string[]> {
    const uris = await vscode.workspace.findFiles(PATTERN, NOT_MACHINES, MOST_FILES);
    return uris.map(({ fsPath }) => fsPath).sort();
  }
}

/** Beginnings that need nothing of the user's. */
function templates(extension: string): readonly Template[] {
  return [
    {
      label: 'Sample: the tour guest',
      description: 'a small kernel with source: paging, interrupts, VM exits',
      make: async (_desk, folder) => ({ kernel: copied(join(extension, 'test', 'guests', 'bin', 'tour.elf'), folder) }),
    },
    {
      label: "This computer's Linux",
      description: "a kernel of /boot with VMXray's tiny initial RAM disk",
      make: async (desk, folder) => {
        const kernels = await bootKernels();
        const found = await desk.choose(
          kernels.length > 0 ? 'Which kernel?' : 'No kernel of /boot can be read by you.',
          kernels.map((value) => ({ label: value.kernel, value })),
        );
        if (!found) return undefined;
        const { kernel, symbols } = found;
        mkdirSync(folder, { recursive: true });
        const initrd = join(folder, TINY);
        writeFileSync(initrd, tinyInitramfs());
        return { kernel, initrd, cmdline: 'console=ttyS0', ...(symbols !== undefined && { symbols }) };
      },
    },
  ];
}

/** The extension's folder goes with its version: a machine needs a copy. */
function copied(file: string, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const to = join(folder, 'tour.elf');
  if (!existsSync(to)) copyFileSync(file, to);
  return to;
}
