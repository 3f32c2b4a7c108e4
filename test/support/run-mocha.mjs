// Runs the built test files that it is given, in a process of its own: a crash of the engine (which V8 does not let us
// catch) is then a failure that is counted, not the silent end of the run. Sends the counts to its parent.
import Mocha from 'mocha';

const mocha = new Mocha({ timeout: 180_000, reporter: 'spec' });
for (const file of process.argv.slice(2)) mocha.addFile(file);
const runner = mocha.run(() => {
  const { passes: passed, failures: failed, pending: skipped } = runner.stats;
  // A test that left something running must not keep the process: the verdict is known.
  process.send({ passed, failed, skipped }, () => process.exit());
});
