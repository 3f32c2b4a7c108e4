// The session on its own, against a scripted target: order of messages, refusals, what stops and ends become. What a
// real guest shows is in dap-process.test.ts.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { DapSession } from '../../src/dap/session';
import type { Stop } from '../../src/targets/target';
import { UserError } from '../../src/common/errors';
import { DapClient, Refused } from './client';
import { CODE, ScriptedTarget } from './scripted-target';

interface Connection {
  readonly client: DapClient;
  readonly target: ScriptedTarget;
  readonly session: DapSession;
}

function connect(): Connection {
  const [toServer, toClient] = [new PassThrough(), new PassThrough()];
  const target = new ScriptedTarget();
  const session = new DapSession({
    launch: ({ kernel }) =>
      kernel === 'missing'
        ? Promise.reject(new UserError('file/ENOENT', 'The kernel file missing does not exist: check the path.'))
        : Promise.resolve(target),
    attach: () => Promise.resolve(target),
  });
  session.start(toServer, toClient);
  return { client: new DapClient(toClient, toServer, 2_000), target, session };
}

async function launched(attributes: object = {}): Promise<Connection> {
  const connection = connect();
  const { client } = connection;
  await client.launch({ kernel: 'k', stopOnEntry: true, ...attributes });
  return connection;
}

async function stopped(attributes: object = {}): Promise<Connection> {
  const connection = await launched(attributes);
  await connection.client.event('stopped');
  return connection;
}

