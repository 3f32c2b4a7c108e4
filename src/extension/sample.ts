/** The command "Open Sample": copies the tour guest, source and program, into a folder and opens it. */
import * as vscode from 'vscode';

const FOLDER = 'vmxray-tour';
// From the extension's folder to the sample's. The sources keep the paths that the program's debug information names.
const FILES = [
  ['test/guests/tour', 'tour'],
  ['test/guests/common', 'common'],
  ['test/guests/bin/tour.elf', 'tour.elf'],
] as const;

const LAUNCH = {
  version: '0.2.0',
  configurations: [
    {
      type: 'vmxray',
      request: 'launch',
      name: 'Debug the tour guest',
      kernel: '${workspaceFolder}/tour.elf',
      stopOnEntry: true,
    },
  ],
};

/** How the command is called from other code. */
export interface SampleOptions {
  /** False only copies: opening a folder restarts the extension host. */
  readonly open: boolean;
}

/** Copies the sample into a new folder inside `parent` (the user is asked without one) and opens it there. */
export async function openSample(
  extension: vscode.Uri,
  parent?: vscode.Uri,
  { open }: SampleOptions = { open: true },
): Promise<void> {
  const chosen = parent ?? (await chooseParent());
  if (!chosen) return;
  const folder = vscode.Uri.joinPath(chosen, FOLDER);
  await copySample(extension, folder);
  if (open) await vscode.commands.executeCommand('vscode.openFolder', folder);
}

async function chooseParent(): Promise<vscode.Uri | undefined> {
  const chosen = await vscode.window.showOpenDialog({
    title: `Where shall the folder ${FOLDER} lie?`,
    openLabel: 'Copy Sample Here',
    canSelectFiles: false,
    canSelectFolders: true,
  });
  return chosen?.[0];
}

/** Copies what is not there yet: a sample that the user has changed stays as it is. */
async function copySample(extension: vscode.Uri, folder: vscode.Uri): Promise<void> {
  const { fs } = vscode.workspace;
  for (const [from, to] of FILES) {
    const target = vscode.Uri.joinPath(folder, to);
    if (!(await exists(target))) await fs.copy(vscode.Uri.joinPath(extension, from), target);
  }
  const launch = vscode.Uri.joinPath(folder, '.vscode', 'launch.json');
  if (!(await exists(launch))) await fs.writeFile(launch, Buffer.from(`${JSON.stringify(LAUNCH, undefined, 2)}\n`));
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  return vscode.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
}
