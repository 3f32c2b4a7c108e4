// What VS Code is told of a stop, by what the top frame has.
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { StopFilter } from '../../src/extension/adapter/stop-filter';

type Message = DebugProtocol.ProtocolMessage;

const event = (name: string, body: object = {}): Message =>
  ({ seq: 0, type: 'event', event: name, body }) as DebugProtocol.Event;
const answer = (request: number, body: object | undefined): Message =>
  ({ seq: 0, type: 'response', request_seq: request, success: body !== undefined, body }) as DebugProtocol.Response;

/** A filter with what it has passed on to either side. */
function filtered(): { filter: StopFilter; asked: DebugProtocol.Request[]; told: Message[] } {
  const asked: DebugProtocol.Request[] = [];
  const told: Message[] = [];
  const filter = new StopFilter(
    (request) => asked.push(request),
    (message) => told.push(message),
  );
  return { filter, asked, told };
}

/** What `stopped` comes out as when the adapter answers so to the question for the top frame. */
function check(stop: object, frames: readonly object[] | undefined, expected: object): void {
  const { filter, asked, told } = filtered();
  filter.take(event('stopped', { threadId: 1, ...stop }));
  assert.deepEqual(told, [], 'held back');
  assert.equal(asked[0]?.command, 'stackTrace');
  filter.take(answer(asked[0].seq, frames && { stackFrames: frames }));
  assert.deepEqual(told, [event('stopped', { threadId: 1, ...expected })]);
}

const withSource = { source: { path: '/kernel/main.c' } };

describe('a stop, as VS Code is told of it', () => {
  it('stays as it is where the top frame has a source', () =>
    check({ reason: 'step' }, [withSource, {}], { reason: 'step' }));
  it('asks for instructions where it has none, whatever its callers have', () =>
    check({ reason: 'vm exit', description: 'Paused on VM exit: CPUID' }, [{}, withSource], {
      reason: 'instruction breakpoint',
      description: 'Paused on VM exit: CPUID',
    }));
  it('keeps its reason in the label', () =>
    check({ reason: 'step' }, [{}], { reason: 'instruction breakpoint', description: 'Paused on step' }));
  it('calls a pause a pause', () =>
    check({ reason: 'pause' }, [{}], { reason: 'instruction breakpoint', description: 'Paused' }));
  it('stays as it is when the guest has gone on', () => check({ reason: 'pause' }, undefined, { reason: 'pause' }));

  it('comes before what the adapter says after it, and each stop has its own question', () => {
    const { filter, asked, told } = filtered();
    const names = (): string[] => told.map((message) => (message as DebugProtocol.Event).event);
    filter.take(event('output'));
    filter.take(event('stopped', { threadId: 1, reason: 'pause' }));
    filter.take(event('continued'));
    filter.take(event('stopped', { threadId: 1, reason: 'step' }));
    filter.take(event('invalidated'));
    assert.deepEqual(names(), ['output']);
    filter.take(answer(asked[0]!.seq, { stackFrames: [withSource] }));
    assert.deepEqual(names(), ['output', 'stopped', 'continued']);
    assert.notEqual(asked[1]!.seq, asked[0]!.seq);
    filter.take(answer(asked[1]!.seq, { stackFrames: [withSource] }));
    assert.deepEqual(names(), ['output', 'stopped', 'continued', 'stopped', 'invalidated']);
  });

  it('is told when the adapter ends before it answers', () => {
    const { filter, told } = filtered();
    filter.take(event('stopped', { threadId: 1, reason: 'pause' }));
    filter.take(event('stopped', { threadId: 1, reason: 'step' }));
    filter.end();
    assert.equal(told.length, 2);
  });
});
