/** Hovers in assembly while a guest is stopped: what a register holds, what an instruction can do. */
import * as vscode from 'vscode';
import type { InstructionAnswer, InstructionFacts } from '../../protocol/instruction';
import type { SessionWatch } from './sessions/session-watch';

const LANGUAGES = ['vmxray-asm', 'asm', 'nasm', 'gas', 'asm-intel-x86-generic'];
/** General, segment, control, debug, vector and x87 registers, AT&T's percent sign or not. */
const REGISTER =
  /%?\b(?:[re]?(?:[abcd]x|[sd]i|[bs]p|ip)|[abcd][lh]|[sd]il|[bs]pl|r(?:8|9|1[0-5])[dwb]?|[c-gs]s|cr[0-8]|dr[0-7]|[re]flags|[xy]mm(?:[0-9]|1[0-5])|mm[0-7])\b/i;
/** The first word of a statement behind labels and prefixes. */
const STATEMENT = /^\s*(?:[\w.$?@]+:\s*)*(?:(?:rep|repe|repz|repne|repnz|lock)\s+)?([a-z][a-z0-9.]*)/i;

/** Registers both providers. */
export function assemblyHovers(watch: SessionWatch): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.languages.registerEvaluatableExpressionProvider(LANGUAGES, { provideEvaluatableExpression: registerAt }),
    vscode.languages.registerHoverProvider(LANGUAGES, {
      provideHover: (document, position) => instructionAt(watch, document, position),
    }),
  );
}

/** The debugger shows its value as it shows that of any expression. */
function registerAt(
  document: vscode.TextDocument,
  position: vscode.Position,
): vscode.ProviderResult<vscode.EvaluatableExpression> {
  const range = document.getWordRangeAtPosition(position, REGISTER);
  if (!range) return undefined;
  return new vscode.EvaluatableExpression(range, `$${document.getText(range).replace('%', '').toLowerCase()}`);
}

async function instructionAt(
  watch: SessionWatch,
  document: vscode.TextDocument,
  position: vscode.Position,
): Promise<vscode.Hover | undefined> {
  const { active } = watch;
  if (!active || active.running) return undefined;
  const { text } = document.lineAt(position);
  const mnemonic = STATEMENT.exec(text)?.[1];
  const start = mnemonic === undefined ? -1 : text.indexOf(mnemonic);
  if (mnemonic === undefined || position.character < start || position.character > start + mnemonic.length) return;
  const args = { mnemonic };
  const { instructions } = (await watch.ask(active.session, 'vmxray/instruction', args)) as InstructionAnswer;
  if (instructions.length === 0) return undefined;
  const range = new vscode.Range(position.line, start, position.line, start + mnemonic.length);
  return new vscode.Hover(
    instructions.map((facts) => new vscode.MarkdownString(factsText(facts))),
    range,
  );
}

/** An instruction's facts as Markdown. */
function factsText(facts: InstructionFacts): string {
  const { name, feature, privileged, lock, flagsRead, flagsWritten, readsMemory, writesMemory, mayFault, exits } =
    facts;
  const memory = [readsMemory && 'read', writesMemory && 'write'].filter(Boolean).join(' and ');
  const lines = [
    `**${name}**${feature === undefined ? '' : ` (${feature})`}`,
    flagsRead.length > 0 && `reads the flags ${flagsRead.join(' ')}`,
    flagsWritten.length > 0 ? `writes the flags ${flagsWritten.join(' ')}` : 'leaves the flags as they are',
    memory && `can ${memory} memory`,
    privileged && 'ring 0 only, else #GP(0)',
    lock && 'takes LOCK with a memory destination',
    mayFault && 'can fault',
    exits.length > 0 && `can cause a VM exit: ${exits.join(', ')}`,
  ];
  return lines.filter(Boolean).join('  \n');
}
