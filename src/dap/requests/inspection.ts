/** Requests that show the stopped guest: threads, frames, scopes, variables, and why it stopped. */
import { EXCEPTION_NAMES } from '../exception-names';
import type { Debuggee } from '../debuggee';
import { Evaluator } from '../evaluator';
import { type Handlers, MAX_ID } from '../handler';
import { describeStop, sayException } from '../stops';
import { threadOf } from './execution';

const MAX_FRAMES = 200;

/** Handlers of `threads`, `stackTrace`, `scopes`, `variables`, `setVariable` and `exceptionInfo`. */
export function inspectionRequests(debuggee: Debuggee): Handlers {
  return {
    threads: async () => ({ body: { threads: await debuggee.target.threads() } }),
    stackTrace: async (args) => {
      const view = debuggee.stopView;
      const thread = await threadOf(debuggee, args);
      const start = args.integer('startFrame', { min: 0, max: MAX_ID, otherwise: 0 });
      const levels = args.integer('levels', { min: 0, max: MAX_ID, otherwise: 0 });
      return {
        body: await view.frames(thread, Math.min(start, MAX_FRAMES), Math.min(levels || MAX_FRAMES, MAX_FRAMES)),
      };
    },
    scopes: async (args) => ({
      body: { scopes: await debuggee.stopView.scopes(args.integer('frameId', { min: 0, max: MAX_ID })) },
    }),
    variables: async (args) => {
      const reference = args.integer('variablesReference', { min: 1, max: MAX_ID });
      return { body: { variables: await debuggee.stopView.variables.variables(reference) } };
    },
    setVariable: async (args) => {
      const reference = args.integer('variablesReference', { min: 1, max: MAX_ID });
      const { value } = await new Evaluator(debuggee).evaluate(args.text('value'), 1);
      const variable = await debuggee.stopView.variables.set(reference, args.text('name'), value);
      debuggee.announceEdit();
      return { body: variable };
    },
    exceptionInfo: async (args) => {
      await threadOf(debuggee, args);
      void debuggee.stoppedTarget;
      const stop = debuggee.lastStop;
      if (!stop) return { body: { exceptionId: 'none', breakMode: 'always' } };
      const { description, text } = describeStop(stop, (id) => debuggee.breakpoints.kindOf(id));
      const body =
        stop.reason === 'exception'
          ? {
              exceptionId: `${stop.exception.name} ${EXCEPTION_NAMES[stop.exception.vector] ?? ''}`.trim(),
              description: sayException(stop.exception),
            }
          : { exceptionId: description ?? stop.reason, description: text ?? '' };
      return { body: { ...body, breakMode: 'always' } };
    },
  };
}
