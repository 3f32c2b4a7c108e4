// The provider against a real dockerd and a real podman: the tree equals what the engine's own program lists, each
// action's effect is seen by that program and reaches the tree by event within a second, and what is told of a
// container's isolation equals /proc and the engine's inspect.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerProvider } from '../../../src/inventory/docker/docker-provider';
import type { Item } from '../../../src/inventory/provider';
import {
  buildWithCache,
  IMAGE,
  startDockerd,
  startPodman,
  type TestEngine,
} from '../../support/engines/container-engines';
import { ScriptedDesk, eventually, type Script } from '../../support/engines/desk';
import { PULLED_IMAGE, REGISTRY, REGISTRY_USER, startRegistry } from '../../support/engines/registry';
import { LIVES_ON } from '../../support/engines/rootfs';
import { patience, rowsBelow, WatchedTree } from '../../support/engines/watched-tree';
import { lab, requireLab } from '../../support/lab/lab';

const CONTAINERS = 'folder:containers';

const engines: Record<'docker' | 'podman', (context: Mocha.Context) => Promise<TestEngine>> = {
  docker: async (context) => {
    const daemon = requireLab(context, await lab.dockerd());
    const client = requireLab(context, await lab.docker());
    return startDockerd(daemon.command, client.command, requireLab(context, await lab.busybox()));
  },
  podman: async (context) => {
    const podman = requireLab(context, await lab.podman());
    return startPodman(podman.command, requireLab(context, await lab.busybox()));
  },
};

