// A client gone wrong: requests with anything anywhere. Each gets a response, and the session still answers afterwards.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { DapSession } from '../../src/dap/session';
import { DapClient, DapProcess } from './client';
import { ScriptedTarget } from './scripted-target';

/** Requests that make sense, with all arguments they know: what the mutations start from. */
const SENSIBLE: Readonly<Record<string, object>> = {
  initialize: { adapterID: 'vmxray', linesStartAt1: true, columnsStartAt1: true, pathFormat: 'path' },
  launch: { kernel: 'k', stopOnEntry: true, console: 'terminal', memory: '16M', symbols: ['k'], sourceMap: { a: 'b' } },
  attach: { machine: 'm', symbols: 'k' },
  configurationDone: {},
  restart: {},
  setBreakpoints: {
    source: { path: 'main.c' },
    breakpoints: [{ line: 7, condition: 'rax == 1', logMessage: '{rax}' }],
  },
  setFunctionBreakpoints: { breakpoints: [{ name: 'main', hitCondition: '>= 3' }] },
  setInstructionBreakpoints: { breakpoints: [{ instructionReference: '0xffffffff81000000', offset: 4 }] },
  setDataBreakpoints: { breakpoints: [{ dataId: '0x1000,8', accessType: 'write' }] },
  setExceptionBreakpoints: { filters: ['reset'], filterOptions: [{ filterId: 'exit', condition: 'reason == 48' }] },
  dataBreakpointInfo: { name: '0x1000', asAddress: true, bytes: 4 },
  breakpointLocations: { source: { path: 'main.c' }, line: 1, endLine: 100 },
  threads: {},
  stackTrace: { threadId: 1, startFrame: 0, levels: 20 },
  scopes: { frameId: 1000 },
  variables: { variablesReference: 1, start: 0, count: 10 },
  setVariable: { variablesReference: 1, name: 'RAX', value: '5' },
  setExpression: { expression: '*(u8*)0xffffffff81000000', value: '1', frameId: 1000 },
  evaluate: { expression: 'rax + 1', context: 'repl', frameId: 1000, format: { hex: true } },
  completions: { text: 'wal', column: 4, frameId: 1000 },
  readMemory: { memoryReference: 'physical:0x1000', offset: -4, count: 64 },
  writeMemory: { memoryReference: '0xffffffff81000000', offset: 1, data: 'AAAA', allowPartial: true },
  disassemble: {
    memoryReference: '0xffffffff81000000',
    instructionOffset: -10,
    instructionCount: 30,
    resolveSymbols: true,
  },
  exceptionInfo: { threadId: 1 },
  continue: { threadId: 1 },
  next: { threadId: 1, granularity: 'line' },
  stepIn: { threadId: 1, granularity: 'instruction' },
  stepOut: { threadId: 1 },
  pause: { threadId: 1 },
  gotoTargets: { source: { path: 'main.c' }, line: 3 },
  goto: { threadId: 1, targetId: 1 },
  modules: { startModule: 0, moduleCount: 5 },
  loadedSources: {},
  source: { source: { path: 'main.c' }, sourceReference: 0 },
  cancel: { requestId: 3 },
  'vmxray/walk': { address: '0x1000', space: 'linear', access: 'write', threadId: 1 },
  'vmxray/stepExit': { threadId: 1, reasons: ['CPUID', '48'] },
  'vmxray/exit': { threadId: 1 },
  'vmxray/exits': { start: 0, count: 100, reasons: ['CPUID'] },
  'vmxray/vmcs': { threadId: 1 },
  'vmxray/devices': {},
  'vmxray/interrupts': {},
  'vmxray/mappings': { space: 'guestPhysical', start: '0x1000', count: 100 },
  'vmxray/memoryMap': {},
  'vmxray/subscribe': { events: ['state'] },
  'vmxray/stepping': { skipInterrupts: false },
  stepInTargets: { frameId: 1000 },
  'vmxray/serialInput': { data: 'AAAA' },
};
const COMMANDS = Object.keys(SENSIBLE);
const NAMES = [...new Set(Object.values(SENSIBLE).flatMap((args) => Object.keys(args))), '__proto__', 'constructor'];

