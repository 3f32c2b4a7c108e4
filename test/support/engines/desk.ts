// The user's side of an action, played by a script: answers given in advance, and all that was shown.
import type { ActionRun, ByteStream, Choice, Desk } from '../../../src/inventory/provider';

/** Answers in the order of the questions: a choice by its label, a text, a path. */
export interface Script {
  readonly confirm?: boolean;
  readonly choose?: readonly string[];
  readonly chooseSeveral?: readonly string[];
  readonly ask?: readonly string[];
  readonly files?: readonly string[];
  /** Text of an edited document, out of the one that was opened. */
  edit?(text: string): string;
  readonly accept?: boolean;
}

/** A terminal that was opened, and what it showed. */
export class TestTerminal {
  text = '';
  /** Resolves when the stream has ended, with the sentence that it ended with. */
  readonly ended: Promise<string | undefined>;

  constructor(
    readonly title: string,
    readonly stream: ByteStream,
  ) {
    stream.onData((bytes) => (this.text += Buffer.from(bytes).toString('utf8')));
    this.ended = new Promise((resolve) => stream.onEnd(resolve));
  }

  type(text: string): void {
    this.stream.write(Buffer.from(text));
  }

  /** Resolves when the terminal shows it; rejects after some seconds with what it shows instead. */
  shows(pattern: RegExp, seconds = 5): Promise<void> {
    return eventually(
      () => pattern.test(this.text),
      `${pattern} in ${JSON.stringify(this.text)}`,
      seconds,
      () => this.text,
    );
  }
}

/** A desk that answers by its script; a question without an answer is given up (Escape). */
export class ScriptedDesk implements Desk {
  readonly terminals: TestTerminal[] = [];
  readonly documents: { title: string; language: string; text: string }[] = [];
  readonly told: string[] = [];
  readonly confirmed: { question: string; detail: string }[] = [];
  readonly comparisons: { left: string; right: string }[] = [];
  readonly offered: string[][] = [];
  readonly debugged: Readonly<Record<string, unknown>>[] = [];
  /** What `save` of an edited document rejected with. */
  readonly refusals: string[] = [];
  private readonly queues: Record<'choose' | 'ask' | 'files', string[]>;

  constructor(private readonly script: Script = {}) {
    const { choose = [], ask = [], files = [] } = script;
    this.queues = { choose: [...choose], ask: [...ask], files: [...files] };
  }

  get terminal(): TestTerminal {
    const last = this.terminals.at(-1);
    if (!last) throw new Error('No terminal was opened.');
    return last;
  }

  confirm(question: string, detail: string): Promise<boolean> {
    this.confirmed.push({ question, detail });
    return Promise.resolve(this.script.confirm ?? false);
  }

  choose<T>(_title: string, choices: readonly Choice<T>[]): Promise<T | undefined> {
    this.offered.push(choices.map(({ label }) => label));
    const wanted = this.queues.choose.shift();
    if (wanted === undefined) return Promise.resolve(undefined);
    const found = choices.find(({ label }) => label === wanted);
    if (!found) throw new Error(`"${wanted}" is not offered: ${choices.map(({ label }) => label).join(', ')}`);
    return Promise.resolve(found.value);
  }

  chooseSeveral<T>(_title: string, choices: readonly Choice<T>[]): Promise<readonly T[] | undefined> {
    this.offered.push(choices.map(({ label }) => label));
    const wanted = this.script.chooseSeveral;
    return Promise.resolve(wanted && choices.filter(({ label }) => wanted.includes(label)).map(({ value }) => value));
  }

  ask(_title: string, options: { check?(text: string): string | undefined }): Promise<string | undefined> {
    const text = this.queues.ask.shift();
    const problem = text === undefined ? undefined : options.check?.(text);
    if (problem !== undefined) this.refusals.push(problem);
    return Promise.resolve(problem === undefined ? text : undefined);
  }

  chooseFile(): Promise<string | undefined> {
    return Promise.resolve(this.queues.files.shift());
  }

  openTerminal(title: string, stream: ByteStream): void {
    this.terminals.push(new TestTerminal(title, stream));
  }

  openDocument(title: string, language: string, text: string): Promise<void> {
    this.documents.push({ title, language, text });
    return Promise.resolve();
  }

  async editDocument(
    title: string,
    language: string,
    text: string,
    save: (text: string) => Promise<void>,
  ): Promise<void> {
    this.documents.push({ title, language, text });
    const edited = this.script.edit?.(text);
    if (edited === undefined) return;
    await save(edited).catch((error: Error) => this.refusals.push(error.message));
  }

  compare(_title: string, _language: string, left: string, right: string): Promise<boolean> {
    this.comparisons.push({ left, right });
    return Promise.resolve(this.script.accept ?? false);
  }

  debug(configuration: Readonly<Record<string, unknown>>): Promise<void> {
    this.debugged.push(configuration);
    return Promise.resolve();
  }

  tell(sentence: string): void {
    this.told.push(sentence);
  }

  /** What an action is run with, over this desk. */
  run(signal: AbortSignal = AbortSignal.timeout(180_000)): ActionRun {
    return { desk: this, signal, progress: () => undefined };
  }
}

/** Resolves when `holds` does; rejects after some seconds with what was hoped for. */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  hope: string,
  seconds = 5,
  present: () => string = () => '',
): Promise<void> {
  for (const end = Date.now() + seconds * 1000; !(await holds());) {
    if (Date.now() > end) throw new Error(`Not within ${seconds} s: ${hope} ${present()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
