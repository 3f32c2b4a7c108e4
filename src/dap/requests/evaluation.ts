/** Requests about expressions and the debug console's commands. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { createDecoder } from '../../isa/decode';
import { INSTRUCTIONS } from '../../isa/records';
import type { Value } from '../../symbols/expression/ast';
import type { Arguments } from '../arguments';
import type { ConsoleContext } from '../console/command';
import { completeConsole, runConsoleCommand } from '../console/console';
import { describeValue } from '../console/print';
import type { Debuggee } from '../debuggee';
import { badArgument } from '../errors';
import { Evaluator } from '../evaluator';
import { type Handlers, MAX_ID, MAX_TEXT } from '../handler';
import { consoleNames } from '../names';

/** Handlers of `evaluate`, `setExpression` and `completions`. */
export function evaluationRequests(debuggee: Debuggee): Handlers {
  const decoder = createDecoder(INSTRUCTIONS);
  const evaluator = new Evaluator(debuggee);
  const context = (thread: number): ConsoleContext => ({
    target: debuggee.stoppedTarget,
    thread,
    names: consoleNames(debuggee.images),
    decoder,
    parse: (text) => evaluator.parse(text),
    evaluate: (text) => evaluator.evaluate(text, thread),
    assign: (place, value) => evaluator.assign(place, value, thread),
  });
  const threadOfFrame = async (args: Arguments): Promise<number> =>
    args.has('frameId') ? (await debuggee.stopView.frame(args.integer('frameId', { min: 0, max: MAX_ID }))).thread : 1;

  return {
    evaluate: async (args) => {
      const text = textOf(args, 'expression');
      const thread = await threadOfFrame(args);
      if (args.has('context') && args.text('context') === 'repl') {
        const result = await runConsoleCommand(text, context(thread));
        if (result !== undefined) return { body: { result, variablesReference: 0 } };
      }
      return { body: describe(await evaluator.evaluate(text, thread), debuggee, args) };
    },
    setExpression: async (args) => {
      const thread = await threadOfFrame(args);
      const { value } = await evaluator.evaluate(textOf(args, 'value'), thread);
      const assigned = await evaluator.assign(textOf(args, 'expression'), value, thread);
      const { result, ...rest } = describe(assigned, debuggee, args);
      return { body: { value: result, ...rest } };
    },
    completions: async (args) => {
      const text = textOf(args, 'text');
      const caret = args.integer('column', { min: 0, max: MAX_TEXT + 1 }) - 1;
      const found = await completeConsole(
        text,
        Math.max(0, Math.min(caret, text.length)),
        context(await threadOfFrame(args)),
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
};

function textOf(args: Arguments, name: string): string {
  const text = args.text(name);
  if (text.length > MAX_TEXT) throw badArgument(name, `at most ${MAX_TEXT} characters`);
  return text;
}

function describe(value: Value, { images }: Debuggee, args: Arguments): DebugProtocol.EvaluateResponse['body'] {
  const hex = args.has('format') && args.object('format').flag('hex');
  const { type } = value;
  const isAddress = 'to' in type || type.bits === 64;
  const at =
    value.place ?? (isAddress ? { space: 'to' in type ? type.space : 'linear', address: value.value } : undefined);
  const space = at?.space === 'linear' ? '' : `${at?.space}:`;
  return {
    result: describeValue(value, { symbolAt: (linear) => images.describe(linear) }, hex ? 'x' : ''),
    type: 'to' in type ? 'pointer' : `${type.signed ? 's' : 'u'}${type.bits}`,
    variablesReference: 0,
    ...(at && { memoryReference: `${space}0x${BigInt.asUintN(64, at.address).toString(16)}` }),
  };
}