const references = fc.constantFrom('0x0', '0xffffffff81000000', 'physical:0x1000', 'guestPhysical:0x1', '0x', '@cpu1');
const scalar = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.string(),
  references,
  fc.constantFrom(null, 1, '*'.repeat(200), '('.repeat(4000), 'walk 0x1000', 'exits', 'x/4 rip', 'set rax = 1', 'help'),
);
const value = fc.oneof(
  { weight: 3, arbitrary: scalar },
  fc.array(scalar, { maxLength: 3 }),
  fc.array(fc.dictionary(fc.constantFrom(...NAMES), scalar), { maxLength: 3 }),
  fc.dictionary(fc.constantFrom(...NAMES), scalar),
);
/** A sensible request, some of whose arguments are something else. */
const mutated = fc
  .tuple(fc.constantFrom(...COMMANDS), fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 2 }))
  .map(([command, changes]) => ({ command, args: { ...SENSIBLE[command], ...changes } as unknown }));
const request = fc.oneof(
  { weight: 20, arbitrary: mutated },
  { weight: 1, arbitrary: fc.record({ command: fc.string(), args: value as fc.Arbitrary<unknown> }) },
);

const PING = { command: 'threads', args: {} };

describe('DAP session, fuzzed', function () {
  this.timeout(300_000);

  it('answers every request, whatever it is', async () => {
    const [toServer, toClient] = [new PassThrough(), new PassThrough()];
    const target = new ScriptedTarget();
    const give = () => Promise.resolve(target);
    new DapSession({ launch: give, attach: give }).start(toServer, toClient);
    const client = new DapClient(toClient, toServer, 5_000);
    await client.request('initialize');
    await client.request('launch', { kernel: 'k', stopOnEntry: true });
    await client.request('configurationDone');
    const answer = fc.asyncProperty(request, async ({ command, args }) => {
      const { success, message } = await client.response(command, args as object);
      if (!success) assert.doesNotMatch(message ?? '', /has a bug/);
      await target.pause(); // so that a request that got through does not leave the machine running
      const { threads } = await client.request<{ threads: unknown[] }>('threads');
      assert.equal(threads.length, 1);
      client.messages.length = 0;
    });
    await fc.assert(answer, { numRuns: 2_000, seed: 20_260_101 });
  });

  it('a real machine behind it: 10,000 mutated requests and broken messages leave it answering', async () => {
    const dap = new DapProcess(30_000);
    const { client } = dap;
    const kernel = join('test', 'guests', 'bin', 'tour.elf');
    const raw = fc.oneof(
      fc.string().map((text) => `Content-Length: ${text.length}\r\n\r\n${text}`),
      fc.string().map((text) => `${text}\r\n\r\n`),
      fc.constantFrom(
        'Content-Length: 99999999999\r\n\r\n{}',
        'Content-Length: -1\r\n\r\n',
        '\r\n\r\n',
        'Content-Length: 2\r\n\r\n[]',
      ),
    );
    try {
      await client.request('initialize');
      await client.request('launch', { kernel, stopOnEntry: true, pace: 'free' });
      await client.request('configurationDone');
      const sample = fc.sample(request, { numRuns: 10_000, seed: 20_260_202 });
      // A restart takes a new process: some do.
      const requests = sample.map((one, index) => (one.command === 'restart' && index % 60 > 0 ? PING : one));
      const broken = fc.sample(raw, { numRuns: 100, seed: 20_260_203 });
      for (let first = 0; first < requests.length; first += 100) {
        const batch = requests
          .slice(first, first + 100)
          .map(({ command, args }) => client.response(command, args as object));
        for (const { success, message } of await Promise.all(batch))
          if (!success) assert.doesNotMatch(message ?? '', /has a bug/);
        client.sendBytes(broken[first / 100]!);
        const { threads } = await client.request<{ threads: unknown[] }>('threads');
        assert.equal(threads.length, 1);
        client.messages.length = 0;
      }
      await client.request('disconnect');
      assert.deepEqual((await dap.ended()).code, 0);
    } finally {
      dap.stop();
    }
  });
});
