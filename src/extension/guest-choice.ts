/** What F5 boots where no launch.json says it: the guests of a workspace, and the user's choice among them. */
import * as vscode from 'vscode';
import { basename, relative } from 'node:path';
import { bootKernels, builtKernel, distinct, type Guest, guest } from './guest-files';
import { tinyInitramfs } from './initramfs/tiny-initramfs';

const GUESTS = '**/{bzImage,vmlinuz*,*.elf}';
const NOT_GUESTS = '**/{node_modules,.git}/**';
const MOST_GUESTS = 50;
const TINY = 'tiny-initramfs.cpio';

/** Finds guests and makes configurations of them; `storage` is a folder of the extension's own. */
export class GuestChoice {
  constructor(private readonly storage: vscode.Uri) {}

  /** One configuration for each guest of the workspace, no questions asked. */
  async all(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.DebugConfiguration[]> {
    const guests = await workspaceGuests(folder);
    return Promise.all(
      guests.map(async (found) =>
        configuration(found, folder, found.isLinux ? await this.firstInitrd(found) : undefined),
      ),
    );
  }

  /** The only guest of the workspace, or what the user picks; undefined if nothing. */
  async choose(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.DebugConfiguration | undefined> {
    const own = await workspaceGuests(folder);
    const picked = own.length === 1 ? own[0] : await pickGuest(own, await bootKernels(), folder);
    if (!picked?.isLinux) return picked && configuration(picked, folder);
    const initrd = picked.initrds.length === 1 ? { path: picked.initrds[0] } : await this.pickInitrd(picked);
    return initrd && configuration(picked, folder, initrd.path);
  }

  private async firstInitrd(found: Guest): Promise<string> {
    return found.initrds[0] ?? (await this.tiny());
  }

  private async pickInitrd({ kernel, initrds }: Guest): Promise<{ readonly path: string | undefined } | undefined> {
    const files = initrds.map((path) => ({ label: basename(path), description: path, path: async () => path }));
    const tiny = {
      label: "VMXray's tiny one",
      description: 'echoes the lines that you type; "poweroff" ends the guest',
      path: () => this.tiny(),
    };
    const none = {
      label: 'None',
      description: 'the kernel has its own, or none is wanted',
      path: async () => undefined,
    };
    const picked = await vscode.window.showQuickPick<vscode.QuickPickItem & { path(): Promise<string | undefined> }>(
      [...files, tiny, none],
      { title: `Initial RAM disk for ${basename(kernel)}` },
    );
    return picked && { path: await picked.path() };
  }

  /** The path of our own initial RAM disk, which is written where it is first wanted. */
  private async tiny(): Promise<string> {
    const file = vscode.Uri.joinPath(this.storage, TINY);
    await vscode.workspace.fs.writeFile(file, tinyInitramfs());
    return file.fsPath;
  }
}

async function workspaceGuests(folder: vscode.WorkspaceFolder | undefined): Promise<Guest[]> {
  const built = folder && (await builtKernel(folder.uri.fsPath));
  // A kernel tree has thousands of folders, and one kernel.
  if (built) return [built];
  const pattern = folder ? new vscode.RelativePattern(folder, GUESTS) : GUESTS;
  const uris = await vscode.workspace.findFiles(pattern, NOT_GUESTS, MOST_GUESTS);
  const files = await distinct(uris.map(({ fsPath }) => fsPath));
  const guests = await Promise.all(files.map((file) => guest(file, folder && [folder.uri.fsPath])));
  return guests.filter((found) => found !== undefined);
}

async function pickGuest(
  own: readonly Guest[],
  boot: readonly Guest[],
  folder: vscode.WorkspaceFolder | undefined,
): Promise<Guest | undefined> {
  const sample = 'Open Sample';
  if (own.length + boot.length === 0) {
    const answer = await vscode.window.showErrorMessage(
      'There is no guest to debug here: build a bzImage or an .elf, or name one as "kernel" in launch.json.',
      sample,
    );
    if (answer === sample) await vscode.commands.executeCommand('vmxray.openSample');
    return undefined;
  }
  type Item = vscode.QuickPickItem & { readonly guest?: Guest };
  const item = (found: Guest): Item => ({ label: shortName(found.kernel, folder), guest: found });
  const separator = (label: string): Item => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const items: Item[] = [
    ...own.map(item),
    ...(boot.length > 0 ? [separator("This machine's kernels"), ...boot.map(item)] : []),
    separator(''),
    { label: sample, description: 'a small kernel with source, in a folder of its own' },
  ];
  const picked = await vscode.window.showQuickPick(items, { title: 'Which guest shall be debugged?' });
  if (picked?.label === sample) await vscode.commands.executeCommand('vmxray.openSample');
  return picked?.guest;
}

function configuration(
  { kernel, isLinux, symbols }: Guest,
  folder: vscode.WorkspaceFolder | undefined,
  initrd?: string,
): vscode.DebugConfiguration {
  return {
    type: 'vmxray',
    request: 'launch',
    name: `Debug ${shortName(kernel, folder)}`,
    kernel,
    ...(symbols && { symbols }),
    ...(initrd && { initrd }),
    // A small kernel is over before Pause can be pressed; Linux boots to where it can be used.
    ...(isLinux ? { cmdline: 'console=ttyS0' } : { stopOnEntry: true }),
  };
}

const shortName = (file: string, folder: vscode.WorkspaceFolder | undefined): string =>
  folder && file.startsWith(folder.uri.fsPath) ? relative(folder.uri.fsPath, file) : file;
