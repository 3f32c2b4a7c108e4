// Containers and pods in a window as its user has it: a container is run, read, entered, stopped and removed; a Deployment
// is scaled, a pod entered, a port of it forwarded, an object edited as YAML and compared. Whatever the window does is
// looked up with the engine's own program.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Locator } from 'playwright-core';
import { IMAGE, startDockerd, type TestEngine } from '../support/engines/container-engines';
import { eventually } from '../support/engines/desk';
import { freePort, startKubernetes, type TestCluster } from '../support/engines/kubernetes';
import { NODE_IMAGE, startNode } from '../support/engines/kubernetes-node';
import { LIVES_ON } from '../support/engines/rootfs';
import { lab, requireLab } from '../support/lab/lab';
import { Screen, TERMINAL } from './screen';

const DOCKER = 'Docker (DOCKER_HOST)';
const CLUSTER = 'Kubernetes: test';
/** Where engines and machines are looked for: the user's own must not be met. */
const PLACES = ['DOCKER_HOST', 'KUBECONFIG', 'XDG_RUNTIME_DIR', 'XDG_DATA_HOME', 'XDG_CONFIG_HOME', 'TMPDIR'] as const;
const COUNTS = 'i=0; while :; do i=$((i+1)); echo line $i; sleep 1; done';

/** Opening a branch, drawing a page: on a busy machine. */
const LONG_MS = 60_000;

class EngineTree {
  constructor(private readonly screen: Screen) {}

  /** A row of the machines' tree, not of the tasks below it. */
  row(text: string | RegExp): Locator {
    const tree = this.screen.page.locator('.part.sidebar .pane').first();
    return tree.locator('.monaco-list-row').filter({ hasText: text }).first();
  }

  show(): Promise<void> {
    const icon = (state: string): Locator =>
      this.screen.page.locator(`.activitybar .action-item${state} [aria-label^="VMXray"]`).first();
    return this.screen.until(icon('.checked'), () => icon('').click());
  }

  /** Unfolds a row until one of those below it is seen. */
  unfold(row: string | RegExp, child: string | RegExp): Promise<void> {
    return this.screen.until(this.row(child), () => this.twist(row));
  }

  /** Folds a row until one of those below it is gone. */
  async fold(row: string | RegExp, child: string | RegExp): Promise<void> {
    await this.twist(row);
    await this.screen.gone(this.row(child));
  }

  private async twist(row: string | RegExp): Promise<void> {
    await this.screen.sees(this.row(row), LONG_MS);
    await this.row(row).locator('.monaco-tl-twistie').click();
  }

  /** Chooses from a row's context menu. */
  async choose(text: string | RegExp, name: string): Promise<void> {
    const item = this.screen.page.getByRole('menuitem', { name, exact: true });
    await this.screen.sees(this.row(text), LONG_MS);
    await this.screen.until(item, async () => {
      // A menu that came before the row was ready has other items.
      if (await this.screen.page.locator('.monaco-menu-container').isVisible())
        await this.screen.page.keyboard.press('Escape');
      await this.row(text).click({ button: 'right' });
    });
    // A menu takes no click in its first moments.
    await item.hover();
    await sleep(500);
    await item.click();
  }

  /** Answers a question that is asked in words. */
  async answer(question: string, text: string): Promise<void> {
    const asked = this.screen.page.locator('.quick-input-widget:visible').filter({ hasText: question });
    await this.screen.sees(asked);
    await asked.locator('.input').first().fill(text);
    await this.screen.page.keyboard.press('Enter');
    await this.screen.gone(asked);
  }
}

