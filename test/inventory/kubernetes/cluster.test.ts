// The provider against a real API server with its controllers and scheduler, without a node: the tree equals what kubectl
// lists, owner chains and reasons are shown, each action's effect is seen by kubectl and reaches the tree by event.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { KubernetesProvider } from '../../../src/inventory/kubernetes/kubernetes-provider';
import { summarize } from '../../../src/inventory/kubernetes/kinds';
import type { Item } from '../../../src/inventory/provider';
import { ScriptedDesk, eventually, type Script } from '../../support/engines/desk';
import { startKubernetes, type TestCluster } from '../../support/engines/kubernetes';
import { patience, rowsBelow, WatchedTree } from '../../support/engines/watched-tree';
import { lab, requireLab } from '../../support/lab/lab';
import { deployment, group, NETWORK, old, REST } from './manifests';

const WORKLOADS = 'category/default/workloads';
const WEB = 'object/default/apps/deployments/web';

describe('inventory: a real Kubernetes', function () {
  this.timeout(60_000);
  let cluster: TestCluster;
  let provider: KubernetesProvider;
  let tree: WatchedTree;

  before(async function () {
    this.timeout(300_000);
    const servers = requireLab(this, await lab.kubernetes());
    const etcd = requireLab(this, await lab.etcd());
    const kubectl = requireLab(this, await lab.kubectl());
    cluster = await startKubernetes(servers, etcd.command, kubectl.command);
    await cluster.apply(deployment('web:1') + '---' + REST);
    provider = new KubernetesProvider(cluster.context);
    await provider.connect(patience());
    tree = new WatchedTree(provider, [WORKLOADS]);
  });
  after(async () => {
    tree?.dispose();
    provider?.dispose();
    await cluster?.dispose();
  });

  const run = async (action: string, ids: readonly string[], script: Script = {}): Promise<ScriptedDesk> => {
    const desk = new ScriptedDesk(script);
    await provider.run(action, ids, desk.run());
    return desk;
  };
  const labels = async (parent: string): Promise<string[]> =>
    (await provider.children(parent, patience())).map(({ label }) => label);
  const names = async (...args: string[]): Promise<string[]> =>
    (await cluster.kubectl('get', ...args, '-o', 'name'))
      .split('\n')
      .filter((name) => name !== '')
      .map((name) => name.replace(/^.*\//, ''))
      .sort();
  const podsIn = (rows: readonly Item[]): Item[] => rows.filter(({ kind }) => kind === 'Pod');

  it('tells the version', async () => {
    const { serverVersion } = JSON.parse(await cluster.kubectl('version', '-o', 'json')) as {
      serverVersion: { gitVersion: string };
    };
    assert.equal(await provider.connect(patience()), `Kubernetes ${serverVersion.gitVersion}`);
  });

  it('lists what kubectl lists', async () => {
    await eventually(async () => (await names('pods')).length === 2, 'the controllers have made two pods', 20);
    assert.deepEqual((await labels('folder/namespaces')).sort(), await names('namespaces'));
    assert.equal((await labels('folder/namespaces'))[0], 'default');
    const kinds: [string, string][] = [
      ['/configmaps', 'configmaps'],
      ['/services', 'services'],
      ['/secrets', 'secrets'],
      ['/persistentvolumeclaims', 'pvc'],
      ['/resourcequotas', 'resourcequotas'],
    ];
    for (const [key, kind] of kinds)
      assert.deepEqual((await labels(`type/default/${key}`)).sort(), await names(kind), kind);
    assert.deepEqual(
      (await labels('type//rbac.authorization.k8s.io/clusterroles')).sort(),
      await names('clusterroles'),
    );
    assert.deepEqual(await labels('category/default/configuration'), [
      'ConfigMaps',
      'Secrets',
      'HorizontalPodAutoscalers',
      'ResourceQuotas',
      'LimitRanges',
      'PodDisruptionBudgets',
      'ServiceAccounts',
      'Roles',
      'RoleBindings',
    ]);
  });

  it('shows the chain of owners, and why pods are pending', async () => {
    const rows = await provider.children(WORKLOADS, patience());
    assert.deepEqual(
      rows.map(({ kind, label }) => `${kind} ${label}`),
      ['Deployment web', 'CronJob nightly'],
    );
    const [set] = await provider.children(WEB, patience());
    assert.equal(set?.kind, 'ReplicaSet');
    const pods = podsIn(await provider.children(set.id, patience()));
    assert.deepEqual(pods.map(({ label }) => label).sort(), await names('pods'));
    await eventually(
      async () => {
        const now = podsIn(await provider.children(set.id, patience()));
        return now.every(({ description }) =>
          description?.startsWith('Pending: Unschedulable · 0/2 · no nodes available'),
        );
      },
      'the scheduler has no node for the pods',
      10,
    );
    const containers = await provider.children(pods[0]?.id, patience());
    assert.deepEqual(
      containers.map(({ label, description }) => `${label} ${description}`),
      ['main waiting · web:1', 'side waiting · side:1'],
    );
  });

  it('scales, and the loop is seen to converge', async () => {
    await tree.after(
      () => run('scale', [WEB], { ask: ['4'] }),
      (rows) => podsIn(rows).length === 4,
      5000,
    );
    assert.equal((await names('pods')).length, 4);
    await tree.after(
      () => run('scale', [WEB], { ask: ['1'] }),
      (rows) => podsIn(rows).length === 1,
      5000,
    );
    const refused = await run('scale', [WEB], { ask: ['many'] });
    assert.deepEqual(refused.refusals, ['Write a number from 0 on.']);
  });

  it('hears of what others do within a second', async () => {
    await tree.after(
      () => cluster.kubectl('label', 'deployment', 'web', 'crew=two'),
      (rows) => rows.some(({ label, labels: own }) => label === 'web' && own?.crew === 'two'),
    );
  });

  it('shows what a selector selects, with its owners, and workloads in groups', async () => {
    await cluster.apply(group);
    const namespace = 'namespace/groups';
    const roots = async (): Promise<string[]> =>
      (await provider.children('category/groups/workloads', patience())).map(({ label }) => label);
    const selectable = async (...args: string[]): Promise<string[]> => names('deployments', '-n', 'groups', ...args);
    await eventually(async () => (await roots()).length === 3, 'three Deployments', 10);
    for (const selector of ['tier=front', 'tier in (front, back)', '!tier', 'tier!=front,app', 'tier=none']) {
      await run('selectLabels', [namespace], { ask: [selector] });
      const shown = await labels('type/groups/apps/deployments');
      assert.deepEqual(shown.sort(), await selectable('-l', selector), selector);
    }
    const [row] = (await provider.children('folder/namespaces', patience())).filter(({ id }) => id === namespace);
    assert.equal(row?.description, 'where tier=none');
    // A pod that is selected is shown below what controls it, and its neighbours are not.
    const pods = await names('pods', '-n', 'groups', '-l', 'app=one');
    await cluster.kubectl('label', 'pod', '-n', 'groups', pods[0] ?? '', 'marked=yes');
    await run('selectLabels', [namespace], { ask: ['marked'] });
    const isSo = async (): Promise<boolean> => {
      const rows = await rowsBelow(provider, 'category/groups/workloads');
      return (
        rows
          .filter(({ kind }) => kind !== 'container')
          .map(({ kind }) => kind)
          .join() === 'Deployment,ReplicaSet,Pod'
      );
    };
    await eventually(isSo, 'the pod with its owners', 5);
    const refused = await run('selectLabels', [namespace], { ask: ['tier=='] });
    assert.deepEqual(refused.refusals, []);
    const bad = await run('selectLabels', [namespace], { ask: ['a b'] });
    assert.match(bad.refusals[0] ?? '', /"a b" is no part of a selector/);
    await run('selectLabels', [namespace], { ask: [''] });

    await tree.after(
      () => run('groupByLabel', [namespace], { choose: ['tier'] }),
      () => true,
    );
    assert.deepEqual(await roots(), ['tier: back', 'tier: front', 'no tier']);
    const front = await provider.children('group/groups/front', patience());
    assert.deepEqual(
      front.map(({ label }) => label),
      await selectable('-l', 'tier=front'),
    );
    await run('groupByLabel', [namespace], { choose: ['No groups'] });
    assert.equal((await roots()).length, 3);
  });

  it('rolls out, shows the history and goes back', async () => {
    await cluster.apply(deployment('web:2'));
    const image = (): Promise<string> =>
      cluster.kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}');
    await eventually(async () => (await names('replicasets')).length === 2, 'a second ReplicaSet', 10);
    const history = async (): Promise<string> => (await run('rolloutHistory', [WEB])).documents[0]?.text ?? '';
    assert.match(await history(), /^revision 2 \(present\).*web:2 side:1.*\nrevision 1 .*web:1 side:1/);
    const undone = await run('rolloutUndo', [WEB], { choose: ['Revision 1'] });
    assert.deepEqual(undone.offered[0], ['Revision 1']);
    assert.equal(await image(), 'web:1');
    await eventually(
      async () => /^revision 3 \(present\).*web:1/.test(await history()),
      'the old revision is the present one',
      10,
    );
    await run('rolloutRestart', [WEB]);
    const at = await cluster.kubectl(
      'get',
      'deployment',
      'web',
      '-o',
      'jsonpath={.spec.template.metadata.annotations}',
    );
    assert.match(at, /restartedAt/);
  });

  it('goes back with StatefulSets and DaemonSets, too', async () => {
    for (const kind of ['StatefulSet', 'DaemonSet']) {
      const resource = `${kind.toLowerCase()}s`;
      const id = `object/default/apps/${resource}/old-${resource}`;
      const image = (): Promise<string> =>
        cluster.kubectl('get', resource, `old-${resource}`, '-o', 'jsonpath={.spec.template.spec.containers[0].image}');
      const history = async (): Promise<string> => (await run('rolloutHistory', [id])).documents[0]?.text ?? '';
      for (const [version, expected] of [
        ['1', /^revision 1 \(present\).*old:1\n$/],
        ['2', /^revision 2 \(present\).*old:2\nrevision 1 .*old:1\n$/],
      ] as const) {
        await cluster.apply(old(kind, `old:${version}`));
        await eventually(async () => expected.test(await history()), `${kind} ${expected}`, 10);
      }
      await run('rolloutUndo', [id], { choose: ['Revision 1'] });
      assert.equal(await image(), 'old:1');
      await cluster.kubectl('delete', resource, `old-${resource}`);
    }
  });

  it('shows what a kustomization would change, and applies it', async () => {
    const folder = join(cluster.folder, 'shop; $(touch x)');
    mkdirSync(folder);
    const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
    write('kustomization.yaml', 'namePrefix: lab-\nresources: [shop.yaml]\n');
    const shop = (greeting: string): string =>
      [
        `{ apiVersion: v1, kind: ConfigMap, metadata: { name: shop, namespace: shop }, data: { greeting: ${greeting} } }`,
        `{ apiVersion: v1, kind: Secret, metadata: { name: key, namespace: shop }, stringData: { key: hunter3 } }`,
        `{ apiVersion: v1, kind: Namespace, metadata: { name: shop } }`,
      ].join('\n---\n');
    write('shop.yaml', shop('hello'));
    const shown = await run('kustomizePreview', [], { files: [folder] });
    assert.match(shown.documents[0]?.text ?? '', /name: lab-shop/);
    const refused = await run('kustomizeApply', [], { files: [folder], accept: false });
    assert.match(
      refused.comparisons[0]?.right ?? '',
      /# Namespace shop\n[^]*# ConfigMap shop\/lab-shop\n[^]*greeting: hello/,
    );
    assert.ok(!JSON.stringify(refused.comparisons).includes('hunter3'));
    assert.equal(refused.comparisons[0]?.left.trim(), '');
    await assert.rejects(cluster.kubectl('get', 'namespace', 'shop'));
    const applied = await run('kustomizeApply', [], { files: [folder], accept: true });
    assert.deepEqual(applied.told, ['Applied 3 objects of shop; $(touch x).']);
    const greeting = (): Promise<string> =>
      cluster.kubectl('get', 'configmap', '-n', 'shop', 'lab-shop', '-o', 'jsonpath={.data.greeting}');
    assert.equal(await greeting(), 'hello');
    const again = await run('kustomizeApply', [], { files: [folder], accept: true });
    assert.deepEqual(again.told, ['Nothing would change.']);
    // Somebody else's field: taken over only if that is confirmed.
    await cluster.kubectl('patch', 'configmap', '-n', 'shop', 'lab-shop', '-p', '{"data":{"greeting":"theirs"}}');
    write('shop.yaml', shop('mine'));
    const held = await run('kustomizeApply', [], { files: [folder], accept: true, confirm: false });
    assert.match(held.confirmed[0]?.detail ?? '', /conflict/);
    assert.equal(await greeting(), 'theirs');
    const taken = await run('kustomizeApply', [], { files: [folder], accept: true, confirm: true });
    assert.match(taken.comparisons[0]?.left ?? '', /greeting: theirs/);
    assert.equal(await greeting(), 'mine');
    write('kustomization.yaml', 'resources: [none.yaml]\n');
    await assert.rejects(run('kustomizePreview', [], { files: [folder] }), { code: 'kustomize/build' });
    await cluster.kubectl('delete', 'namespace', 'shop', '--wait=false');
  });

  it('edits YAML: tried by the server, compared, then applied', async () => {
    const id = 'object/default//configmaps/settings.v1';
    const value = (): Promise<string> => cluster.kubectl('get', 'configmap', 'settings.v1', '-o', 'jsonpath={.data.a}');
    const refused = await run('editYaml', [id], {
      edit: (text) => text.replace(/a: .*/, "a: 'changed'"),
      accept: false,
    });
    assert.match(refused.comparisons[0]?.left ?? '', /a: '1'/);
    assert.match(refused.comparisons[0]?.right ?? '', /a: changed/);
    assert.equal(await value(), '1');
    await run('editYaml', [id], { edit: (text) => text.replace(/a: .*/, "a: 'changed'"), accept: true });
    assert.equal(await value(), 'changed');
    const mistakes: [(text: string) => string, RegExp][] = [
      [(text) => `${text}\n  : [`, /is not a manifest/],
      [(text) => text.replace('name: settings.v1', 'name: other'), /kind, name and namespace must stay/],
      [(text) => text.replace('a: changed', 'a: [1]'), /Kubernetes \(test\) says/],
      [(text) => text.replace(/resourceVersion: .*/, "resourceVersion: '1'"), /Somebody else changed it/],
    ];
    for (const [edit, expected] of mistakes) {
      const desk = await run('editYaml', [id], { edit, accept: true });
      assert.match(desk.refusals[0] ?? 'nothing refused', expected);
    }
  });

  it('hides the values of Secrets until they are asked for', async () => {
    const id = 'object/default//secrets/pass';
    const row = (await provider.children('type/default//secrets', patience())).find(({ label }) => label === 'pass');
    const details = await provider.details(id, patience());
    assert.ok(
      !JSON.stringify([row, details]).includes('hunter2') &&
        !JSON.stringify(details).includes(Buffer.from('hunter2').toString('base64')),
    );
    assert.deepEqual(row?.actions, ['reveal', 'delete']);
    assert.equal((await run('reveal', [id])).documents[0]?.text, 'password: hunter2\n');
  });

  it('finds the kinds of custom resources by discovery', async () => {
    // Without an object of the kind: an API server of this age, built by a Go as new as Debian's, dies of its first one.
    await eventually(
      async () => {
        await provider.connect(patience());
        return (await labels('category/default/custom')).join() === 'Boats';
      },
      'the kind Boat',
      10,
    );
    assert.deepEqual(await labels('type/default/lab.example/boats'), []);
    const boat = {
      metadata: { name: 'tub', uid: '1' },
      status: { conditions: [{ type: 'Ready', status: 'False', message: 'leaks' }] },
    };
    assert.deepEqual(summarize('lab.example/boats', boat), { text: 'not Ready', state: 'changing', why: 'leaks' });
  });

  it('shows where traffic goes, and whether it may', async () => {
    await cluster.apply(NETWORK);
    const table = async (id: string, title: string): Promise<readonly (readonly string[])[] | undefined> =>
      (await provider.details(id, patience())).find((section) => section.title === title)?.rows;
    const policy = 'object/default/networking.k8s.io/networkpolicies/wall';
    assert.deepEqual(await table(policy, 'Allowed'), [
      ['from', 'pods app=web in namespaces of any kind; 10.0.0.0/8 not 10.1.0.0/16', '80/TCP, dns/UDP'],
      ['from', 'pods tier in (a, b),!old', 'all'],
    ]);
    assert.deepEqual(await table(policy, 'Forbidden altogether'), [['Egress']]);
    assert.deepEqual(await table('object/default/networking.k8s.io/ingresses/door', 'Rules'), [
      ['shop.example', '/api', 'Prefix', 'Service web:80'],
    ]);
    assert.deepEqual(await table('object/default//services/web', 'Ports'), [['', '80/TCP', 'http', '']]);
    const rows = await provider.children('type/default/networking.k8s.io/networkpolicies', patience());
    assert.equal(rows[0]?.description, 'for all pods · Ingress and Egress');
  });

  it('shows details: the control loop, conditions, events', async () => {
    const sections = new Map((await provider.details(WEB, patience())).map((section) => [section.title, section.rows]));
    assert.deepEqual(sections.get('Control loop')?.[0], ['desired', '2']);
    assert.ok(sections.get('Conditions')?.some(([type]) => type === 'Available'));
    assert.ok(sections.get('Events')?.some(([, , reason]) => reason?.startsWith('ScalingReplicaSet')));
    const quota = await provider.details('object/default//resourcequotas/few', patience());
    assert.deepEqual(quota.find(({ title }) => title === 'Quota')?.rows[0]?.[0], 'configmaps');
    assert.equal(await provider.metrics('object/default//pods/none', patience()), undefined);
  });

  it('runs a cron job by hand, and suspends it', async () => {
    const id = 'object/default/batch/cronjobs/nightly';
    await tree.after(
      () => run('trigger', [id]),
      (rows) => rows.some(({ kind, label }) => kind === 'Job' && label.startsWith('nightly-')),
      3000,
    );
    const isPaused = (rows: Item[]): boolean =>
      rows.some(({ label, state }) => label === 'nightly' && state === 'paused');
    await tree.after(() => run('suspend', [id]), isPaused);
    assert.equal(await cluster.kubectl('get', 'cronjob', 'nightly', '-o', 'jsonpath={.spec.suspend}'), 'true');
  });

  it('shows Helm releases, their values and history', async () => {
    const release = (version: number, status: string): string => {
      const content = {
        name: 'shop',
        version,
        namespace: 'default',
        info: { status, description: `step ${version}` },
        chart: { metadata: { name: 'shop', version: '1.0' } },
        config: { replicas: version },
        manifest: '---\nkind: None\n',
      };
      const packed = Buffer.from(gzipSync(JSON.stringify(content)).toString('base64')).toString('base64');
      const meta = `{ name: sh.helm.release.v1.shop.v${version}, labels: { owner: helm, name: shop, status: ${status}, version: "${version}" } }`;
      return `{ apiVersion: v1, kind: Secret, type: helm.sh/release.v1, metadata: ${meta}, data: { release: ${packed} } }`;
    };
    await cluster.apply(`${release(1, 'superseded')}\n---\n${release(2, 'deployed')}`);
    await eventually(async () => (await labels('category/default/helm')).length === 1, 'a release', 3);
    const [row] = await provider.children('category/default/helm', patience());
    assert.equal(`${row?.label} ${row?.description}`, 'shop deployed · revision 2 of 2 kept');
    assert.equal((await run('helmValues', [row?.id ?? ''])).documents[0]?.text, 'replicas: 2\n');
    const history = (await run('helmHistory', [row?.id ?? ''])).documents[0]?.text ?? '';
    assert.match(history, /^revision 2 {2}deployed {2}shop-1\.0 .*step 2\nrevision 1 {2}superseded/);
    assert.ok(!(await labels('type/default//secrets')).some((label) => label.startsWith('sh.helm')));
  });

  it('deletes after asking, and what it owned goes too', async () => {
    const refused = await run('delete', [WEB], { confirm: false });
    assert.match(refused.confirmed[0]?.detail ?? '', /Deployment web in default/);
    const isGone = (rows: Item[]): boolean => !rows.some(({ label }) => label.startsWith('web'));
    await tree.after(() => run('delete', [WEB], { confirm: true }), isGone, 10_000);
    assert.equal(await cluster.kubectl('get', 'replicasets', '-l', 'app=web', '-o', 'name'), '');
  });

  it('says what is forbidden, and shows the rest', async () => {
    const limited = new KubernetesProvider(cluster.limited);
    await limited.connect(patience());
    const [only, ...others] = await limited.children('folder/namespaces', patience());
    assert.deepEqual([only?.label, only?.description, others], ['open', 'of the context; others are forbidden', []]);
    await assert.rejects(
      limited.children('type///nodes', patience()),
      /forbids it: .*nodes is forbidden.* Ask for a role/,
    );
    const heard: string[] = [];
    const listening = limited.events(({ text }) => heard.push(text));
    await assert.rejects(limited.children('type/open//secrets', patience()), {
      name: 'UserError',
      code: 'cluster/Forbidden',
    });
    await cluster.apply('{ apiVersion: v1, kind: ConfigMap, metadata: { name: seen, namespace: open } }');
    const maps = await limited.children('type/open//configmaps', patience());
    assert.ok(maps.some(({ label }) => label === 'seen'));
    assert.deepEqual(await limited.children('category/open/workloads', patience()), []);
    assert.deepEqual(await limited.children('category/open/helm', patience()), []);
    const desk = new ScriptedDesk({ confirm: true });
    await assert.rejects(limited.run('delete', ['object/open//configmaps/seen'], desk.run()), {
      code: 'cluster/Forbidden',
    });
    await cluster.kubectl('create', 'deployment', '-n', 'open', 'visible', '--image=x:1');
    const isHeard = (): boolean => heard.some((text) => text.startsWith('Deployment open/visible: ScalingReplicaSet'));
    await eventually(isHeard, 'an event of the namespace that may be seen', 10, () => heard.join());
    listening.dispose();
    const watch = new WatchedTree(limited, ['category/open/workloads']);
    await rowsBelow(limited, 'category/open/workloads');
    await watch.after(
      () => cluster.kubectl('scale', 'deployment', '-n', 'open', 'visible', '--replicas=2'),
      (rows) => podsIn(rows).length === 2,
      5000,
    );
    assert.deepEqual(watch.losses, []);
    watch.dispose();
    limited.dispose();
  });

  it('says that credentials have expired, and keeps them to itself', async () => {
    const config = readFileSync(cluster.kubeconfig, 'utf8').replace(/"token":"[^"]+"/g, '"token":"no-longer-valid"');
    const file = join(cluster.folder, 'expired-config');
    writeFileSync(file, config);
    const expired = new KubernetesProvider({ ...cluster.context, files: [file] });
    await assert.rejects(expired.connect(patience()), (error: Error) => {
      assert.match(error.message, /does not know you: your credentials may have expired\. Log in again/);
      return !error.message.includes('no-longer-valid');
    });
    expired.dispose();
  });

  it('says what is wrong', async () => {
    await assert.rejects(
      run('inspect', ['object/default//pods/none']),
      /pods "none" not found\. It may have been deleted/,
    );
    await assert.rejects(provider.children('type/default/no.such/things', patience()), /has no no\.such\/things/);
    const nowhere = new KubernetesProvider({ ...cluster.context, name: 'nowhere' });
    await assert.rejects(nowhere.connect(patience()), /The context "nowhere" of the kubeconfig cannot be used/);
  });

  it('tells the health of the control plane and the events', async () => {
    assert.match((await run('health', [])).documents[0]?.text ?? '', /\[\+\]etcd ok/);
    const heard: string[] = [];
    const listening = provider.events((event) => heard.push(event.text));
    await new Promise((resolve) => setTimeout(resolve, 500));
    await cluster.apply(deployment('web:3'));
    await eventually(
      () => heard.some((text) => text.startsWith('Deployment default/web: ScalingReplicaSet')),
      'an event',
      10,
      () => heard.join('\n'),
    );
    listening.dispose();
  });

  it('finds its way back when the API server is killed and started again', async () => {
    await rowsBelow(provider, WORKLOADS);
    await cluster.apiServer.end('SIGKILL');
    await eventually(() => tree.losses.length > 0, 'the loss is told');
    // Each kind has a watch of its own, and the others hear of the end a moment later.
    const why = (): Promise<string> =>
      provider.children('type/default//configmaps', patience()).then(
        () => 'still there',
        ({ message }: Error) => message,
      );
    await eventually(async () => /refuses connections|broke off the connection/.test(await why()), 'it is said');
    await cluster.startApiServer();
    await eventually(
      () => tree.changes.at(-1) === 'all' || tree.changes.includes('all'),
      'everything is to be read again',
      20,
    );
    assert.equal(tree.losses.length, 1);
    await eventually(async () => (await labels(WORKLOADS)).includes('web'), 'the tree is right again', 15);
    const isThere = (rows: Item[]): boolean => rows.some(({ label }) => label === 'afterwards');
    await tree.after(() => cluster.kubectl('create', 'deployment', 'afterwards', '--image=x:1'), isThere, 12_000);
  });
});