describe('DAP session', () => {
  it('starts in either order of launch and configurationDone, and only once both came', async () => {
    const { client, target } = connect();
    await client.request('initialize');
    await client.request('configurationDone');
    assert.deepEqual(target.resumed, []);
    await client.request('launch', { kernel: 'k' });
    await client.request('threads');
    assert.deepEqual(target.resumed, [{ kind: 'continue' }]);
  });

  it('stops on entry', async () => {
    const { client, target } = await launched();
    const { reason, threadId, allThreadsStopped } = await client.event('stopped');
    assert.deepEqual([reason, threadId, allThreadsStopped], ['entry', 1, true]);
    assert.deepEqual(client.events('thread'), [{ reason: 'started', threadId: 1 }]);
    assert.deepEqual(target.resumed, []);
  });

  it('noDebug runs through: no entry stop, no breakpoints', async () => {
    const { client, target } = connect();
    await client.request('initialize');
    await client.request('setInstructionBreakpoints', { breakpoints: [{ instructionReference: '0x10' }] });
    await client.request('launch', { kernel: 'k', stopOnEntry: true, noDebug: true });
    await client.request('configurationDone');
    await client.request('threads');
    assert.deepEqual([target.resumed, target.breakpoints.code], [[{ kind: 'continue' }], []]);
  });

  it('breakpoints set before the launch reach the target, and a hit names its id', async () => {
    const { client, target } = connect();
    await client.request('initialize');
    const { breakpoints } = await client.request<{ breakpoints: { id: number; verified: boolean }[] }>(
      'setInstructionBreakpoints',
      { breakpoints: [{ instructionReference: '0x10' }, { instructionReference: '0x20', offset: 4 }] },
    );
    assert.deepEqual(
      breakpoints.map(({ verified }) => verified),
      [true, true],
    );
    await client.request('launch', { kernel: 'k' });
    await client.request('configurationDone');
    await client.request('threads');
    const ids = breakpoints.map(({ id }) => id);
    assert.deepEqual(
      target.breakpoints.code.map(({ id, linear }) => [id, linear]),
      [
        [ids[0], 0x10n],
        [ids[1], 0x24n],
      ],
    );
    target.stop({ reason: 'breakpoint', linear: 0x24n, ids: [ids[1]!] });
    const { reason, hitBreakpointIds } = await client.event('stopped');
    assert.deepEqual([reason, hitBreakpointIds], ['instruction breakpoint', [breakpoints[1]!.id]]);
  });

  describe('answers a resuming request before its stop', () => {
    for (const [command, kind] of [
      ['continue', 'continue'],
      ['next', 'stepOver'],
      ['stepIn', 'step'],
      ['vmxray/stepExit', 'stepExit'],
    ] as const) {
      it(command, async () => {
        const { client, target } = await stopped();
        const resume = target.resume.bind(target);
        // The stop is there even before the target says that it runs.
        target.resume = async (thread, how) => {
          await resume(thread, how);
          target.stop({ reason: 'step' });
        };
        await client.request(command, { threadId: 1 });
        assert.equal((await client.event('stopped')).reason, 'step');
        assert.deepEqual(
          target.resumed.map((how) => how.kind),
          [kind],
        );
        const names = client.messages.map((message) =>
          'command' in message ? message.command : 'event' in message ? message.event : '',
        );
        const [answered, continued, stop] = [command, 'continued', 'stopped'].map((name) =>
          names.lastIndexOf(name),
        ) as [number, number, number];
        assert.ok(answered < stop, names.join(' '));
        // The client knows its own requests; that ours lets the guest go on it must be told.
        const isOurs = command.startsWith('vmxray/');
        assert.ok(isOurs ? answered < continued && continued < stop : continued < 0, names.join(' '));
      });
    }
  });

  it('pauses', async () => {
    const { client } = await launched({ stopOnEntry: false });
    await client.request('pause', { threadId: 1 });
    assert.equal((await client.event('stopped')).reason, 'pause');
  });

  describe('ends', () => {
    const end = (reason: 'powered off' | 'debug exit' | 'triple fault' | 'reset'): Stop => ({
      reason: 'ended',
      end: { reason, text: `It was ${reason}.` },
    });
    for (const reason of ['powered off', 'debug exit'] as const) {
      it(`${reason}: exited, then terminated`, async () => {
        const { client, target } = await launched({ stopOnEntry: false });
        target.stop(end(reason));
        assert.deepEqual(await client.event('exited'), { exitCode: 0 });
        await client.event('terminated');
        assert.match(client.output('console'), new RegExp(`It was ${reason}`));
      });
    }
    for (const reason of ['triple fault', 'reset'] as const) {
      it(`${reason}: stopped with its state, and cannot go on`, async () => {
        const { client, target } = await launched({ stopOnEntry: false });
        target.stop({ ...end(reason), ids: [1] });
        const { reason: told, text } = await client.event('stopped');
        assert.deepEqual([told, text], ['exception', `It was ${reason}.`]);
        await client.request('stackTrace', { threadId: 1 });
        await assert.rejects(client.request('continue', { threadId: 1 }), /cannot go on: It was/);
      });
    }
    it('a triple fault that no filter wants ends the session', async () => {
      const { client, target } = await launched({ stopOnEntry: false });
      await client.request('setExceptionBreakpoints', { filters: [] });
      assert.deepEqual(target.breakpoints.events, []);
      target.stop(end('triple fault'));
      assert.deepEqual(await client.event('exited'), { exitCode: 1 });
    });
    it('a machine whose process dies ends the session with the reason and its last counters', async () => {
      const { client, target } = await launched({ stopOnEntry: false });
      target.die('killed by SIGKILL');
      await client.event('terminated');
      assert.match(client.output('stderr'), /SIGKILL \(last seen after 5 instructions and 3 VM exits\)/);
    });
    it('terminate and disconnect dispose of the machine', async () => {
      const first = await stopped();
      await first.client.request('terminate');
      await first.client.event('terminated');
      const second = await stopped();
      await second.client.request('disconnect', {});
      assert.deepEqual([first.target.disposed, second.target.disposed], [true, true]);
    });
    it('an attached machine goes on, unless the client says otherwise', async () => {
      const attach = async (args: object): Promise<ScriptedTarget> => {
        const { client, target } = connect();
        await client.request('initialize');
        await client.request('attach', { machine: 'm' });
        await client.request('configurationDone');
        await client.event('stopped');
        await client.request('disconnect', args);
        return target;
      };
      const states = [await attach({}), await attach({ terminateDebuggee: true })].map((target) => [
        target.detached,
        target.disposed,
      ]);
      assert.deepEqual(states, [
        [true, false],
        [false, true],
      ]);
    });
    it('a connection that closes disposes of the machine', async () => {
      const { session, target } = await stopped();
      session.emit('close');
      assert.equal(target.disposed, true);
    });
  });

  it('shows one scope per group, flags decoded', async () => {
    const { client } = await stopped();
    const { scopes } = await client.request<{ scopes: { name: string; variablesReference: number }[] }>('scopes', {
      frameId: 1000,
    });
    assert.deepEqual(
      scopes.map(({ name }) => name),
      ['General', 'Flags'],
    );
    const open = async (variablesReference: number): Promise<unknown[]> => {
      const answer = await client.request<{ variables: { name: string; value: string; variablesReference: number }[] }>(
        'variables',
        { variablesReference },
      );
      return answer.variables.map(({ name, value, variablesReference: next }) => [name, value, next > 0]);
    };
    assert.deepEqual(await open(scopes[0]!.variablesReference), [
      ['RAX', '0x0000000000001234', false],
      ['RIP', '0xffffffff81000000', false],
    ]);
    assert.deepEqual(await open(scopes[1]!.variablesReference), [['RFLAGS', '0x00003001 [CF IOPL=user]', true]]);
    assert.deepEqual(await open(scopes[1]!.variablesReference + 1), [
      ['CF', '1', false],
      ['IOPL', '3 (user)', false],
    ]);
  });

  it('the serial line goes to the debug console, or to serial events that take keys', async () => {
    const first = await stopped();
    first.target.say('héllo');
    assert.equal((await first.client.event<{ output: string }>('output')).output, 'héllo');
    const second = await stopped({ console: 'terminal' });
    second.target.say('hello');
    const { data } = await second.client.event<{ data: string }>('vmxray/serial');
    assert.equal(Buffer.from(data, 'base64').toString(), 'hello');
    assert.equal(second.client.output('stdout'), '');
    await second.client.request('vmxray/serialInput', { data: Buffer.from('ok').toString('base64') });
    assert.deepEqual(second.target.sent, [...Buffer.from('ok')]);
  });

  it('reads what is there and says how much is not', async () => {
    const { client } = await stopped();
    const address = `0x${CODE.toString(16)}`;
    const read = (args: object) => client.request('readMemory', { memoryReference: address, ...args });
    assert.deepEqual(await read({ offset: 8, count: 12 }), {
      address: `0x${(CODE + 8n).toString(16)}`,
      unreadableBytes: 4,
      data: Buffer.alloc(8, 0x90).toString('base64'),
    });
    assert.deepEqual(await read({ memoryReference: '0x1', count: 3 }), { address: '0x1', unreadableBytes: 3 });
  });

  it('disassembles around an address, in exactly the rows asked for', async () => {
    const { client } = await stopped();
    const { instructions } = await client.request<{ instructions: { address: string; instruction: string }[] }>(
      'disassemble',
      { memoryReference: `0x${(CODE + 2n).toString(16)}`, instructionOffset: -4, instructionCount: 7 },
    );
    const nop = (offset: bigint): string[] => [`0x${(CODE + offset).toString(16)}`, 'nop'];
    assert.deepEqual(
      instructions.map(({ address, instruction }) => [address, instruction]),
      [['-1', '??'], ['-1', '??'], nop(0n), nop(1n), nop(2n), nop(3n), nop(4n)],
    );
  });

  describe('refuses, and goes on', () => {
    const cases: readonly [string, object | undefined, RegExp][] = [
      ['flyToTheMoon', {}, /"flyToTheMoon" is not supported/],
      ['__proto__', {}, /not supported/],
      ['launch', { kernel: 'k' }, /has a machine already/],
      ['continue', {}, /"threadId" must be a whole number/],
      ['continue', { threadId: 7 }, /no thread 7/],
      ['continue', { threadId: '1' }, /"threadId" must be/],
      ['scopes', { frameId: 99 }, /no frame 99/],
      ['variables', { variablesReference: 4711 }, /no variable 4711/],
      ['variables', { variablesReference: 0 }, /must be a whole number from 1/],
      ['readMemory', { memoryReference: 'rsp', count: 4 }, /not a memory reference/],
      ['readMemory', { memoryReference: '0x10', count: 2 ** 40 }, /"count" must be/],
      ['readMemory', { memoryReference: '0x10', offset: -17, count: 4 }, /inside the address space/],
      ['readMemory', { memoryReference: '0x10000000000000000', count: 4 }, /not a memory reference/],
      ['readMemory', { memoryReference: '0x10@cpu3', count: 4 }, /no thread 4/],
      ['disassemble', { memoryReference: '0x10' }, /"instructionCount" must be/],
      ['setInstructionBreakpoints', { breakpoints: 7 }, /list/],
      ['setInstructionBreakpoints', { breakpoints: [null] }, /"instructionReference" must be text/],
      ['setInstructionBreakpoints', { breakpoints: [{ instructionReference: 'physical:0x1' }] }, /linear/],
      ['setExceptionBreakpoints', { filters: ['all'] }, /no exception filter "all": the filters are exit/],
      ['setBreakpoints', { breakpoints: [] }, /"source" must be an object/],
      ['setDataBreakpoints', { breakpoints: [{ dataId: 'rax' }] }, /no data id/],
      ['dataBreakpointInfo', { name: 'physical:0x10', asAddress: true }, /a linear address/],
      ['evaluate', { expression: 'no_such + 1' }, /no_such/],
      ['evaluate', { expression: '1'.repeat(5000) }, /at most 4096/],
      ['evaluate', { expression: '*(u8*)0x10' }, /0x10/],
      ['setExpression', { expression: '1', value: '2' }, /written/],
      ['setVariable', { variablesReference: 9999, name: 'RAX', value: '1' }, /no variable/],
      ['stepOut', { threadId: 1 }, /caller/],
      ['goto', { threadId: 1, targetId: 7 }, /"targetId"/],
      ['writeMemory', { memoryReference: '0x10', data: 'AAAA' }, /no memory/],
      ['source', { source: { path: '/etc/passwd' }, sourceReference: 0 }, /\/etc\/passwd is not here/],
      ['vmxray/subscribe', { events: ['weather'] }, /state, counters, exitsAdded/],
      ['vmxray/stepExit', { threadId: 1, reasons: ['nonsense'] }, /no exit reason/],
      ['vmxray/walk', { address: '0x1', space: 'physical' }, /one of linear, guestPhysical/],
      ['vmxray/walk', { address: 'physical:0x1' }, /bare/],
      ['vmxray/stepExit', { threadId: 1, reasons: 'CPUID' }, /"reasons" must be a list/],
      ['vmxray/serialInput', { data: '%%' }, /base64/],
      ['threads', [] as object, /"arguments" must be an object/],
    ];
    for (const [command, args, expected] of cases) {
      it(`${command} ${JSON.stringify(args)?.slice(0, 100)}`, async () => {
        const { client } = await stopped();
        await assert.rejects(client.request(command, args), (error: unknown) => {
          assert.ok(error instanceof Refused, String(error));
          const { body } = error.response as { body?: { error?: { format?: string } } };
          assert.match(error.message, expected);
          assert.equal(body?.error?.format, error.message);
          return true;
        });
        assert.deepEqual(await client.request('threads'), { threads: [{ id: 1, name: 'vCPU 0' }] });
      });
    }

    it('state while the machine runs', async () => {
      const { client } = await launched({ stopOnEntry: false });
      for (const command of ['stackTrace', 'continue', 'stepIn'])
        await assert.rejects(client.request(command, { threadId: 1 }), /running: pause it first/);
      await assert.rejects(client.request('variables', { variablesReference: 1 }), /running/);
    });

    it('everything before the launch', async () => {
      const { client } = connect();
      for (const command of ['threads', 'continue', 'pause', 'vmxray/exit'])
        await assert.rejects(client.request(command, { threadId: 1 }), /no machine yet/);
    });

    it('a body that is no JSON, or no message', async () => {
      const { client } = await stopped();
      for (const body of ['{', 'null', '7', '"x"', '[]', '{"type":"request"}']) client.sendRaw(body);
      await client.request('threads');
      assert.match(client.output('stderr'), /could not be read/);
    });
  });

  it('a breakpoint whose condition does not read is told, and others stay', async () => {
    const { client, target } = await stopped();
    const { breakpoints } = await client.request<{ breakpoints: { verified: boolean; message?: string }[] }>(
      'setInstructionBreakpoints',
      {
        breakpoints: [
          { instructionReference: '0x10', condition: 'rax ==' },
          { instructionReference: '0x20', condition: 'rax == 5', hitCondition: '>= 3' },
        ],
      },
    );
    assert.deepEqual(
      breakpoints.map(({ verified, message }) => [verified, message !== undefined]),
      [
        [false, true],
        [true, false],
      ],
    );
    assert.equal(target.breakpoints.code.length, 1);
    assert.deepEqual(target.breakpoints.code[0]!.hits, { operator: '>=', count: 3 });
  });

  it('a breakpoint that stays keeps its number', async () => {
    const { client } = await stopped();
    const set = async (...references: string[]): Promise<number[]> => {
      const { breakpoints } = await client.request<{ breakpoints: { id: number }[] }>('setInstructionBreakpoints', {
        breakpoints: references.map((instructionReference) => ({ instructionReference })),
      });
      return breakpoints.map(({ id }) => id);
    };
    const [first, second] = await set('0x10', '0x20');
    const [third, again] = await set('0x30', '0x20');
    assert.equal(again, second);
    assert.ok(third !== first && third !== second);
  });

  it('computes, and writes what it computed', async () => {
    const { client, target } = await stopped();
    const evaluate = async (expression: string): Promise<unknown> =>
      (await client.request('evaluate', { expression, context: 'watch' }))['result'];
    assert.equal(await evaluate('$rax + 1'), '4661 (0x1235)');
    const place = `*(u8*)0x${CODE.toString(16)}`;
    assert.equal((await client.request('setExpression', { expression: place, value: '0xcc' }))['value'], '204 (0xcc)');
    assert.equal(await evaluate(place), '204 (0xcc)');
    const { scopes } = await client.request<{ scopes: { variablesReference: number }[] }>('scopes', { frameId: 1000 });
    const [{ variablesReference }, flags] = scopes as [{ variablesReference: number }, { variablesReference: number }];
    const written = await client.request('setVariable', { variablesReference, name: 'RAX', value: '2 * 21' });
    assert.equal(written['value'], '0x000000000000002a');
    await assert.rejects(client.request('setVariable', { variablesReference, name: 'RIP', value: '1' }), /RIP cannot/);
    const list = await client.request<{ variables: { variablesReference: number }[] }>('variables', flags);
    const fields = list.variables[0]!.variablesReference;
    await client.request('setVariable', { variablesReference: fields, name: 'IOPL', value: '0' });
    assert.equal(target.written.get('RFLAGS'), 1n);
  });

  it('a log point speaks; another debugger is seen', async () => {
    const { client, target } = await stopped();
    target.emit({ kind: 'log', id: 1, text: 'rax is 5' });
    target.emit({ kind: 'running' });
    await client.event('continued');
    target.emit({ kind: 'stopped', thread: 1, stop: { reason: 'pause' } });
    assert.equal((await client.event('stopped')).reason, 'pause');
    target.emit({ kind: 'edited' });
    await client.event('invalidated');
    assert.match(client.output('console'), /rax is 5/);
  });

  it('cancels a request that waits, and answers it', async () => {
    const { client, target } = await stopped();
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    target.walk = () => gate.then(() => ({ levels: [] }));
    const slow = client.request('vmxray/walk', { address: '0x10' });
    const waits = client.request('threads');
    const seq = client.lastSequence;
    await client.request('cancel', { requestId: seq });
    release();
    await slow;
    await assert.rejects(waits, /cancelled/);
  });

  it('shows that starting takes its time, to who can show it', async () => {
    const { client } = connect();
    await client.request('initialize', { supportsProgressReporting: true });
    await client.request('launch', { kernel: 'folder/k' });
    const { title, progressId } = await client.event('progressStart');
    assert.equal(title, 'Starting k');
    assert.deepEqual(await client.event('progressEnd'), { progressId });
  });

  it('tells state and counters to who asks, and only what is new', async () => {
    const { client } = await stopped();
    await client.request('vmxray/subscribe', { events: ['state', 'counters'] });
    assert.deepEqual(await client.event('vmxray/state'), { running: false });
    assert.deepEqual(await client.event('vmxray/counters'), { instructions: '5', ticks: '7', exits: '3' });
    await new Promise((resolve) => setTimeout(resolve, 350));
    const again = client.messages.filter((message) => 'event' in message && message.event === 'vmxray/counters');
    assert.equal(again.length, 1);
  });

  describe('launch attributes', () => {
    const cases: readonly [object, RegExp][] = [
      [{}, /"kernel" must be the path/],
      [{ kernel: 7 }, /"kernel" must be text/],
      [{ kernel: 'k', cpus: 2 }, /no attribute "cpus": the attributes are kernel, initrd/],
      [{ kernel: 'k', toString: 1 }, /no attribute "toString"/],
      [{ kernel: 'k', console: 'window' }, /"console" must be one of terminal, debugConsole/],
      [{ kernel: 'k', stopOnEntry: 'yes' }, /"stopOnEntry" must be true or false/],
      [{ kernel: 'k', seed: 1.5 }, /"seed" must be text or a whole number/],
      [{ kernel: 'missing' }, /does not exist: check the path/],
    ];
    for (const [attributes, expected] of cases) {
      it(JSON.stringify(attributes), async () => {
        const { client } = connect();
        await client.request('initialize');
        await assert.rejects(client.request('launch', attributes), expected);
        await client.request('launch', { kernel: 'k', name: 'n', type: 'vmxray', request: 'launch', __sessionId: 'x' });
      });
    }
  });
});
