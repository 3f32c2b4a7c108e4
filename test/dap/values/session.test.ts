// A black-box client of `vmxray dap` looks at the variables of the tour guest by their types, in several frames.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type DapClient, DapProcess } from '../client';

interface Shown {
  readonly name: string;
  readonly value: string;
  readonly type?: string;
  readonly evaluateName?: string;
  readonly variablesReference: number;
  readonly indexedVariables?: number;
}

describe('vmxray dap: values by their types', function () {
  this.timeout(180_000);
  let dap: DapProcess;
  let client: DapClient;

  before(async () => {
    dap = new DapProcess(60_000);
    client = dap.client;
    await client.launch({ kernel: join('test', 'guests', 'bin', 'tour.elf'), stopOnEntry: true, pace: 'free' }, () =>
      client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'timer_interrupt' }] }),
    );
    await client.event('stopped');
    await client.request('continue', { threadId: 1 });
    await client.event('stopped');
  });
  after(() => dap.stop());

  const frames = async (): Promise<{ id: number; name: string; presentationHint?: string }[]> =>
    (await client.request<{ stackFrames: { id: number; name: string }[] }>('stackTrace', { threadId: 1 })).stackFrames;
  const frameNamed = async (name: string): Promise<number> =>
    (await frames()).find((frame) => new RegExp(`\\b${name}\\b`).test(frame.name))!.id;
  const variables = async (variablesReference: number, more: object = {}): Promise<Shown[]> =>
    (await client.request<{ variables: Shown[] }>('variables', { variablesReference, ...more })).variables;
  const locals = async (frameId: number): Promise<{ reference: number; shown: Shown[] }> => {
    const { scopes } = await client.request<{ scopes: { name: string; variablesReference: number }[] }>('scopes', {
      frameId,
    });
    const reference = scopes.find(({ name }) => name === 'Locals')?.variablesReference ?? 0;
    return { reference, shown: reference ? await variables(reference) : [] };
  };
  const evaluate = (expression: string, frameId?: number) =>
    client.request<Shown & { result: string }>('evaluate', { expression, ...(frameId !== undefined && { frameId }) });

  it('a parameter opens into what it points to', async () => {
    const { shown } = await locals(await frameNamed('timer_interrupt'));
    const frame = shown.find(({ name }) => name === 'frame')!;
    assert.equal(frame.type, 'struct frame *');
    assert.equal(frame.evaluateName, 'frame');
    const members = await variables(frame.variablesReference);
    const vector = members.find(({ name }) => name === 'vector')!;
    assert.deepEqual([vector.value, vector.evaluateName], ['64 (0x40)', 'frame->vector']);
  });

  it('arrays come in pages, globals by their types', async () => {
    const history = await evaluate('history');
    assert.match(history.type!, /^uint\d+_t \[\d+\]$|^.*\[\d+\]$/);
    const page = await variables(history.variablesReference, { filter: 'indexed', start: 1, count: 2 });
    assert.deepEqual(
      page.map(({ name, evaluateName }) => [name, evaluateName]),
      [
        ['[1]', 'history[1]'],
        ['[2]', 'history[2]'],
      ],
    );
  });

  it('elements and members are told apart', async () => {
    const { variablesReference } = await evaluate('history');
    assert.equal((await variables(variablesReference, { filter: 'named' })).length, 0);
    const frame = await evaluate('*frame', await frameNamed('timer_interrupt'));
    assert.equal((await variables(frame.variablesReference, { filter: 'indexed' })).length, 0);
    assert.ok((await variables(frame.variablesReference, { filter: 'named' })).length > 5);
  });

  it('a member is written, watched and shown in hexadecimal', async () => {
    const frameId = await frameNamed('timer_interrupt');
    const { value: before } = (await variables((await locals(frameId)).shown[0]!.variablesReference))[0]!;
    const written = await client.request<Shown>('setExpression', {
      expression: 'frame->vector',
      value: '0x41',
      frameId,
    });
    assert.equal(written.value, '65 (0x41)');
    const { shown } = await locals(frameId);
    const reference = shown.find(({ name }) => name === 'frame')!.variablesReference;
    const back = await client.request<Shown>('setVariable', {
      variablesReference: reference,
      name: 'vector',
      value: '64',
    });
    assert.equal(back.value, '64 (0x40)');
    const again = await variables(reference, { format: { hex: true } });
    assert.equal(again.find(({ name }) => name === 'vector')!.value, '0x40');
    assert.equal((await variables(reference))[0]!.value, before);
    const info = await client.request<{ dataId: string }>('dataBreakpointInfo', {
      variablesReference: reference,
      name: 'vector',
    });
    const address = BigInt((await evaluate('&frame->vector', frameId)).result.split(' ')[0]!);
    assert.equal(info.dataId, `0x${address.toString(16)},8`);
  });

  it('mistakes are told', async () => {
    const frameId = await frameNamed('timer_interrupt');
    await assert.rejects(
      evaluate('frame->vectr', frameId),
      /`struct frame` has no member `vectr`.*did you mean `vector`/,
    );
    await assert.rejects(
      client.request('setExpression', { expression: '*frame', value: '1', frameId }),
      /\*frame cannot be written/,
    );
  });

  it('members complete', async () => {
    const { targets } = await client.request<{ targets: { label: string; type: string }[] }>('completions', {
      text: 'frame->ve',
      column: 10,
      frameId: await frameNamed('timer_interrupt'),
    });
    assert.deepEqual(
      targets.map(({ label, type }) => [label, type]),
      [['vector', 'field']],
    );
  });

  it('a caller has its own variables, and says which are lost', async () => {
    const frameId = await frameNamed('trap_dispatch');
    const { shown } = await locals(frameId);
    const lost = '<The compiler kept it nowhere: it was known only when the function was called>';
    assert.deepEqual(
      shown.map(({ name, value }) => [name, value]),
      [['frame', lost]],
    );
    assert.equal((await evaluate('frame', frameId)).result, lost);
    assert.equal((await evaluate('frame->vector', frameId)).result, lost);
    await assert.rejects(evaluate('frame->vector + 1', frameId), /kept it nowhere/);
    await assert.rejects(evaluate('now', frameId), /There is no symbol, register or variable `now`/);
  });

  it("a caller's variables are computed from its own registers", async () => {
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'describe_memory' }] });
    await client.request('restart', {});
    await client.event('stopped');
    await client.request('continue', { threadId: 1 });
    await client.event('stopped');
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'print' }] });
    const sizes: string[] = [];
    for (const index of [0, 1]) {
      await client.request('continue', { threadId: 1 });
      await client.event('stopped');
      const frameId = await frameNamed('describe_memory');
      assert.equal((await evaluate('i', frameId)).result, String(index));
      sizes.push((await evaluate('range->size', frameId)).result);
    }
    // The memory below 640 KiB but for the extended BIOS data area, and that area.
    assert.deepEqual(sizes, ['654336 (0x9fc00)', '1024 (0x400)']);
  });
});
