// A branch of the tree: an engine that fails or hangs costs its own branch alone, and is tried again.
import assert from 'node:assert/strict';
import { Branch } from '../../../src/extension/workbench/tree/branch';
import type { Item, Provider } from '../../../src/inventory/provider';

const ITEM: Item = { id: 'a', kind: 'machine', label: 'A', icon: 'vm', hasChildren: false, actions: [] };

/** An engine that does as the test says. */
function engine(connect: () => Promise<string>, children: () => Promise<readonly Item[]> = async () => [ITEM]) {
  let lose: (why: Error) => void = () => {};
  let watchers = 0;
  const provider: Provider = {
    id: 'e',
    label: 'Engine',
    kind: 'emulator',
    actions: [],
    connect,
    children,
    watch: (_onChange, onLost) => {
      lose = onLost;
      watchers++;
      return { dispose: () => watchers-- };
    },
    run: async () => {},
    details: async () => [],
    metrics: async () => undefined,
    dispose: () => {},
  };
  return { provider, lose: (why: Error) => lose(why), watchers: () => watchers };
}

describe('a branch of the tree', () => {
  it('connects when it is first opened, once', async () => {
    let connects = 0;
    const { provider } = engine(async () => `${++connects}.0`);
    const branch = new Branch(provider, () => {});
    assert.deepEqual(branch.state, { kind: 'unopened' });
    const [first, second] = await Promise.all([branch.children(undefined), branch.children(undefined)]);
    assert.deepEqual([first, second], [[ITEM], [ITEM]]);
    assert.deepEqual(branch.state, { kind: 'connected', version: '1.0' });
    branch.dispose();
  });

  it('fails with the reason, and can be tried again at once', async () => {
    let fails = true;
    const { provider } = engine(async () => {
      if (fails) throw new Error('nobody is there');
      return '1';
    });
    const branch = new Branch(provider, () => {});
    await assert.rejects(branch.children(undefined), /nobody is there/);
    assert.deepEqual(branch.state, { kind: 'failed', reason: 'nobody is there' });
    fails = false;
    branch.retryNow();
    assert.deepEqual(await branch.children(undefined), [ITEM]);
    branch.dispose();
  });

  it('waits for no engine that hangs', async () => {
    let aborted = false;
    const hang = (signal: AbortSignal): Promise<never> =>
      new Promise(() => signal.addEventListener('abort', () => (aborted = true)));
    const { provider } = engine(async () => '1');
    const branch = new Branch({ ...provider, children: (_parent, signal) => hang(signal) }, () => {}, 30);
    await assert.rejects(branch.children(undefined), /Engine has not answered within 0\.03 s/);
    assert.equal(branch.state.kind, 'failed');
    assert.ok(aborted);
    branch.dispose();
  });

  it('keeps the branch when one row cannot be read', async () => {
    const { provider } = engine(async () => '1');
    const branch = new Branch(
      { ...provider, children: async (parent) => (parent ? Promise.reject(new Error('gone')) : [ITEM]) },
      () => {},
    );
    await branch.children(undefined);
    await assert.rejects(branch.children('a'), /gone/);
    assert.equal(branch.state.kind, 'connected');
    branch.dispose();
  });

  it('hears of a lost engine, and stops watching it', async () => {
    const made = engine(async () => '1');
    const branch = new Branch(made.provider, () => {});
    await branch.children(undefined);
    assert.equal(made.watchers(), 1);
    made.lose(new Error('it went away'));
    assert.deepEqual(branch.state, { kind: 'failed', reason: 'it went away' });
    assert.equal(made.watchers(), 0);
    branch.dispose();
  });
});
