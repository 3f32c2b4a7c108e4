// A black-box client of `vmxray dap`, over its standard streams, with real guests.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ExitAnswer } from '../../src/protocol/exit';
import type { WalkAnswer } from '../../src/protocol/walk';
import { DapClient, DapProcess } from './client';
import { checkWalk, readBytes } from './walk-check';

const guest = (name: string): string => join('test', 'guests', 'bin', `${name}.elf`);

const INSTRUCTION = { granularity: 'instruction' };

interface Stopped {
  readonly reason: string;
  readonly text?: string;
}
interface Frame {
  readonly name: string;
  readonly instructionPointerReference: string;
}
interface Row {
  readonly address: string;
  readonly instruction: string;
  readonly instructionBytes: string;
}

async function start(client: DapClient, attributes: object, breakpoints: readonly string[] = []): Promise<void> {
  await client.launch({ pace: 'free', ...attributes }, () =>
    client.request('setInstructionBreakpoints', {
      breakpoints: breakpoints.map((instructionReference) => ({ instructionReference })),
    }),
  );
}

async function frame(client: DapClient): Promise<Frame> {
  const { stackFrames } = await client.request<{ stackFrames: Frame[] }>('stackTrace', { threadId: 1 });
  return stackFrames[0]!;
}

/** All registers of a stop, by name; fields are not opened. */
async function registers(client: DapClient): Promise<ReadonlyMap<string, string>> {
  const { scopes } = await client.request<{ scopes: { variablesReference: number }[] }>('scopes', { frameId: 1000 });
  const lists = await Promise.all(
    scopes.map(({ variablesReference }) =>
      client.request<{ variables: { name: string; value: string }[] }>('variables', { variablesReference }),
    ),
  );
  return new Map(lists.flatMap(({ variables }) => variables.map(({ name, value }) => [name, value] as const)));
}

async function step(client: DapClient, command: string, args: object = {}): Promise<Stopped> {
  await client.request(command, { threadId: 1, ...args });
  return client.event<Stopped>('stopped');
}

