/** Requests about the guest's programs and their sources. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
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
      const paths = debuggee.images.all.flatMap((image) =>
        image.symbols.sourceFiles().map((file) => debuggee.images.sourcePath({ file, image })),
      );
      const sources = [...new Set(paths)].slice(0, MOST_SOURCES).map((path) => ({ name: basename(path), path }));
      return { body: { sources } };
    },
    source: (args) => {
      const path = args.has('source') ? args.object('source').text('path') : '';
      const known = debuggee.images.filesOf(path).length > 0;
      // Only sources of the guest's programs: a client that wants other files reads them itself.
      if (!known || !existsSync(path) || statSync(path).size > MAX_SOURCE_BYTES)
        throw new UserError(
          'request/source',
          `There is no source file ${path.slice(0, 200) || 'without a path'}: name its folder in "sourceMap".`,
        );
      return { body: { content: readFileSync(path, 'utf8') } };
    },
  };
}
