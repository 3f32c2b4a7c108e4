/** What is shown when the guest comes to rest, and of a frame that is selected: why, where, the source or the instruction. */
import { isAbsolute, relative } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { showTrigger } from './breakpoint';
import type { Breakpoints } from './breakpoints';
import type { GuestSession, Outcome, StoppedBody } from './guest-session';
import type { Screen } from './screen';
import type { SourceTexts } from './source-text';
import type { Frame, Stack } from './stack';

/** Lines before and after the current one. */
const CONTEXT = 2;

/** What a plain step's stop is called: nothing needs saying. */
const SILENT = new Set(['step']);

export class StopPrinter {
  constructor(
    private readonly session: GuestSession,
    private readonly stack: Stack,
    private readonly sources: SourceTexts,
    private readonly breakpoints: Breakpoints,
    private readonly screen: Screen,
  ) {}

  /** Shows how a run came to rest. `byInstruction`: the instruction matters even where there is source. */
  async show(outcome: Outcome, byInstruction = false): Promise<void> {
    if (outcome.kind === 'over') {
      if (outcome.reason !== undefined) this.screen.error(outcome.reason);
      this.screen.print('The guest is gone: `run` starts it again, `quit` leaves.');
      return;
    }
    const why = await this.reason(outcome.stop);
    if (why) this.screen.print(this.screen.mark('stop', why));
    await this.showFrame(byInstruction || outcome.stop.reason === 'vm exit');
  }

  /** Shows the selected frame: its place, and its source or instruction. */
  async showFrame(withInstruction = false): Promise<void> {
    const frame = await this.stack.current();
    this.screen.print(`#${this.stack.index}  ${this.describe(frame)}`);
    const { source, line } = frame;
    const hasSource = source && line > 0 && (await this.showSource(source, line, line - CONTEXT, line + CONTEXT));
    if (!hasSource || withInstruction) await this.showInstruction(frame);
  }

  /** One line about a frame: `kmain (64-bit mode, ring 0) at main.c:14`. */
  describe(frame: Frame): string {
    const { name, source, line, instructionPointerReference } = frame;
    const place = source && line > 0 ? ` at ${this.screen.mark('place', `${showPath(source)}:${line}`)}` : '';
    const address = instructionPointerReference;
    return `${address && !name.startsWith('0x') ? `${address} ` : ''}${name}${place}`;
  }

  /** Shows lines `from` to `to`, the current one marked if it is among them. False if there is no such text. */
  async showSource(
    source: DebugProtocol.Source,
    current: number | undefined,
    from: number,
    to: number,
  ): Promise<boolean> {
    const lines = await this.sources.lines(source);
    const shown = lines?.slice(Math.max(0, from - 1), to) ?? [];
    const first = Math.max(1, from);
    if (shown.length === 0) return false;
    const width = String(first + shown.length - 1).length;
    const text = shown.map((line, index) => {
      const number = first + index;
      const isCurrent = number === current;
      const head = `${isCurrent ? '=>' : '  '} ${String(number).padStart(width)}`;
      return `${this.screen.mark(isCurrent ? 'current' : 'number', head)}  ${line}`.trimEnd();
    });
    this.screen.print(text.join('\n'));
    return true;
  }

  private async showInstruction(frame: Frame): Promise<void> {
    const { instructionPointerReference: memoryReference } = frame;
    if (!memoryReference || !this.session.capabilities.supportsDisassembleRequest) return;
    const { instructions } = (await this.session.request<DebugProtocol.DisassembleResponse['body']>('disassemble', {
      memoryReference,
      instructionCount: 1,
    })) ?? { instructions: [] };
    for (const { address, instruction } of instructions)
      this.screen.print(`${this.screen.mark('current', '=>')} ${address}: ${instruction}`);
  }

  private async reason({ reason, description, text, hitBreakpointIds }: StoppedBody): Promise<string> {
    const hit = await this.breakpoints.hit(hitBreakpointIds ?? []);
    if (SILENT.has(reason) && hit.length === 0) return text ?? '';
    const numbers = hit.map(({ number, trigger }) => `${number}, ${showTrigger(trigger)}`).join('; ');
    const said = description ?? (numbers ? '' : reason === 'pause' ? 'Paused' : `Paused on ${reason}`);
    const more = text !== undefined && text !== said ? `(${text})` : '';
    const why = [said, more].filter((part) => part !== '').join(' ');
    return numbers ? `Breakpoint ${numbers}${why && `: ${why}`}` : why;
  }
}

/** A source's path, relative to the current folder if it lies there. */
function showPath({ path, name }: DebugProtocol.Source): string {
  if (path === undefined) return name ?? '?';
  const near = relative('', path);
  return near.startsWith('..') || isAbsolute(near) ? path : near;
}
