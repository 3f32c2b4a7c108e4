// The parts of the Kubernetes provider that need no cluster: kubeconfig files, ids, quantities, why a pod is as it is,
// Helm's Secrets, and a watch that breaks or whose version the server has forgotten.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { discoverClusters } from '../../../src/inventory/kubernetes/contexts';
import { decodeRelease } from '../../../src/inventory/kubernetes/helm';
import { parsePlace, placeId, type Place } from '../../../src/inventory/kubernetes/ids';
import { KubernetesProvider } from '../../../src/inventory/kubernetes/kubernetes-provider';
import { podHealth, type Pod } from '../../../src/inventory/kubernetes/pods';
import { parseQuantity } from '../../../src/inventory/kubernetes/quantity';
import { parseSelector, selects } from '../../../src/inventory/kubernetes/selector';
import { clientFrame, FrameReader, type Frame } from '../../../src/inventory/kubernetes/web-socket';
import { eventually } from '../../support/engines/desk';

const metadata = { name: 'p', uid: '1' };

describe('inventory: parts of the Kubernetes provider', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'vmxray-kube-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('finds contexts in all files; a broken one is told and harms nothing', async () => {
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const one = file(
      'one',
      'contexts:\n- name: lab; rm\n  context: { cluster: c, namespace: apps }\n- name: 7\n- null\n',
    );
    const two = file('two', 'contexts: [{ name: lab; rm }, { name: other, context: {} }]');
    const bad = file('bad', 'contexts: [');
    const none = join(folder, 'none');
    const { clusters, problems } = await discoverClusters({
      env: { KUBECONFIG: [one, none, bad, two].join(delimiter) },
    });
    assert.deepEqual(
      clusters.map(({ name, namespace }) => `${name} ${namespace}`),
      ['lab; rm apps', 'other default'],
    );
    assert.equal(problems.length, 1);
    assert.deepEqual((await discoverClusters({ env: {}, home: folder })).clusters, []);
    const named = await discoverClusters({ env: { KUBECONFIG: one }, files: [two, none] });
    assert.deepEqual(
      named.clusters.map(({ name, files }) => [name, files]),
      [
        ['lab; rm', [one]],
        ['other', [two]],
      ],
    );
    assert.match(named.problems[0] ?? '', /none: ENOENT/);
  });

  it('ids are read back as they were made', () => {
    const places: Place[] = [
      { at: 'folder', folder: 'cluster' },
      { at: 'namespace', namespace: 'kube-system' },
      { at: 'category', namespace: 'a', category: 'helm' },
      { at: 'type', namespace: undefined, key: '/nodes' },
      { at: 'type', namespace: 'a', key: 'apps/deployments' },
      { at: 'object', namespace: undefined, key: 'rbac.authorization.k8s.io/clusterroles', name: 'system:node' },
      { at: 'object', namespace: 'a', key: '/pods', name: 'web.1' },
      { at: 'container', namespace: 'a', pod: 'p', container: 'c' },
      { at: 'endpoint', namespace: 'a', service: 's', address: 'fd00::1' },
      { at: 'release', namespace: 'a', release: 'r' },
      { at: 'group', namespace: 'a', value: '' },
      { at: 'group', namespace: 'a', value: 'b.c_d-e' },
    ];
    for (const place of places) assert.deepEqual(parsePlace(placeId(place)), place);
    assert.equal(parsePlace('nonsense'), undefined);
  });

  it('quantities', () => {
    const cases: [string | undefined, number | undefined][] = [
      ['250m', 0.25],
      ['2', 2],
      ['1.5Gi', 1.5 * 2 ** 30],
      ['129M', 129e6],
      ['1e3', 1000],
      ['12345n', 12345e-9],
      ['-3', -3],
      ['3 Gi', undefined],
      ['', undefined],
      [undefined, undefined],
    ];
    for (const [text, value] of cases) assert.equal(parseQuantity(text), value, text);
  });

  describe('says how a pod is, and why', () => {
    const spec = { containers: [{ name: 'c' }], nodeName: 'n' };
    const waiting = (reason: string, message: string): Pod['status'] => ({
      phase: 'Pending',
      containerStatuses: [
        { name: 'c', image: '', imageID: '', ready: false, restartCount: 0, state: { waiting: { reason, message } } },
      ],
    });
    const base = { name: 'c', image: '', imageID: '', restartCount: 3 };
    const cases: [string, Partial<Pod>, string][] = [
      ['no node yet', { spec: { containers: [] }, status: { phase: 'Pending' } }, 'changing Pending: no scheduler'],
      [
        'unschedulable',
        {
          spec: { containers: [] },
          status: {
            phase: 'Pending',
            conditions: [
              { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes: taint' },
            ],
          },
        },
        'changing Pending: Unschedulable: 0/3 nodes: taint',
      ],
      [
        'image',
        { spec, status: waiting('ImagePullBackOff', 'not found') },
        'failed Pending: ImagePullBackOff: not found',
      ],
      ['starting', { spec, status: waiting('ContainerCreating', '') }, 'changing Pending: ContainerCreating'],
      [
        'crashing',
        {
          spec,
          status: {
            phase: 'Running',
            containerStatuses: [
              {
                ...base,
                ready: false,
                state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' } },
                lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
              },
            ],
          },
        },
        'failed CrashLoopBackOff: back-off 40s; last ended with OOMKilled (137)',
      ],
      [
        'not ready',
        { spec, status: { phase: 'Running', containerStatuses: [{ ...base, ready: false, state: { running: {} } }] } },
        'changing running, not ready: its readiness probe',
      ],
      [
        'running',
        { spec, status: { phase: 'Running', containerStatuses: [{ ...base, ready: true, state: { running: {} } }] } },
        'running Running',
      ],
      ['done', { spec, status: { phase: 'Succeeded' } }, 'stopped Succeeded'],
      [
        'evicted',
        { spec, status: { phase: 'Failed', reason: 'Evicted', message: 'low on memory' } },
        'failed Evicted: low on memory',
      ],
      [
        'going',
        { spec, metadata: { ...metadata, deletionTimestamp: 'now' }, status: { phase: 'Running' } },
        'changing Terminating',
      ],
    ];
    for (const [name, pod, expected] of cases) {
      it(name, () => {
        const { state, word, why } = podHealth({ metadata, ...pod });
        const text = `${state} ${word}${why === undefined ? '' : `: ${why}`}`;
        assert.ok(text.startsWith(expected), text);
      });
    }
  });

  describe('label selectors', () => {
    const labels = { app: 'web', 'lab.example/tier': 'front', empty: '' };
    const cases: [string, boolean][] = [
      ['', true],
      ['app=web', true],
      ['app == web , lab.example/tier!=back', true],
      ['app!=web', false],
      ['none!=x', true],
      ['app in (db, web)', true],
      ['app notin (db,web)', false],
      ['app in (db),app', false],
      ['!app', false],
      ['! none', true],
      ['empty', true],
      ['empty=', true],
      ['none=', false],
      ['constructor', false],
    ];
    for (const [text, expected] of cases)
      it(text === '' ? 'nothing' : text, () => assert.equal(selects(parseSelector(text), labels), expected));
    for (const bad of [
      'a b',
      '=x',
      'app=we b',
      'app in web',
      'app in (a',
      ',',
      'a;b',
      '-a=1',
      `${'a'.repeat(50_000)}!`,
    ])
      it(`refuses ${bad.slice(0, 20)}`, () => assert.throws(() => parseSelector(bad), { code: 'selector/syntax' }));
  });

  it('frames of WebSockets, in whatever pieces they come; hostile ones are refused', () => {
    const sizes = [0, 1, 125, 126, 65535, 65536, 100_000];
    const all = sizes.map((size) => Buffer.alloc(size, size % 251));
    const sent = Buffer.concat(all.map((payload) => clientFrame(2, payload)));
    for (const piece of [1, 7, 1000, sent.length]) {
      const reader = new FrameReader('client');
      const frames: Frame[] = [];
      // One byte at a time only for the small ones.
      const end = piece < 1000 ? 600 : sent.length;
      for (let at = 0; at < end; at += piece) frames.push(...reader.take(sent.subarray(at, Math.min(end, at + piece))));
      const whole = piece < 1000 ? 4 : sizes.length;
      assert.deepEqual(
        frames.slice(0, whole).map(({ payload }) => payload),
        all.slice(0, whole),
        `pieces of ${piece}`,
      );
    }
    for (const hostile of [
      [0xc2, 0],
      [0x82, 0x81, 0, 0, 0, 0, 0],
      [0x82, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255],
    ])
      assert.throws(() => new FrameReader('server').take(Buffer.from(hostile)));
  });

  it('a Secret that holds no release of Helm is an error with a sentence', async () => {
    for (const release of ['', 'bm9uc2Vuc2U=', Buffer.from('H4sIAAAA').toString('base64')]) {
      await assert.rejects(decodeRelease({ metadata, data: { release } }), { name: 'UserError', code: 'helm/release' });
    }
  });

  it('watches on from the last version after a break, and lists again when the server has forgotten it', async () => {
    const asked: string[] = [];
    const names = ['first'];
    let watch: ServerResponse | undefined;
    const item = (name: string, version: string): object => ({
      metadata: { name, namespace: 'default', uid: name, resourceVersion: version },
    });
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://x');
      const send = (value: unknown): void => void response.end(JSON.stringify(value));
      if (url.pathname === '/version') return send({ gitVersion: 'v1' });
      if (url.pathname === '/apis') return send({ groups: [] });
      if (url.pathname === '/api/v1') {
        return send({
          groupVersion: 'v1',
          resources: [{ name: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs: ['list', 'watch'] }],
        });
      }
      const version = url.searchParams.get('resourceVersion');
      asked.push(version === null ? 'list' : `watch ${version}`);
      if (version === null)
        return send({ metadata: { resourceVersion: '10' }, items: names.map((name) => item(name, '1')) });
      response.writeHead(200).flushHeaders();
      watch = response;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const config = join(folder, 'config');
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const clusters = [{ name: 'c', cluster: { server: address } }];
    writeFileSync(
      config,
      JSON.stringify({ clusters, contexts: [{ name: 'fake', context: { cluster: 'c' } }], users: [] }),
    );
    const provider = new KubernetesProvider({ name: 'fake', files: [config], namespace: 'default' });
    const labels = async (): Promise<string> =>
      (await provider.children('type/default//configmaps', AbortSignal.timeout(5000))).map(({ label }) => label).join();
    await provider.connect(AbortSignal.timeout(5000));
    const losses: Error[] = [];
    provider.watch(
      () => undefined,
      (why) => losses.push(why),
    );
    try {
      assert.equal(await labels(), 'first');
      await eventually(() => watch !== undefined, 'a watch');
      watch?.write(`${JSON.stringify({ type: 'ADDED', object: item('second', '11') })}\n`);
      await eventually(async () => (await labels()) === 'first,second', 'the second one');
      watch?.destroy();
      await eventually(() => asked.at(-1) === 'watch 11', 'the watch goes on from 11');
      assert.equal(losses.length, 1);
      names.push('third');
      watch?.write(`${JSON.stringify({ type: 'ERROR', object: { metadata: {}, code: 410, message: 'too old' } })}\n`);
      await eventually(() => asked.at(-1) === 'watch 10', 'all is listed again');
      assert.deepEqual(asked, ['list', 'watch 10', 'watch 11', 'list', 'watch 10']);
      assert.equal(await labels(), 'first,third');
    } finally {
      provider.dispose();
      server.closeAllConnections();
      server.close();
    }
  });
});
