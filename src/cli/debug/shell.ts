/**
 * The debugger's command line: finds the command that a line names and runs it. What is no command of ours is the
 * adapter's: it gets the line as it is, in the `repl` context.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../../common/errors';
import { Breakpoints } from './breakpoints';
import { type Connect, GuestSession, type Outcome, type Start } from './guest-session';
import type { Screen } from './screen';
import { SourceTexts } from './source-text';
import { Stack } from './stack';
import { StopPrinter } from './stop-printer';

/** What a command's argument is, for completion. */
export type ArgumentKind = 'none' | 'expression' | 'location' | 'filter' | 'breakpoint' | 'command' | 'words';

/** One command. */
export interface Command {
  /** The name that help shows, and aliases. */
  readonly names: readonly [string, ...string[]];
  /** Its arguments, as help shows them. */
  readonly usage: string;
  readonly group: string;
  readonly help: string;
  readonly argument: ArgumentKind;
  /** The words that its argument can begin with. */
  readonly words?: readonly string[];
  /** An empty line does it again. */
  readonly repeats?: boolean;
  run(shell: Shell, args: string): Promise<void>;
}

export class Shell {
  readonly session: GuestSession;
  readonly stack: Stack;
  readonly sources: SourceTexts;
  readonly breakpoints: Breakpoints;
  readonly printer: StopPrinter;
  /** Set by `quit`. */
  isOver = false;
  private last: string | undefined;
  private readonly byName: ReadonlyMap<string, Command>;

  constructor(
    readonly screen: Screen,
    readonly commands: readonly Command[],
    connect: Connect,
    start: Start,
  ) {
    this.session = new GuestSession(connect, start, {
      onRest: (outcome) => void this.guarded(() => this.printer.show(outcome)),
      onOutput: (category, text) => this.hear(category, text),
      onSerial: (bytes) => screen.guest(bytes),
      onBreakpoint: (changed) => this.breakpoints.update(changed),
    });
    this.stack = new Stack(this.session);
    this.sources = new SourceTexts(this.session);
    this.breakpoints = new Breakpoints(this.session);
    this.printer = new StopPrinter(this.session, this.stack, this.sources, this.breakpoints, screen);
    this.byName = new Map(commands.flatMap((command) => command.names.map((name) => [name, command] as const)));
  }

  /** Starts the guest, or starts it anew: it rests at its entry. Rejects with a UserError when that fails. */
  begin(): Promise<Outcome> {
    this.sources.forget();
    return this.session.restart(() => this.breakpoints.tellAll());
  }

  /** The command of this name or alias. */
  command(name: string): Command | undefined {
    return this.byName.get(name);
  }

  /** Runs one line. Resolves to false when that failed: the reason has been shown. */
  execute(line: string): Promise<boolean> {
    const text = line.trim() || (this.last ?? '');
    if (text === '' || text.startsWith('#')) return Promise.resolve(true);
    const { name, args } = splitLine(text);
    const command = this.command(name);
    this.last = command?.repeats ? text : undefined;
    return this.guarded(() => (command ? command.run(this, args) : this.ask(text)));
  }

  /** Asks the adapter's console, and shows what it says. */
  async ask(expression: string): Promise<void> {
    const { result } = await this.evaluate(expression, 'repl');
    this.screen.print(result);
  }

  /** Sends `evaluate` for the selected frame. */
  async evaluate(expression: string, context: 'repl' | 'watch'): Promise<DebugProtocol.EvaluateResponse['body']> {
    const frameId = this.session.isStopped ? (await this.stack.current()).id : undefined;
    return this.session.request('evaluate', { expression, context, ...(frameId !== undefined && { frameId }) });
  }

  /** Lets the guest go on, waits until it rests and shows that; `inBackground` does not wait. */
  async go(command: string, args: object, { byInstruction = false, inBackground = false } = {}): Promise<void> {
    const { rest } = await this.session.resume(command, args, inBackground);
    if (!inBackground) await this.printer.show(await rest, byInstruction);
  }

  /** The same up to `count` times; only the last stop is shown, and one that is no step ends it. */
  async repeat(command: string, args: object, count: number, byInstruction: boolean): Promise<void> {
    let outcome: Outcome;
    do {
      const { rest } = await this.session.resume(command, args);
      outcome = await rest;
    } while (--count > 0 && outcome.kind === 'stopped' && outcome.stop.reason === 'step');
    await this.printer.show(outcome, byInstruction);
  }

  private hear(category: string, text: string): void {
    if (category === 'telemetry') return;
    if (category === 'stderr' || category === 'important') this.screen.error(text);
    else this.screen.print(text);
  }

  private async guarded(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      const isMistake = error instanceof UserError;
      this.screen.error(isMistake ? error.message : `This is a bug: ${(error as Error).stack ?? String(error)}`);
      return false;
    }
  }
}

/** The command's name and the rest: `x/8gx $rsp` is `x` and `/8gx $rsp`. */
export function splitLine(text: string): { readonly name: string; readonly args: string } {
  const [, name = '', args = ''] = /^([A-Za-z]*)(.*)$/s.exec(text.trim()) ?? [];
  return { name, args: args.trim() };
}
