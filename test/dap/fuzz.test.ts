// A client gone wrong: requests with anything anywhere. Each gets a response, and the session still answers afterwards.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PassThrough } from 'node:stream';
import { DapSession } from '../../src/dap/session';
import { DapClient } from './client';
import { ScriptedTarget } from './scripted-target';

const COMMANDS = [
  ...['initialize', 'launch', 'configurationDone', 'setBreakpoints', 'setInstructionBreakpoints', 'threads'],
  ...['setExceptionBreakpoints', 'continue', 'next', 'stepIn', 'pause', 'stackTrace', 'scopes', 'variables'],
  ...['readMemory', 'disassemble', 'vmxray/walk', 'vmxray/stepExit', 'vmxray/exit', 'vmxray/serialInput'],
];
const NAMES = [
  ...['threadId', 'frameId', 'variablesReference', 'memoryReference', 'offset', 'count', 'instructionOffset'],
  ...['instructionCount', 'breakpoints', 'instructionReference', 'filters', 'reasons', 'address', 'space', 'access'],
  ...['data', 'kernel', 'console', 'memory', 'startFrame', '__proto__', 'constructor'],
];
const references = fc.constantFrom(
  '0x0',
  '0xffffffff81000000',
  'physical:0x1000',
  'guestPhysical:0x1',
  '0x',
  '0xg',
  '@cpu1',
);
const scalar = fc.oneof(fc.integer(), fc.double(), fc.boolean(), fc.string(), references, fc.constant(null));
const value = fc.oneof(
  { weight: 3, arbitrary: scalar },
  fc.array(scalar, { maxLength: 3 }),
  fc.array(fc.dictionary(fc.constantFrom(...NAMES), scalar), { maxLength: 3 }),
  fc.constant(1),
);
const request = fc.record({
  command: fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...COMMANDS) }, fc.string()),
  args: fc.oneof({ weight: 20, arbitrary: fc.dictionary(fc.constantFrom(...NAMES), value) }, value),
});

describe('DAP session, fuzzed', function () {
  this.timeout(60_000);

  it('answers every request, whatever it is', async () => {
    const [toServer, toClient] = [new PassThrough(), new PassThrough()];
    const target = new ScriptedTarget();
    new DapSession(() => Promise.resolve(target)).start(toServer, toClient);
    const client = new DapClient(toClient, toServer, 5_000);
    await client.request('initialize');
    await client.request('launch', { kernel: 'k', stopOnEntry: true });
    await client.request('configurationDone');
    const answer = fc.asyncProperty(request, async ({ command, args }) => {
      const { success, message } = await client.response(command, args as object);
      if (!success) assert.doesNotMatch(message ?? '', /bug/);
      target.pause(); // so that a request that got through does not leave the machine running
      const { threads } = await client.request<{ threads: unknown[] }>('threads');
      assert.equal(threads.length, 1);
      client.messages.length = 0;
    });
    await fc.assert(answer, { numRuns: 1_500, seed: 20_260_101 });
  });
});
