/** Requests that show the stopped guest: threads, frames, scopes, variables, and why it stopped. */
import type { Arguments } from '../arguments';
import { EXCEPTION_NAMES } from '../exception-names';
import type { Debuggee } from '../debuggee';
import { Evaluator } from '../evaluator';
import { type Handlers, MAX_ID } from '../handler';
import { describeStop, sayException } from '../stops';
import { variablesOf } from '../values/program-types';
import { type Page, WHOLE } from '../values/row';
import { showVariables } from '../values/show';
import { threadOf } from './execution';

const MAX_FRAMES = 200;

const FILTERS = ['indexed', 'named'] as const;

/** Which of a container's variables a client wants. */
const pageOf = (args: Arguments): Page => ({
  start: args.integer('start', { min: 0, max: MAX_ID, otherwise: 0 }),
  count: Math.min(args.integer('count', { min: 0, max: MAX_ID, otherwise: 0 }) || WHOLE.count, WHOLE.count),
  filter: args.has('filter') ? args.choice('filter', FILTERS) : undefined,
  hex: args.has('format') && args.object('format').flag('hex'),
});

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
    scopes: async (args) => {
      const id = args.integer('frameId', { min: 0, max: MAX_ID });
      const view = debuggee.stopView;
      const { row } = await view.frame(id);
      const variables = variablesOf(row.scope);
      const { values } = await Evaluator.of(debuggee, id);
      const locals = view.variables.rowScope('Locals', 'locals', (page) =>
        showVariables(variables.slice(page.start, page.start + page.count), page.hex ? 'h' : '', values),
      );
      return { body: { scopes: [...(variables.length > 0 ? [locals] : []), ...(await view.scopes(id))] } };
    },
    variables: async (args) => {
      const reference = args.integer('variablesReference', { min: 1, max: MAX_ID });
      const variables = await debuggee.stopView.variables.variables(reference, pageOf(args));
      return { body: { variables } };
    },
    setVariable: async (args) => {
      const reference = args.integer('variablesReference', { min: 1, max: MAX_ID });
      const compute = async (text: string): Promise<bigint> =>
        (await (await Evaluator.of(debuggee)).evaluate(text)).value;
      const { variables } = debuggee.stopView;
      const variable = await variables.set(reference, args.text('name'), args.text('value'), compute);
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
