// Podman's pods against a real podman: the tree equals `podman pod ps`, and actions reach all containers of a pod.
import assert from 'node:assert/strict';
import { DockerProvider } from '../../../src/inventory/docker/docker-provider';
import type { Item } from '../../../src/inventory/provider';
import { IMAGE, startPodman, type TestEngine } from '../../support/engines/container-engines';
import { ScriptedDesk } from '../../support/engines/desk';
import { LIVES_ON } from '../../support/engines/rootfs';
import { patience, rowsBelow, WatchedTree } from '../../support/engines/watched-tree';
import { lab, requireLab } from '../../support/lab/lab';

describe('inventory: pods of a real podman', function () {
  this.timeout(60_000);
  let engine: TestEngine;
  let provider: DockerProvider;
  let tree: WatchedTree;
  let pod = '';

  before(async function () {
    this.timeout(300_000);
    const podman = requireLab(this, await lab.podman());
    engine = await startPodman(podman.command, requireLab(this, await lab.busybox()));
    provider = new DockerProvider(engine.context);
    await provider.connect(patience());
    tree = new WatchedTree(provider, ['folder:containers']);
    // Without the infra container, whose image podman would build or pull.
    pod = await engine.cli('pod', 'create', '--infra=false', '--name', 'crew');
    await engine.cli('pod', 'create', '--infra=false', '--name', 'empty');
    for (const name of ['cook', 'mate']) {
      await engine.cli('create', '--pod', 'crew', '--name', name, IMAGE, ...LIVES_ON);
    }
  });
  after(async () => {
    tree?.dispose();
    provider?.dispose();
    await engine?.dispose();
  });

  const act = (action: string): Promise<void> =>
    provider.run(action, [`pod:${pod}`], new ScriptedDesk({ confirm: true }).run());
  const states = (rows: readonly Item[]): string =>
    rows
      .filter(({ kind }) => kind === 'container')
      .map(({ label, state }) => `${label} ${state}`)
      .sort()
      .join(', ');

  it('lists pods and their containers', async () => {
    const rows = await rowsBelow(provider, 'folder:containers');
    const pods = rows.filter(({ kind }) => kind === 'pod').map(({ label }) => label);
    assert.deepEqual(pods, (await engine.cli('pod', 'ps', '--format', '{{.Name}}')).split('\n').sort());
    assert.equal(states(rows), 'cook stopped, mate stopped');
    const members = await provider.children(`pod:${pod}`, patience());
    assert.deepEqual(members.map(({ label }) => label).sort(), ['cook', 'mate']);
  });

  it('starts, pauses, stops and removes a pod as a whole', async () => {
    const isSo = (expected: string) => (rows: Item[]) => states(rows) === expected;
    await tree.after(() => act('start'), isSo('cook running, mate running'));
    assert.match(await engine.cli('pod', 'ps', '--format', '{{.Name}} {{.Status}}'), /crew Running/);
    await tree.after(() => act('pause'), isSo('cook paused, mate paused'));
    await tree.after(() => act('unpause'), isSo('cook running, mate running'));
    await tree.after(() => act('stop'), isSo('cook stopped, mate stopped'));
    await tree.after(
      () => act('remove'),
      (rows) => rows.every(({ label }) => label !== 'crew'),
    );
    assert.equal(await engine.cli('pod', 'ps', '--format', '{{.Name}}'), 'empty');
  });
});