for (const name of ['docker', 'podman'] as const) {
  describe(`inventory: a real ${name}`, function () {
    this.timeout(180_000);
    let engine: TestEngine;
    let busybox: string;
    let provider: DockerProvider;
    let tree: WatchedTree;

    before(async function () {
      this.timeout(300_000);
      engine = await engines[name](this);
      busybox = requireLab(this, await lab.busybox());
      provider = new DockerProvider(engine.context);
      await provider.connect(patience());
      tree = new WatchedTree(provider, [CONTAINERS]);
    });
    after(async () => {
      tree?.dispose();
      provider?.dispose();
      await engine?.dispose();
    });

    const run = async (action: string, ids: readonly string[], script: Script = {}): Promise<ScriptedDesk> => {
      const desk = new ScriptedDesk(script);
      await provider.run(action, ids, desk.run());
      return desk;
    };
    const start = (title: string, ...more: string[]): Promise<string> =>
      engine.cli('run', '-d', '--name', title, ...more, IMAGE, ...LIVES_ON);
    const status = (title: string): Promise<string> => engine.cli('inspect', '-f', '{{.State.Status}}', title);
    const row = (rows: readonly Item[], label: string): Item => {
      const found = rows.find((one) => one.label === label);
      assert.ok(found, `${label} among ${rows.map((one) => one.label).join(', ')}`);
      return found;
    };

    it('tells the version that the engine tells of itself', async () => {
      const format = name === 'docker' ? '{{.Server.Version}}' : '{{.Client.Version}}';
      const version = await engine.cli('version', '-f', format);
      assert.ok((await provider.connect(patience())).includes(` ${version}, API `));
    });

    it('lists what the engine lists', async () => {
      await Promise.all([
        start('plain', '--label', 'tier=web'),
        start('shop-db-1', '--label', 'com.docker.compose.project=shop'),
        engine.cli('create', '--name', 'only.created_1', IMAGE),
        engine.cli('volume', 'create', 'data'),
        engine.cli('network', 'create', 'lan'),
        engine.cli('run', '--name', 'failing', IMAGE, 'sh', '-c', 'exit 3').catch(() => undefined),
      ]);
      // Podman's program says `Exited (3) 1 second ago` where Docker's says `exited`.
      const listed = (
        await engine.cli('ps', '-a', '--format', `{{.Names}}={{.${name === 'docker' ? 'State' : 'Status'}}}`)
      )
        .split('\n')
        .map((line) =>
          line
            .replace(/=Up.*/, '=running')
            .replace(/=(Exited|Created).*/, (word) => word.split(' ')[0]?.toLowerCase() ?? ''),
        )
        .sort();
      const rows = await rowsBelow(provider, CONTAINERS);
      const containers = rows.filter(({ kind }) => kind === 'container');
      const word = (item: Item): string => (item.description ?? '').split(' ')[0] ?? '';
      assert.deepEqual(containers.map((item) => `${item.label}=${word(item)}`).sort(), listed);
      assert.equal(row(rows, 'failing').state, 'failed');
      assert.equal(row(rows, 'failing').description, `exited (3) · ${IMAGE}`);
      assert.equal(row(rows, 'plain').labels?.tier, 'web');
      const project = row(rows, 'shop');
      assert.equal(project.description, 'project · 1 of 1 running');
      assert.deepEqual(
        (await provider.children(project.id, patience())).map(({ label }) => label),
        ['shop-db-1'],
      );

      const names = async (folder: string): Promise<string[]> =>
        (await provider.children(`folder:${folder}`, patience())).map(({ label }) => label).sort();
      assert.deepEqual(
        await names('networks'),
        (await engine.cli('network', 'ls', '--format', '{{.Name}}')).split('\n').sort(),
      );
      assert.deepEqual(await names('volumes'), ['data']);
      const images = (await engine.cli('images', '--format', '{{.Repository}}:{{.Tag}}')).split('\n').sort();
      assert.deepEqual(await names('images'), images);
    });

    it('does what it is told, and hears of it within a second', async () => {
      const id = `container:${await start('actor')}`;
      const steps: [string, string, Item['state']][] = [
        ['pause', 'paused', 'paused'],
        ['unpause', 'running', 'running'],
        ['stop', 'exited', 'stopped'],
        ['start', 'running', 'running'],
        ['restart', 'running', 'running'],
        ['kill', 'exited', 'stopped'],
      ];
      for (const [action, word, state] of steps) {
        const isSo = (rows: Item[]): boolean => row(rows, 'actor').state === state;
        await tree.after(() => run(action, [id]), isSo);
        assert.equal(await status('actor'), word, action);
      }
      await tree.after(
        () => run('rename', [id], { ask: ['renamed'] }),
        (rows) => rows.some(({ label }) => label === 'renamed'),
      );
      assert.equal(await status('renamed'), 'exited');
      const isGone = (rows: Item[]): boolean => rows.every(({ label }) => label !== 'renamed');
      await tree.after(() => run('remove', [id], { confirm: true }), isGone);
      await assert.rejects(status('renamed'));
    });

    it('removes nothing that the user does not confirm, and says what goes', async () => {
      const id = `container:${await start('kept')}`;
      const desk = await run('remove', [id], { confirm: false });
      assert.match(
        desk.confirmed[0]?.detail ?? '',
        /Container kept and its writable layer\. It is running and will be killed/,
      );
      assert.equal(await status('kept'), 'running');
    });

    it('hears of what others do', async () => {
      await tree.after(
        () => start('other'),
        (rows) => rows.some(({ label, state }) => label === 'other' && state === 'running'),
      );
      await tree.after(
        () => engine.cli('rm', '-f', 'other'),
        (rows) => rows.every(({ label }) => label !== 'other'),
      );
    });

    it('acts on a project as a whole', async () => {
      const stopped = (rows: Item[]): boolean => row(rows, 'shop').description === 'project · 0 of 1 running';
      await tree.after(() => run('stop', ['project:shop']), stopped);
      assert.equal(await status('shop-db-1'), 'exited');
      await tree.after(
        () => run('remove', ['project:shop'], { confirm: true }),
        (rows) => rows.every(({ label }) => label !== 'shop'),
      );
      await assert.rejects(status('shop-db-1'));
    });

    it('runs an image by a short flow', async () => {
      const answers = {
        choose: ['In the background'],
        ask: ['made', `/bin/sh -c 'echo "a  b"; sleep 60'`, '127.0.0.1:18999:80'],
      };
      const rows = await tree.after(
        async () => run('runImage', [`image:${await engine.cli('inspect', '-f', '{{.Id}}', IMAGE)}`], answers),
        (all) => all.some(({ label, state }) => label === 'made' && state === 'running'),
      );
      assert.ok(row(rows, 'made').facts?.some(({ value }) => value.includes('18999->80/tcp')));
      assert.equal(row(rows, 'made').description, `running · ${IMAGE}`);
      const isThere = async (): Promise<boolean> => (await engine.cli('logs', 'made')) === 'a  b';
      await eventually(isThere, 'the output of the command, its spaces kept');
    });

    it('runs an image with a terminal', async () => {
      const desk = await run('runImage', [`image:${IMAGE}`], { choose: ['With a terminal'], ask: ['console', '', ''] });
      desk.terminal.type('echo $((6*7)); exit 5\n');
      await desk.terminal.shows(/42/);
      await desk.terminal.ended;
      assert.equal(await engine.cli('inspect', '-f', '{{.State.ExitCode}}', 'console'), '5');
    });

    it('opens a shell whose size and exit code are right', async () => {
      const id = `container:${await engine.cli('inspect', '-f', '{{.Id}}', 'plain')}`;
      const desk = await run('shell', [id]);
      const terminal = desk.terminal;
      terminal.type('tty\n');
      await terminal.shows(/\/dev\/(pts\/\d+|console)/);
      terminal.stream.resize?.(77, 33);
      await eventually(
        async () => {
          terminal.type('stty size\n');
          await new Promise((resolve) => setTimeout(resolve, 100));
          return /33 77/.test(terminal.text);
        },
        'a terminal of 33 lines and 77 columns',
        5,
        () => terminal.text,
      );
      terminal.type('exit 7\n');
      assert.equal(await terminal.ended, '/bin/sh ended with exit code 7.');
    });

    it('runs a command without any shell', async () => {
      const id = `container:${await engine.cli('inspect', '-f', '{{.Id}}', 'plain')}`;
      const desk = await run('exec', [id], { ask: [`echo '$HOME;' "x  y" \\|`] });
      assert.equal(await desk.terminal.ended, undefined);
      assert.equal(desk.terminal.text, '$HOME; x  y |\r\n');
    });

    it('follows logs, and shows those since a time', async () => {
      const command = ['sh', '-c', 'echo out; echo err >&2; sleep 1; echo late; sleep 60'];
      const id = `container:${await engine.cli('run', '-d', '--name', 'talker', IMAGE, ...command)}`;
      const desk = await run('logs', [id]);
      await desk.terminal.shows(/out\r\n/);
      await desk.terminal.shows(/err\r\n/);
      await desk.terminal.shows(/late\r\n/);
      desk.terminal.stream.dispose();
      const shown = await run('logsSince', [id], { choose: ['5 minutes ago'] });
      const lines = (shown.documents[0]?.text ?? '').trim().split('\n');
      assert.deepEqual(lines.map((line) => line.replace(/^\S+ /, '')).sort(), ['err', 'late', 'out']);
    });

    it('searches logs', async () => {
      const id = `container:${await engine.cli('inspect', '-f', '{{.Id}}', 'talker')}`;
      const text = (await run('logsSearch', [id], { ask: ['LAT e'] })).documents[0]?.text ?? '';
      assert.match(text, /^\S+ late\n$/);
      assert.equal((await run('logsSearch', [id], { ask: ['2026'] })).documents[0]?.text, 'No line has all of: 2026\n');
    });

    it('pulls with the credentials that the engine keeps for its registry, and says where to log in', async () => {
      const endRegistry = await startRegistry(engine.enter, busybox);
      const folder = mkdtempSync(join(tmpdir(), 'vmxray-login-'));
      const variable = name === 'docker' ? 'DOCKER_CONFIG' : 'REGISTRY_AUTH_FILE';
      const usual = process.env[variable];
      process.env[variable] = name === 'docker' ? folder : join(folder, 'config.json');
      const logIn = (password: string): void => {
        const auth = Buffer.from(`${REGISTRY_USER.username}:${password}`).toString('base64');
        writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: { [REGISTRY]: { auth } } }));
      };
      const isUnknown = (error: Error & { code?: string }): boolean =>
        error.code === 'image/login' &&
        error.message.includes(`"${name} login ${REGISTRY}"`) &&
        !error.message.includes('wr:ong');
      try {
        await assert.rejects(run('pull', [], { ask: [PULLED_IMAGE] }), isUnknown);
        logIn('wr:ong');
        await assert.rejects(run('pull', [], { ask: [PULLED_IMAGE] }), isUnknown);
        logIn(REGISTRY_USER.password);
        const desk = await run('pull', [], { ask: [PULLED_IMAGE] });
        assert.deepEqual(desk.told, [`Pulled ${PULLED_IMAGE}.`]);
        assert.ok((await engine.cli('images', '--format', '{{.Repository}}:{{.Tag}}')).includes(PULLED_IMAGE));
        await engine.cli('rmi', PULLED_IMAGE);
      } finally {
        if (usual === undefined) delete process.env[variable];
        else process.env[variable] = usual;
        rmSync(folder, { recursive: true });
        await endRegistry();
      }
    });

    it('copies files in and out, and shows what changed', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'vmxray-copy-'));
      try {
        const full = await engine.cli('inspect', '-f', '{{.Id}}', 'plain');
        mkdirSync(join(folder, 'in', 'deep'), { recursive: true });
        const odd = 'ein  name; $(touch x) ü.txt';
        writeFileSync(join(folder, 'in', 'deep', odd), 'content\n');
        const desk = await run('copyTo', [`container:${full}`], {
          choose: ['A folder'],
          files: [join(folder, 'in')],
          ask: ['/tmp'],
        });
        assert.deepEqual(desk.told, ['Copied 1 file to /tmp.']);
        assert.equal(await engine.cli('exec', 'plain', 'cat', `/tmp/in/deep/${odd}`), 'content');
        const out = join(folder, 'out');
        mkdirSync(out);
        await run('copyFrom', [`container:${full}`], { ask: ['/tmp/in'], files: [out] });
        assert.equal(readFileSync(join(out, 'in', 'deep', odd), 'utf8'), 'content\n');
        const changes = await run('changes', [`container:${full}`]);
        assert.ok(changes.documents[0]?.text.includes(`added    /tmp/in/deep/${odd}`), changes.documents[0]?.text);
        const missing = run('copyFrom', [`container:${full}`], { ask: ['/no/such'], files: [out] });
        await assert.rejects(missing, { name: 'UserError', code: 'engine/gone' });
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it("tells a container's namespaces, control groups, layers and rights as the kernel and the engine do", async () => {
      const full = await start(
        'caged',
        '-m',
        '64m',
        '--cpus',
        '0.5',
        '--pids-limit',
        '40',
        '--cap-drop',
        'ALL',
        '--cap-add',
        'NET_RAW',
      );
      const sharer = await start('sharer', '--network', 'container:caged');
      assert.ok(sharer);
      const sections = await provider.details(`container:${full}`, patience());
      for (const { title, columns, rows } of sections)
        assert.ok(
          rows.every((row) => Array.isArray(row) && row.every((cell) => typeof cell === 'string')),
          `${title}: ${JSON.stringify([columns, rows])}`,
        );
      const table = (title: string): readonly (readonly string[])[] => {
        const found = sections.find((section) => section.title.startsWith(title));
        assert.ok(found, `${title} among ${sections.map((section) => section.title).join(', ')}`);
        return found.rows;
      };
      const value = (title: string, key: string): string => table(title).find(([first]) => first === key)?.[1] ?? '';

      const pid = await engine.cli('inspect', '-f', '{{.State.Pid}}', 'caged');
      for (const [kind = '', inode] of table('Namespaces')) {
        assert.equal(`${kind}:[${inode}]`, readlinkSync(`/proc/${pid}/ns/${kind}`));
      }
      const sharedWith = (kind: string): string => table('Namespaces').find(([first]) => first === kind)?.[2] ?? '';
      assert.equal(sharedWith('net'), 'sharer');
      assert.equal(sharedWith('mnt'), 'nobody');
      assert.match(sharedWith('user'), /^the host/);

      const control = (key: string): readonly string[] =>
        table('Control groups').find(([first]) => first === key) ?? [];
      assert.equal(control('memory')[2], '64 MiB');
      assert.equal(control('cpu')[2], '0.5 cores');
      assert.equal(control('pids')[2], '40');
      const folder = control('pids')[3] ?? '';
      assert.ok(readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').includes(pid));
      assert.equal(control('pids')[1], readFileSync(join(folder, 'pids.current'), 'utf8').trim());
      assert.equal(value('Limits', 'memory'), '64 MiB');

      assert.equal(value('Rights', 'effective capabilities'), 'NET_RAW');
      assert.equal(value('Rights', 'seccomp'), 'filter');

      const [upper, lower] = (
        await engine.cli('inspect', '-f', '{{.GraphDriver.Data.UpperDir}} {{.GraphDriver.Data.LowerDir}}', 'caged')
      ).split(' ');
      assert.deepEqual(
        table('Layers').map(([, , path]) => path),
        [upper, ...(lower ?? '').split(':')],
      );
      assert.equal(table('Layers').at(-1)?.[0], 'read-only');
      assert.match(table('Layers').at(-1)?.[1] ?? '', /MB$/);
      assert.ok(table('Processes').some((process) => process.some((word) => word.includes('trap'))));
    });

    it('measures with the limits that the container has', async () => {
      const id = `container:${await engine.cli('inspect', '-f', '{{.Id}}', 'caged')}`;
      const metrics = new Map((await provider.metrics(id, patience()))?.map((metric) => [metric.name, metric]));
      assert.equal(metrics.get('Memory')?.limit, 64 << 20);
      assert.equal(metrics.get('CPU')?.limit, 0.5);
      assert.equal(metrics.get('Processes')?.limit, 40);
      const memory = metrics.get('Memory')?.value ?? 0;
      assert.ok(memory > 10_000 && memory < 64 << 20, String(memory));
      // A busy container: half a core is all that it gets.
      const busy = `container:${await engine.cli('run', '-d', '--name', 'busy', '--cpus', '0.5', IMAGE, 'sh', '-c', 'while :; do :; done')}`;
      // On a machine with other work it may get nothing at all for a while.
      let cores = 0;
      for (const signal = patience(); cores === 0 && !signal.aborted;)
        cores = (await provider.metrics(busy, signal))?.[0]?.value ?? 0;
      assert.ok(cores > 0.05 && cores < 0.8, `${cores} cores`);
      await engine.cli('kill', 'busy');
      const stopped = `container:${await engine.cli('inspect', '-f', '{{.Id}}', 'failing')}`;
      assert.equal(await provider.metrics(stopped, patience()), undefined);
    });

    it('prunes exactly what it showed', async () => {
      const desk = await run('prune', [], { chooseSeveral: ['1 unused volume'], confirm: true });
      assert.ok(desk.offered[0]?.some((label) => /stopped container/.test(label)));
      assert.match(desk.confirmed[0]?.detail ?? '', /^1 unused volume: data$/);
      assert.equal(await engine.cli('volume', 'ls', '-q'), '');
      assert.equal(await status('failing'), 'exited');
    });

    // Podman keeps no build cache: its layers are images.
    if (name === 'docker')
      it('prunes the build cache', async function () {
        const folder = mkdtempSync(join(tmpdir(), 'vmxray-build-'));
        try {
          // Several layers, each built on the one before: the engine removes a record only after those on it.
          const layers = [1, 2, 3, 4].map((number) => `COPY Dockerfile /etc/built${number}\n`).join('');
          writeFileSync(join(folder, 'Dockerfile'), `FROM ${IMAGE}\n${layers}`);
          if (!(await buildWithCache(engine, folder, 'built:1'))) {
            console.log('      skipped: no docker program on the PATH can build with BuildKit.');
            return this.skip();
          }
        } finally {
          rmSync(folder, { recursive: true });
        }
        const records = async (): Promise<readonly { InUse: unknown }[]> =>
          (
            JSON.parse(`[${(await engine.cli('system', 'df', '-v', '--format', '{{json .BuildCache}}')) || '[]'}]`) as [
              { InUse: unknown }[],
            ]
          )[0];
        assert.ok((await records()).length > 4);
        // A build lets go of its last records a moment after its client has ended.
        await eventually(async () => (await records()).every(({ InUse }) => `${InUse}` === 'false'), 'all unused');
        await engine.cli('rmi', 'built:1');
        const { offered } = await run('prune', [], { chooseSeveral: [] });
        const label = offered[0]?.find((one) => /of the build cache$/.test(one)) ?? '';
        const desk = await run('prune', [], { chooseSeveral: [label], confirm: true });
        assert.match(desk.confirmed[0]?.detail ?? '', /^\d+ records of the build cache: .*local source for dockerfile/);
        assert.deepEqual(await records(), []);
      });

    it('says what is wrong', async () => {
      const gone = { name: 'UserError', code: 'engine/gone' };
      await assert.rejects(run('start', [`container:${'0'.repeat(64)}`]), gone);
      await assert.rejects(provider.details(`container:${'0'.repeat(64)}`, patience()), gone);
      const id = `container:${await engine.cli('inspect', '-f', '{{.Id}}', 'failing')}`;
      await assert.rejects(run('shell', [id]), { name: 'UserError', code: 'container/not-running' });
      const desk = await run('rename', [id], { ask: ['no spaces; please'] });
      assert.match(desk.refusals[0] ?? '', /begins with a letter or digit/);
    });

    it("tells the engine's events", async () => {
      const heard: string[] = [];
      const listening = provider.events((event) => heard.push(`${event.isWarning ? '! ' : ''}${event.text}`));
      await new Promise((resolve) => setTimeout(resolve, 200));
      await engine.cli('run', '--name', 'short', IMAGE, 'sh', '-c', 'exit 9').catch(() => undefined);
      await eventually(
        () => heard.some((text) => /^! container short: die \(.*exit code 9\)$/.test(text)),
        'die of short',
        5,
        () => heard.join('\n'),
      );
      assert.ok(heard.some((text) => text.startsWith('container short: start')));
      listening.dispose();
    });

    it('finds its way back when the daemon is killed and started again', async () => {
      const { terminal } = await run('logs', [`container:${await engine.cli('inspect', '-f', '{{.Id}}', 'plain')}`]);
      await terminal.shows(/ready/);
      await engine.daemon.end('SIGKILL');
      await terminal.ended;
      await eventually(() => tree.losses.length > 0, 'the loss is told');
      await assert.rejects(provider.children(CONTAINERS, patience()), /refuses connections|is not running/);
      await assert.rejects(run('prune', []), /refuses connections|is not running/);
      await engine.start();
      await eventually(() => tree.changes.at(-1) === 'all', 'everything is to be read again', 15);
      const listed = (await engine.cli('ps', '-a', '--format', '{{.Names}}')).split('\n').sort();
      const rows = await rowsBelow(provider, CONTAINERS);
      assert.deepEqual(
        rows
          .filter(({ kind }) => kind === 'container')
          .map(({ label }) => label)
          .sort(),
        listed,
      );
      assert.equal(tree.losses.length, 1);
      await tree.after(
        () => engine.cli('create', '--name', 'afterwards', IMAGE),
        (all) => all.some(({ label }) => label === 'afterwards'),
      );
    });
  });
}
