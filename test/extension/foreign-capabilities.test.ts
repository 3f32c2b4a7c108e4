// What VS Code hears of a session's capabilities: all for our own machines, and no more than there is for other guests.
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { CAPABILITIES } from '../../src/dap/capabilities';
import { withoutLacks } from '../../src/extension/adapter/foreign-capabilities';

describe('capabilities of other guests', () => {
  const answer: DebugProtocol.InitializeResponse = {
    ...{ seq: 1, type: 'response', request_seq: 1, command: 'initialize', success: true },
    body: CAPABILITIES,
  };
  const heard = (configuration: Record<string, unknown>): DebugProtocol.Capabilities =>
    (withoutLacks(configuration, answer) as DebugProtocol.InitializeResponse).body!;
  const filters = (configuration: Record<string, unknown>): string[] | undefined =>
    heard(configuration).exceptionBreakpointFilters?.map(({ filter }) => filter);

  for (const [what, configuration, wanted, isRestarted] of [
    ['a stub', { request: 'attach', gdb: '/tmp/gdb' }, ['panic'], false],
    ['a dump', { request: 'attach', dump: '/tmp/core' }, [], false],
    [
      'a machine of ours',
      { request: 'attach', machine: 'Tour' },
      CAPABILITIES.exceptionBreakpointFilters!.map(({ filter }) => filter),
      true,
    ],
  ] as const)
    it(`of ${what}`, () => {
      assert.deepEqual(filters(configuration), wanted);
      assert.equal(heard(configuration).supportsRestartRequest, isRestarted);
      assert.equal(heard(configuration).supportsDisassembleRequest, true);
    });

  it('changes no other message', () => {
    for (const message of [
      { ...answer, command: 'scopes' },
      { seq: 2, type: 'event', event: 'initialized' },
    ])
      assert.equal(withoutLacks({ gdb: 'localhost:1234' }, message), message);
  });
});
