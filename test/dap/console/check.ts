/** Lines typed on the console and what they show. */
import assert from 'node:assert/strict';
import { UserError } from '../../../src/common/errors';
import { runConsoleCommand } from '../../../src/dap/console/console';
import { Scripted, scriptedContext } from './scripted';

/** A test per case: the line, then what it shows; `!` begins the sentence of a UserError, `wrote` what reached the target. */
export function check(cases: readonly (readonly [string, ...string[]])[]): void {
  for (const [line, ...expected] of cases) {
    it(line, async () => {
      const target = new Scripted();
      const shown = await runConsoleCommand(line, scriptedContext(target)).catch((error: unknown) => {
        if (error instanceof UserError) return `! ${error.message}`;
        throw error;
      });
      const wrote = target.written.map((what) => `wrote ${what}`);
      assert.deepEqual([...(shown ?? 'no command').split('\n'), ...wrote], expected);
    });
  }
}