describe('containers in a window', function () {
  this.timeout(300_000);
  const usual = PLACES.map((name) => [name, process.env[name]] as const);
  let engine: TestEngine;
  let cluster: TestCluster | undefined;
  let endNode: (() => Promise<void>) | undefined;
  let home: string | undefined;
  let screen: Screen;
  let tree: EngineTree;

  before(async function () {
    this.timeout(600_000);
    const dockerd = requireLab(this, await lab.dockerd());
    const docker = requireLab(this, await lab.docker());
    const busybox = requireLab(this, await lab.busybox());
    engine = await startDockerd(dockerd.command, docker.command, busybox);
    const servers = await lab.kubernetes();
    const [etcd, kubectl, containerd] = [await lab.etcd(), await lab.kubectl(), await lab.containerd()];
    if ('missing' in servers || 'missing' in etcd || 'missing' in kubectl || 'missing' in containerd) {
      console.log('      without Kubernetes, whose programs are not all here');
    } else if (servers.kubelet) {
      cluster = await startKubernetes(servers, etcd.command, kubectl.command);
      endNode = await startNode(cluster, servers.kubelet, containerd.command, busybox);
      await cluster.apply(manifest(await freePort()));
    }
    home = mkdtempSync(join(tmpdir(), 'vmxray-e2e-'));
    for (const name of PLACES.filter((one) => /^XDG_|^TMP/.test(one)))
      mkdirSync((process.env[name] = join(home, name)), { mode: 0o700 });
    process.env.DOCKER_HOST = `unix://${engine.context.endpoint.kind === 'socket' ? engine.context.endpoint.path : ''}`;
    process.env.KUBECONFIG = cluster?.kubeconfig ?? '/dev/null';
    screen = await Screen.open(this, false, (folder) => writeFileSync(join(folder, 'notes.txt'), 'Nothing.\n'));
    tree = new EngineTree(screen);
  });
  beforeEach(function () {
    screen.before(this);
  });
  afterEach(function () {
    return screen.after(this);
  });
  after(async function () {
    this.timeout(120_000);
    await screen?.close();
    for (const [name, value] of usual) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    if (home !== undefined) rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    await endNode?.();
    await cluster?.dispose();
    await engine?.dispose();
  });

  const status = (name: string): Promise<string> => engine.cli('inspect', '-f', '{{.State.Status}}', name);
  /** The cluster; a test without one is skipped. */
  const kubernetes = (context: Mocha.Context): TestCluster => cluster ?? context.skip();
  const closeTerminals = async (): Promise<void> => {
    await screen.run('Terminal: Kill All Terminals');
    await screen.gone(screen.page.locator('.terminal-wrapper'));
  };

  it('runs a container from an image by a short flow', async () => {
    await tree.show();
    await tree.unfold(DOCKER, 'Images');
    await tree.unfold('Images', IMAGE);
    await screen.picture('containers-images');
    await tree.choose(IMAGE, 'Run Image...');
    await screen.pick('In the background');
    await tree.answer('Name of the container', 'counter');
    await tree.answer('Command', `sh -c '${COUNTS}'`);
    await tree.answer('Published ports', '');
    await tree.fold('Images', IMAGE);
    await tree.unfold('Containers', /counter.*running/);
    assert.equal(await status('counter'), 'running');
  });

  it('follows its log in a terminal', async () => {
    await tree.choose('counter', 'Follow Logs');
    await screen.sees(screen.terminal(/line 1.*line 3/));
    await screen.picture('containers-logs');
    await closeTerminals();
  });

  it('opens a shell in it', async () => {
    await tree.choose('counter', 'Open Shell');
    await screen.sees(screen.terminal('#'));
    await screen.enter(TERMINAL, 'hostname; ps | grep -c sleep', screen.terminal(/hostname;.*[0-9a-f]{12}/));
    const [id] = (await engine.cli('inspect', '-f', '{{.Id}}', 'counter')).split('\n');
    await screen.sees(screen.terminal(id!.slice(0, 12)));
    await screen.picture('containers-shell');
    await closeTerminals();
  });

  it('shows on a page what it is, how it is isolated, what it uses, and what happens to it', async () => {
    await tree.choose('counter', 'Show Details');
    const page = screen.page.frameLocator('iframe.webview.ready').last().frameLocator('iframe#active-frame');
    for (const metric of ['CPU', 'Memory', 'Network received', 'Disk read'])
      await screen.sees(page.locator(`[data-metric="${metric}"]`));
    const pid = await engine.cli('inspect', '-f', '{{.State.Pid}}', 'counter');
    for (const kind of ['mnt', 'pid', 'net']) {
      const inode = /\d+/.exec(readlinkSync(`/proc/${pid}/ns/${kind}`))?.[0] ?? '';
      await screen.sees(page.locator('[data-section="Namespaces"] tr').filter({ hasText: kind }).getByText(inode));
    }
    const upper = await engine.cli('inspect', '-f', '{{.GraphDriver.Data.UpperDir}}', 'counter');
    await screen.sees(page.locator('[data-section^="Layers"] tr').filter({ hasText: 'writable' }).getByText(upper));
    await engine.cli('pause', 'counter');
    await screen.sees(page.locator('.events').getByText('container counter: pause'));
    await engine.cli('unpause', 'counter');
    await screen.sees(page.locator('.events').getByText('container counter: unpause'));
    await page.locator('[data-metric="Memory"] path.line[d*="L"]').waitFor({ state: 'attached' });
    await screen.picture('containers-details');
    await page.locator('[data-section="Namespaces"]').scrollIntoViewIfNeeded();
    await page.locator('[data-section^="Layers"]').scrollIntoViewIfNeeded();
    await screen.picture('containers-isolation');
    await screen.run('View: Close All Editors');
  });

  it('stops it', async () => {
    await tree.choose('counter', 'Stop');
    await screen.sees(tree.row(/counter.*exited/));
    assert.equal(await status('counter'), 'exited');
    await screen.picture('containers-stopped');
  });

  it('removes it once that is confirmed, and hears of what others do', async () => {
    await tree.choose('counter', 'Remove...');
    await screen.sees(screen.dialog(/Container counter and its writable layer/));
    await screen.picture('containers-remove');
    await screen
      .dialog(/Remove 1 container/)
      .getByRole('button', { name: 'Remove' })
      .click();
    await screen.gone(tree.row('counter'));
    await assert.rejects(status('counter'));
    await engine.cli('run', '-d', '--name', 'from-elsewhere', IMAGE, ...LIVES_ON);
    await screen.sees(tree.row(/from-elsewhere.*running/), 5000);
    await tree.fold(DOCKER, 'Containers');
  });

  it('shows the Deployments of a cluster, and scales one', async function () {
    const { kubectl } = kubernetes(this);
    await tree.unfold(CLUSTER, 'Namespaces');
    await tree.unfold('Namespaces', /^default/);
    await tree.unfold(/^default/, 'Workloads');
    await tree.unfold('Workloads', 'crew');
    await tree.choose('crew', 'Scale...');
    await tree.answer('Replicas of Deployment crew', '2');
    await screen.sees(tree.row(/crew.*2 of 2 ready/), LONG_MS);
    assert.equal(await kubectl('get', 'deployment', 'crew', '-o', 'jsonpath={.status.readyReplicas}'), '2');
    await screen.picture('kubernetes-scaled');
  });

  it('runs a command in a pod', async function () {
    kubernetes(this);
    await screen.sees(tree.row(/web.*Running/), LONG_MS);
    await tree.choose(/web.*Running/, 'Run Command...');
    await tree.answer('Command to run in the container', 'cat /www/page');
    await screen.sees(screen.terminal('served by the pod'));
    await closeTerminals();
    await tree.choose(/web.*Running/, 'Open Shell');
    await screen.sees(screen.terminal('#'));
    await screen.enter(TERMINAL, 'echo $((6*7)) of $$', screen.terminal(/42 of \d+/));
    await screen.picture('kubernetes-exec');
    await closeTerminals();
  });

  it('forwards a port of a pod', async function () {
    kubernetes(this);
    await tree.choose(/web.*Running/, 'Forward Port...');
    await tree.answer('Port of this machine', '0');
    const shown = screen.terminal(/127\.0\.0\.1:\d+ leads to port/);
    await screen.sees(shown);
    const local = /127\.0\.0\.1:(\d+)/.exec((await shown.textContent()) ?? '')?.[1];
    const page = await fetch(`http://127.0.0.1:${local}/page`, { signal: AbortSignal.timeout(10_000) });
    assert.equal(await page.text(), 'served by the pod\n');
    await screen.sees(screen.terminal('connected'));
    await screen.picture('kubernetes-port');
    await closeTerminals();
    await assert.rejects(fetch(`http://127.0.0.1:${local}/page`, { signal: AbortSignal.timeout(10_000) }));
  });

  it('edits an object as YAML, shows what the server would make of it, and applies it', async function () {
    const { kubectl } = kubernetes(this);
    const value = (): Promise<string> => kubectl('get', 'configmap', 'greeting', '-o', 'jsonpath={.data.hello}');
    await tree.fold('Workloads', 'crew');
    await tree.unfold('Configuration', 'ConfigMaps');
    await tree.unfold('ConfigMaps', 'greeting');
    await tree.choose('greeting', 'Edit YAML...');
    const editor = screen.page.locator('.editor-instance .monaco-editor').first();
    await screen.sees(editor.locator('.view-line').filter({ hasText: 'hello: world' }));
    await editor.locator('.view-line').filter({ hasText: 'hello: world' }).click();
    await screen.page.keyboard.press('Home');
    await screen.page.keyboard.press('Shift+End');
    await screen.page.keyboard.type('hello: moon');
    await screen.page.keyboard.press('Control+S');
    const diff = screen.page.locator('.monaco-diff-editor');
    await screen.sees(diff);
    await screen.sees(diff.locator('.view-line').filter({ hasText: 'hello: moon' }));
    await screen.sees(diff.locator('.view-line').filter({ hasText: 'hello: world' }));
    await screen.sees(screen.toast(/ConfigMap greeting/));
    await screen.picture('kubernetes-diff');
    assert.equal(await value(), 'world');
    await screen
      .toast(/ConfigMap greeting/)
      .getByRole('button', { name: 'Apply' })
      .click();
    await eventually(async () => (await value()) === 'moon', 'the value is changed', 10);
    await screen.sees(screen.toast(/Applied ConfigMap greeting/));
    await screen.run('View: Close All Editors');
  });
});

function manifest(port: number): string {
  const container = (command: readonly string[]): string =>
    `{ name: main, image: "${NODE_IMAGE}", imagePullPolicy: Never, command: ${JSON.stringify(command)}, ports: [{ containerPort: ${port} }] }`;
  const spec = (command: readonly string[]): string =>
    `{ hostNetwork: true, terminationGracePeriodSeconds: 1, containers: [${container(command)}] }`;
  const serve = `mkdir -p /www && echo "served by the pod" > /www/page && exec httpd -f -p 127.0.0.1:${port} -h /www`;
  return `
apiVersion: v1
kind: Pod
metadata: { name: web }
spec: ${spec(['/bin/sh', '-c', serve])}
---
apiVersion: v1
kind: ConfigMap
metadata: { name: greeting }
data: { hello: world }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: crew }
spec:
  replicas: 1
  strategy: { type: Recreate }
  selector: { matchLabels: { app: crew } }
  template: { metadata: { labels: { app: crew } }, spec: { hostNetwork: true, terminationGracePeriodSeconds: 1, containers: [{ name: main, image: "${NODE_IMAGE}", imagePullPolicy: Never, command: ${JSON.stringify(LIVES_ON)} }] } }
`;
}
