/**
 * The interpreter that the build wrote beside the products (`esbuild.mjs`): generating it is a third of a machine's
 * start. Bundles that lie elsewhere, as tests do, find none and generate theirs.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the build puts it, seen from a product's bundle in dist/src/cli/ or dist/src/extension/. */
const FILE = join(__dirname, '..', 'engine', 'interpreter.wasm');

/** The bytes of the WebAssembly module, or nothing where the build has not put any. */
export function readyMadeInterpreter(): Uint8Array<ArrayBuffer> | undefined {
  try {
    return new Uint8Array(readFileSync(FILE));
  } catch {
    return undefined;
  }
}
