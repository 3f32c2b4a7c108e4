/** The command "Open Sample": copies the tour guest, source and program, into a folder and opens it. */
import * as vscode from 'vscode';
import { SAMPLE_FILES, SAMPLE_FOLDER, SAMPLE_LAUNCH } from './sample-files';

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
  const folder = vscode.Uri.joinPath(chosen, SAMPLE_FOLDER);
  await copySample(extension, folder);
  if (open) await vscode.commands.executeCommand('vscode.openFolder', folder);
}

async function chooseParent(): Promise<vscode.Uri | undefined> {
  const chosen = await vscode.window.showOpenDialog({
    title: `Where shall the folder ${SAMPLE_FOLDER} lie?`,
    openLabel: 'Copy Sample Here',
    canSelectFiles: false,
    canSelectFolders: true,
  });
  return chosen?.[0];
}

/** Copies what is not there yet: a sample that the user has changed stays as it is. */
async function copySample(extension: vscode.Uri, folder: vscode.Uri): Promise<void> {
  const { fs } = vscode.workspace;
  for (const [from, to] of SAMPLE_FILES) {
    const target = vscode.Uri.joinPath(folder, to);
    if (!(await exists(target))) await fs.copy(vscode.Uri.joinPath(extension, from), target);
  }
  const launch = vscode.Uri.joinPath(folder, SAMPLE_LAUNCH.path);
  if (!(await exists(launch))) await fs.writeFile(launch, Buffer.from(SAMPLE_LAUNCH.text));
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  return vscode.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
}