describe('vmxray dap', function () {
  this.timeout(180_000);
  let dap: DapProcess;
  let client: DapClient;

  beforeEach(() => {
    dap = new DapProcess();
    client = dap.client;
  });
  afterEach(() => dap.stop());

  it('boots the tour guest from its entry to its end', async () => {
    await start(client, { kernel: guest('tour'), stopOnEntry: true });
    assert.equal((await client.event<Stopped>('stopped')).reason, 'entry');
    const { name, instructionPointerReference } = await frame(client);
    assert.match(name, /protected mode, 32-bit, ring 0/);
    const found = await registers(client);
    assert.equal(BigInt(found.get('RIP')!), BigInt(instructionPointerReference));
    assert.match(found.get('CR0')!, /PE/);
    assert.doesNotMatch(found.get('CR0')!, /PG/);

    await client.request('continue', { threadId: 1 });
    assert.deepEqual(await client.event('exited'), { exitCode: 0 });
    await client.event('terminated');
    assert.match(client.output('stdout'), /VMXray tour[^]*RESULT pass/);
    await client.request('disconnect');
    assert.deepEqual(await dap.ended(), { code: 0, errors: '' });
  });

  it('steps instruction by instruction as the disassembly says, and over calls', async () => {
    await start(client, { kernel: guest('tour'), stopOnEntry: true });
    await client.event('stopped');
    // Past the boot code and what every guest asks first, into describe_processor and its printing.
    for (let exits = 0; exits < 3; exits++) await step(client, 'vmxray/stepExit', { reasons: ['CPUID'] });
    for (let count = 0, calls = 0; calls < 2; count++) {
      assert.ok(count < 500, 'no two calls in 500 instructions');
      const here = (await frame(client)).instructionPointerReference;
      const { instructions } = await client.request<{ instructions: Row[] }>('disassemble', {
        memoryReference: here,
        instructionCount: 2,
      });
      const [row, next] = instructions as [Row, Row];
      assert.equal(row.address, here);
      assert.equal(
        row.instructionBytes,
        (await readBytes(client, here, row.instructionBytes.split(' ').length))
          .toString('hex')
          .replaceAll(/(..)(?=.)/g, '$1 '),
      );
      const isCall = row.instruction.startsWith('call');
      calls += isCall ? 1 : 0;
      const flows = !/^(j|call|ret|loop|rep|hlt)/.test(row.instruction);
      assert.equal((await step(client, isCall ? 'next' : 'stepIn', INSTRUCTION)).reason, 'step');
      if (flows || isCall)
        assert.equal((await frame(client)).instructionPointerReference, next.address, row.instruction);
    }
  });

  it('stops at a breakpoint each time, and reads what the guest wrote in all three spaces', async () => {
    await start(client, { kernel: guest('long-mode'), stopOnEntry: true });
    await client.event('stopped');
    // An instruction that runs again and again in 64-bit mode: what prints, after the serial line is set up.
    for (let exits = 0; exits < 30; exits++) await step(client, 'vmxray/stepExit', { reasons: ['I/O instruction'] });
    const here = (await frame(client)).instructionPointerReference;
    const walk = await checkWalk(client, here);
    assert.deepEqual(
      walk.levels
        .filter(({ table }) => !table.startsWith('EPT'))
        .map(({ table }) => table)
        .slice(0, 3),
      ['PML4E', 'PDPTE', 'PDE'],
    );
    assert.ok(walk.permission?.read && walk.permission.execute);
    const answer = await client.request<{ breakpoints: { verified: boolean }[] }>('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: here }],
    });
    assert.deepEqual(
      answer.breakpoints.map(({ verified }) => verified),
      [true],
    );
    for (let round = 0; round < 3; round++) {
      assert.equal((await step(client, 'continue')).reason, 'instruction breakpoint');
      assert.equal((await frame(client)).instructionPointerReference, here);
    }
  });

  it('steps to VM exits, all or of some reasons, and describes them', async () => {
    await start(client, { kernel: guest('tour'), stopOnEntry: true });
    await client.event('stopped');
    assert.deepEqual(await client.request('vmxray/exit', { threadId: 1 }), {});
    let last = -1;
    for (let count = 0; count < 3; count++) {
      const stopped = await step(client, 'vmxray/stepExit');
      assert.equal(stopped.reason, 'vm exit');
      const { exit } = await client.request<ExitAnswer>('vmxray/exit', { threadId: 1 });
      assert.ok(exit && Number(exit.number) > last);
      last = Number(exit.number);
    }
    await step(client, 'vmxray/stepExit', { reasons: ['CPUID'] });
    const { exit } = await client.request<ExitAnswer>('vmxray/exit', { threadId: 1 });
    assert.deepEqual([exit?.name, exit?.reason, exit?.instructionLength], ['CPUID', 10, 2]);
    assert.deepEqual(await readBytes(client, exit!.rip, 2), Buffer.from([0x0f, 0xa2]));
    const wrong = client.request('vmxray/stepExit', { threadId: 1, reasons: ['tea break'] });
    await assert.rejects(wrong, /no exit reason "tea break"/);
    await step(client, 'stepIn', INSTRUCTION);
  });

  it('says why an address has no translation', async () => {
    await start(client, { kernel: guest('long-mode'), stopOnEntry: true });
    await client.event('stopped');
    await step(client, 'vmxray/stepExit', { reasons: ['I/O instruction'] });
    const walk = await client.request<WalkAnswer>('vmxray/walk', { address: '0x7fffdeadb000', space: 'linear' });
    assert.deepEqual([walk.fault?.kind, walk.fault?.bit, walk.physical], ['page fault', 'P', undefined]);
  });

  it('pauses a running guest, and goes on', async () => {
    await start(client, { kernel: guest('tour'), pace: 'wall', stopOnEntry: false });
    await client.request('pause', { threadId: 1 });
    const stopped = await client.event<Stopped>('stopped');
    assert.equal(stopped.reason, 'pause');
    await client.request('continue', { threadId: 1 });
    await client.event('terminated');
  });

  it('refuses a kernel that is not there, then takes one that is', async () => {
    await client.request('initialize');
    await assert.rejects(client.request('launch', { kernel: '/nowhere/vmlinuz' }), /does not exist: check the path/);
    await assert.rejects(client.request('launch', { kernel: __filename }), /not bootable/);
    await client.request('launch', { kernel: guest('hello') });
    await client.request('configurationDone');
    await client.event('terminated');
  });

  it('a bare machine has no exits to step to', async () => {
    await start(client, { kernel: guest('tour'), bare: true, stopOnEntry: true });
    await client.event('stopped');
    await assert.rejects(client.request('vmxray/stepExit', { threadId: 1 }), /no hypervisor/);
    const { breakpoints } = await client.request<{ breakpoints: { verified: boolean; message?: string }[] }>(
      'setExceptionBreakpoints',
      { filters: ['exit', 'exception'] },
    );
    assert.deepEqual(
      breakpoints.map(({ verified }) => verified),
      [false, true],
    );
    assert.match(breakpoints[0]!.message!, /no hypervisor/);
    await client.request('threads');
  });

  it('ends with its client', async () => {
    await start(client, { kernel: guest('tour'), stopOnEntry: true });
    await client.event('stopped');
    client.close();
    assert.deepEqual(await dap.ended(), { code: 0, errors: '' });
  });
});

describe('vmxray dap --port', function () {
  this.timeout(180_000);

  it('serves one session for each connection to a local port', async () => {
    const server = spawn(process.execPath, [join('dist', 'src', 'cli', 'main.js'), 'dap', '--port', '0']);
    try {
      const [line] = (await once(server.stdout, 'data')) as [Buffer];
      const port = Number(/^listening on 127\.0\.0\.1:(\d+)\n$/.exec(String(line))?.[1]);
      const sessions = [1, 2].map(async () => {
        const socket = connect(port, '127.0.0.1');
        const client = new DapClient(socket, socket);
        await start(client, { kernel: guest('hello'), stopOnEntry: true });
        await client.event('stopped');
        await client.request('continue', { threadId: 1 });
        await client.event('terminated');
        await client.request('disconnect');
        await once(socket, 'close');
        return client.output('stdout');
      });
      for (const said of await Promise.all(sessions)) assert.match(said, /^Hello from/);
    } finally {
      server.kill();
    }
  });
});
