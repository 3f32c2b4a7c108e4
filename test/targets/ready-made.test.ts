// The interpreter that the build wrote is the one that a machine would generate, whatever its size.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { HandlerTable } from '../../src/engine/handler-table';
import { generateInterpreter } from '../../src/engine/interpreter-module';
import { INSTRUCTIONS } from '../../src/isa/records/index';
import { planMemory } from '../../src/memory/plan';

describe('the interpreter of the build', () => {
  for (const mebibytes of [2, 256, 3072])
    it(`serves ${mebibytes} MiB`, () => {
      const generated = generateInterpreter(planMemory(mebibytes << 20), new HandlerTable(INSTRUCTIONS), false);
      assert.ok(Buffer.from(generated).equals(readFileSync('dist/src/engine/interpreter.wasm')));
    });
});
