/** Requests about expressions and the debug console's commands. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { createDecoder } from '../../isa/decode';
import { INSTRUCTIONS } from '../../isa/records';
import type { Arguments } from '../arguments';
import type { ConsoleContext } from '../console/command';
import { completeConsole, runConsoleCommand } from '../console/console';
import type { Debuggee } from '../debuggee';
import { badArgument } from '../errors';
import { Evaluator } from '../evaluator';
import { type Handlers, MAX_ID, MAX_TEXT } from '../handler';
import { consoleNames } from '../names';
import type { ValueFormat } from '../values/reader';
import type { Row } from '../values/row';

/** Handlers of `evaluate`, `setExpression` and `completions`. */
export function evaluationRequests(debuggee: Debuggee): Handlers {
  const decoder = createDecoder(INSTRUCTIONS);
  const context = (evaluator: Evaluator): ConsoleContext => ({
    target: debuggee.stoppedTarget,
    thread: evaluator.thread,
    names: { ...consoleNames(debuggee.images), typed: evaluator.values.names, locals: evaluator.locals },
    decoder,
    parse: (text) => evaluator.parse(text),
    evaluate: (text) => evaluator.evaluate(text),
    show: async (text, format) => (await evaluator.show(text, format)).value,
    set: async (place, value) => (await evaluator.set(place, value, '')).value,
  });
  const evaluatorOf = (args: Arguments): Promise<Evaluator> =>
    Evaluator.of(debuggee, args.has('frameId') ? args.integer('frameId', { min: 0, max: MAX_ID }) : undefined);

  return {
    evaluate: async (args) => {
      const text = textOf(args, 'expression');
      const evaluator = await evaluatorOf(args);
      if (args.has('context') && args.text('context') === 'repl') {
        const result = await runConsoleCommand(text, context(evaluator));
        if (result !== undefined) return { body: { result, variablesReference: 0 } };
      }
      const { value, ...rest } = describe(await evaluator.show(text, formatOf(args)), debuggee);
      return { body: { result: value, ...rest } };
    },
    setExpression: async (args) => {
      const evaluator = await evaluatorOf(args);
      const row = await evaluator.set(textOf(args, 'expression'), textOf(args, 'value'), formatOf(args));
      return { body: describe(row, debuggee) };
    },
    completions: async (args) => {
      const text = textOf(args, 'text');
      const caret = args.integer('column', { min: 0, max: MAX_TEXT + 1 }) - 1;
      const found = await completeConsole(
        text,
        Math.max(0, Math.min(caret, text.length)),
        context(await evaluatorOf(args)),
      );
      const targets = found.map(({ label, kind, start, length }): DebugProtocol.CompletionItem => ({
        label,
        type: COMPLETION_TYPES[kind],
        start: start + 1,
        length,
      }));
      return { body: { targets } };
    },
  };
}

const COMPLETION_TYPES: Readonly<Record<string, DebugProtocol.CompletionItemType>> = {
  register: 'variable',
  variable: 'variable',
  constant: 'enum',
  symbol: 'function',
  type: 'class',
  function: 'function',
  command: 'keyword',
  member: 'field',
};

function textOf(args: Arguments, name: string): string {
  const text = args.text(name);
  if (text.length > MAX_TEXT) throw badArgument(name, `at most ${MAX_TEXT} characters`);
  return text;
}

const formatOf = (args: Arguments): ValueFormat => (args.has('format') && args.object('format').flag('hex') ? 'h' : '');

/** A row without its name. */
function describe(row: Row, { stopView }: Debuggee): Omit<DebugProtocol.Variable, 'name' | 'evaluateName'> {
  const { name: _name, evaluateName: _evaluateName, ...rest } = stopView.variables.rowVariable(row);
  return rest;
}
