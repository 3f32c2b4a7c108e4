// Judges a guest's serial output: pass, failed checks, and which of them are known deviations of the engine.
import { deviations } from './deviations.mjs';

/** Prints the verdict and returns the exit code: 0 when every failed check is a known deviation of this engine. */
export function report(name, engine, serial, status) {
  const lines = serial.split(/\r?\n/);
  const known = deviations.filter((one) => one.guest === name && one.engine === engine);
  const failed = lines.filter((line) => line.startsWith('FAIL '));
  const explain = (line) => known.find((one) => line.replace(/^FAIL \d+ /, '').startsWith(one.check));
  const unknown = failed.filter((line) => !explain(line));
  for (const line of failed) {
    const one = explain(line);
    if (one) console.log(`known deviation of ${engine}: ${one.check} (${one.why})`);
  }
  const ended = lines.some((line) => line.startsWith('RESULT '));
  const good = ended && unknown.length === 0;
  const words = good ? (failed.length > 0 ? 'pass, but for known deviations' : 'pass') : 'FAIL';
  console.log(`${engine} ${name}: ${words} (${status}${ended ? '' : ', no RESULT line'})`);
  return good ? 0 : 1;
}
