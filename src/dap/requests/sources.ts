/** Requests about the guest's programs and their sources. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { UserError } from '../../common/errors';
import type { Debuggee } from '../debuggee';
import { type Handlers, MAX_ID } from '../handler';
import { moduleOf } from '../images/module';

const MAX_SOURCE_BYTES = 2 ** 24;
/** A large kernel names some 30,000. */
const MOST_SOURCES = 50_000;

/** Handlers of `modules`, `loadedSources` and `source`. */
export function sourceRequests(debuggee: Debuggee): Handlers {
  return {
    modules: (args) => {
      const start = args.integer('startModule', { min: 0, max: MAX_ID, otherwise: 0 });
      const count = args.integer('moduleCount', { min: 0, max: MAX_ID, otherwise: 0 });
      const all = debuggee.images.all;
      const modules = all.slice(start, count > 0 ? start + count : undefined).map(moduleOf);
      return { body: { modules, totalModules: all.length } };
    },
    loadedSources: () => {
      const sources = debuggee.images.all.flatMap((image) =>
        image.symbols.sourceFiles().map((file) => debuggee.images.source({ file, image })),
      );
      const byPath = new Map(sources.map((source) => [source.path, source]));
      return { body: { sources: [...byPath.values()].slice(0, MOST_SOURCES) } };
    },
    source: (args) => {
      const path = args.has('source') ? args.object('source').text('path') : '';
      const known = debuggee.images.filesOf(path).length > 0;
      // Only sources of the guest's programs: a client that wants other files reads them itself.
      if (!known || !existsSync(path) || statSync(path).size > MAX_SOURCE_BYTES)
        throw new UserError(
          'request/source',
          `The source file ${path.slice(0, 200) || '(without a path)'} is not here: say in "sourceMap" which folder holds it.`,
        );
      return { body: { content: readFileSync(path, 'utf8') } };
    },
  };
}
