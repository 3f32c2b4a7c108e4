// The parts of the Docker provider that need no engine: where engines are looked for, command lines, ports, the frames
// of a container's output, and what is said when something is wrong.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { Branch } from '../../../src/extension/workbench/tree/branch';
import { splitCommandLine } from '../../../src/inventory/command-line';
import { parsePorts, splitReference } from '../../../src/inventory/docker/actions/images';
import { Demultiplexer, TerminalLines } from '../../../src/inventory/docker/demultiplex';
import { discoverEngines } from '../../../src/inventory/docker/discovery';
import { DockerProvider } from '../../../src/inventory/docker/docker-provider';
import {
  credentialsFor,
  registryOf,
  type RegistryCredentials,
} from '../../../src/inventory/docker/registry-credentials';
import { endpointText, parseEndpoint, type Endpoint } from '../../../src/inventory/docker/endpoint';
import { cgroupFolders } from '../../../src/inventory/isolation/cgroup';
import { capabilityNames } from '../../../src/inventory/isolation/capabilities-table';
import { ScriptedDesk } from '../../support/engines/desk';

describe('inventory: parts of the Docker provider', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'vmxray-parts-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  describe('command lines', () => {
    const cases: [string, string[]][] = [
      ['', []],
      ['  ls   -l ', ['ls', '-l']],
      [`sh -c 'echo "a  b"'`, ['sh', '-c', 'echo "a  b"']],
      ['"a b"c\\ d', ['a bc d']],
      [`'' ""`, ['', '']],
      ['$HOME `x` ; | > &', ['$HOME', '`x`', ';', '|', '>', '&']],
      ['"\\"\\\\"', ['"\\']],
    ];
    for (const [text, words] of cases) it(JSON.stringify(text), () => assert.deepEqual(splitCommandLine(text), words));
    it('an open quote', () => assert.throws(() => splitCommandLine(`echo 'a`), { code: 'command/quote' }));
  });

  describe('addresses', () => {
    const cases: [string, string][] = [
      ['unix:///run/x y.sock', '/run/x y.sock'],
      ['npipe:////./pipe/docker_engine', '//./pipe/docker_engine'],
      ['tcp://[::1]:2375', '::1:2375'],
      ['https://host', 'host:2376'],
      ['ssh://me@host:2222', 'ssh://me@host:2222'],
    ];
    for (const [address, text] of cases) it(address, () => assert.equal(endpointText(parseEndpoint(address)), text));
    for (const bad of ['', 'docker', 'ftp://host', 'ssh://-oProxyCommand=x', 'ssh://-l@host', 'tcp://']) {
      it(`refuses ${JSON.stringify(bad)}`, () => assert.throws(() => parseEndpoint(bad), { code: 'engine/address' }));
    }
  });

  it('published ports', () => {
    assert.deepEqual(parsePorts('8080:80, 127.0.0.1:53:53/udp [::1]:81:80'), {
      '80/tcp': [
        { HostIp: '', HostPort: '8080' },
        { HostIp: '::1', HostPort: '81' },
      ],
      '53/udp': [{ HostIp: '127.0.0.1', HostPort: '53' }],
    });
    for (const bad of ['80', '0:80', '8080:99999', 'a:b']) {
      assert.throws(() => parsePorts(bad), { code: 'container/ports' }, bad);
    }
  });

  it('image references', () => {
    assert.deepEqual(splitReference('host:5000/a/b'), ['host:5000/a/b', 'latest']);
    assert.deepEqual(splitReference('host:5000/a/b:2'), ['host:5000/a/b', '2']);
  });

  describe('credentials of registries', () => {
    const auth = (user: string): string => Buffer.from(`${user}:p:w`).toString('base64');
    const logins = (value: object): void => writeFileSync(join(folder, 'config.json'), JSON.stringify(value));
    const found = (reference: string, isPodman = false): Promise<RegistryCredentials | undefined> =>
      credentialsFor(reference, isPodman, {
        env: { DOCKER_CONFIG: folder, PATH: join(folder, 'bin') },
        home: join(folder, 'nobody'),
      });

    it('names the registry of an image', () => {
      const cases: [string, string][] = [
        ['alpine', 'docker.io'],
        ['team/app:1', 'docker.io'],
        ['localhost/app', 'localhost'],
        ['host:5000/a/b', 'host:5000'],
        ['quay.example/a', 'quay.example'],
      ];
      for (const [reference, registry] of cases) assert.equal(registryOf(reference), registry, reference);
    });

    it('takes those of the registry alone, from the files of the engine in question', async () => {
      const hub = 'https://index.docker.io/v1/';
      logins({
        auths: {
          [hub]: { auth: auth('hub') },
          'host:5000': { auth: auth('me') },
          'broken.io': { auth: 7 },
          'odd.io': null,
        },
      });
      assert.deepEqual(await found('alpine'), { username: 'hub', password: 'p:w', serveraddress: hub });
      assert.deepEqual(await found('host:5000/a'), { username: 'me', password: 'p:w', serveraddress: 'host:5000' });
      for (const none of ['other.example/a', 'broken.io/a', 'odd.io/a']) assert.equal(await found(none), undefined);
      // Podman looks into Docker's file last.
      assert.equal((await found('host:5000/a', true))?.username, 'me');
      writeFileSync(join(folder, 'config.json'), '{');
      assert.equal(await found('host:5000/a'), undefined);
    });

    it('asks the helper program that the file names, and no other path', async () => {
      mkdirSync(join(folder, 'bin'));
      const helper = `#!${process.execPath}\nprocess.stdin.on('data', (asked) => console.log(JSON.stringify({ Username: '<token>', Secret: String(asked).trim() + process.argv[2] })));`;
      writeFileSync(join(folder, 'bin', 'docker-credential-lab'), helper, { mode: 0o755 });
      logins({ credHelpers: { 'host:5000': 'lab', evil: '../lab', absent: 'none' } });
      assert.deepEqual(await found('host:5000/a'), { identitytoken: 'host:5000get', serveraddress: 'host:5000' });
      for (const none of ['evil.example/a', 'absent.example/a']) assert.equal(await found(none), undefined);
    });
  });

  it('takes the frames off a log in whatever pieces it comes', async () => {
    const frame = (stream: number, text: string): Buffer => {
      const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
      header.writeUInt32BE(text.length, 4);
      return Buffer.concat([header, Buffer.from(text)]);
    };
    const whole = Buffer.concat([frame(1, 'one\n'), frame(2, ''), frame(2, 'two\r\n'), frame(1, 'three')]);
    for (const size of [1, 3, 8, 100]) {
      const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, at) =>
        whole.subarray(at * size, (at + 1) * size),
      );
      const text = await buffer(Readable.from(pieces).pipe(new Demultiplexer()).pipe(new TerminalLines()));
      assert.equal(text.toString(), 'one\r\ntwo\r\nthree', `pieces of ${size}`);
    }
  });

  it('finds engines: settings, environment, contexts, connections; a broken file is told and harms nothing', () => {
    const name = 'lab; rm -rf ~';
    const hash = createHash('sha256').update(name).digest('hex');
    const metas = join(folder, '.docker', 'contexts', 'meta');
    for (const one of [hash, 'broken']) mkdirSync(join(metas, one), { recursive: true });
    const meta = { Name: name, Endpoints: { docker: { Host: 'ssh://lab@host' } } };
    writeFileSync(join(metas, hash, 'meta.json'), JSON.stringify(meta));
    writeFileSync(join(metas, 'broken', 'meta.json'), '{');
    mkdirSync(join(folder, '.config', 'containers'), { recursive: true });
    const connections = {
      Connection: { Connections: { far: { URI: 'ssh://core@vm:2222/run/podman/podman.sock' }, odd: null } },
    };
    writeFileSync(join(folder, '.config', 'containers', 'podman-connections.json'), JSON.stringify(connections));
    mkdirSync(join(folder, 'run', 'podman'), { recursive: true });
    writeFileSync(join(folder, 'run', 'podman', 'podman.sock'), '');
    const { engines, problems } = discoverEngines({
      home: folder,
      env: { DOCKER_HOST: 'tcp://10.0.0.1', XDG_RUNTIME_DIR: join(folder, 'run') },
      addresses: ['unix:///a.sock', 'nonsense'],
      platform: 'linux',
    });
    const found = engines.filter(({ source }) => !source.startsWith('/var/run') && !source.startsWith('/run/'));
    assert.deepEqual(
      found.map(({ id, endpoint }) => `${id} ${endpointText(endpoint)}`),
      [
        'engine:unix:///a.sock /a.sock',
        'docker:DOCKER_HOST 10.0.0.1:2375',
        `podman:rootless ${folder}/run/podman/podman.sock`,
        `docker:${name} ssh://lab@host`,
        'podman:far ssh://core@vm:2222',
      ],
    );
    assert.deepEqual(problems.length, 2);
  });

  it('finds the folders of control groups, version 1, 2 and both', () => {
    const mounts = [
      '30 25 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
      '31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
      '32 25 0:28 /outer /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
    ].join('\n');
    const paths = '5:memory:/docker/x\n4:cpu,cpuacct:/outer/docker/x\n1:name=systemd:/\n0::/docker/x';
    assert.deepEqual(Object.fromEntries(cgroupFolders(paths, mounts)), {
      memory: '/sys/fs/cgroup/memory/docker/x',
      cpu: '/sys/fs/cgroup/cpu,cpuacct/docker/x',
      cpuacct: '/sys/fs/cgroup/cpu,cpuacct/docker/x',
      unified: '/sys/fs/cgroup/unified/docker/x',
    });
  });

  it('names capabilities', () => {
    assert.deepEqual(capabilityNames('0000000000002001'), ['CHOWN', 'NET_RAW']);
    assert.deepEqual(capabilityNames('8000000000000000'), ['63']);
    assert.deepEqual(capabilityNames('nonsense'), []);
  });

  describe('an engine that', () => {
    const providerOf = (endpoint: Endpoint): DockerProvider =>
      new DockerProvider({ id: 'docker:x', label: 'Docker', endpoint, source: 'test' });
    const serve = async (listener: RequestListener): Promise<[Server, DockerProvider]> => {
      const path = join(folder, 's');
      const server = createServer(listener);
      await new Promise<void>((resolve) => server.listen(path, resolve));
      return [server, providerOf({ kind: 'socket', path })];
    };

    it('is not there', async () => {
      const provider = providerOf({ kind: 'socket', path: join(folder, 'none') });
      await assert.rejects(
        provider.connect(AbortSignal.timeout(5000)),
        /is not running.*Start the engine, then refresh\./,
      );
    });

    it('refuses connections', async () => {
      const provider = providerOf({ kind: 'tcp', host: '127.0.0.1', port: 1 });
      await assert.rejects(provider.connect(AbortSignal.timeout(5000)), { code: 'engine/ECONNREFUSED' });
    });

    it('may not be reached by this user', async function () {
      if (process.getuid?.() !== 0) return this.skip();
      const [server, provider] = await serve((_, answer) => answer.end('{}'));
      // Loads the client while everything can be read.
      const absent = providerOf({ kind: 'socket', path: join(folder, 'none') });
      await assert.rejects(absent.connect(AbortSignal.timeout(5000)));
      chmodSync(join(folder, 's'), 0o600);
      chmodSync(folder, 0o755);
      process.seteuid?.(65534);
      try {
        await assert.rejects(
          provider.connect(AbortSignal.timeout(5000)),
          /this user has no right to its socket\. Join/,
        );
      } finally {
        process.seteuid?.(0);
        server.closeAllConnections();
        server.close();
      }
    });

    it('takes 10 s for each call: the tree of another is there at once, and who gives up does not wait', async function () {
      this.timeout(60_000);
      const slow: RequestListener = (request, answer) =>
        void setTimeout(() => {
          answer.setHeader('Content-Type', 'application/json');
          answer.end(request.url?.startsWith('/version') ? '{"Version":"1.2","ApiVersion":"1.41"}' : '[]');
        }, 10_000);
      const [server, provider] = await serve(slow);
      const branch = new Branch(provider, () => undefined);
      const other = new Branch(providerOf({ kind: 'tcp', host: '127.0.0.1', port: 1 }), () => undefined);
      try {
        const start = Date.now();
        const passed = (): number => Date.now() - start;
        const opened = branch.children(undefined).then(() => branch.children('folder:images'));
        await assert.rejects(other.children(undefined), { code: 'engine/ECONNREFUSED' });
        assert.ok(passed() < 1000, `${passed()} ms`);
        // The event loop is never held for long.
        let longest = 0;
        let last = Date.now();
        const clock = setInterval(() => {
          longest = Math.max(longest, Date.now() - last);
          last = Date.now();
        }, 10);
        assert.deepEqual(await opened, []);
        clearInterval(clock);
        assert.ok(passed() >= 20_000 && longest < 500, `${passed()} ms, ${longest} ms`);
        const giving = Date.now();
        await assert.rejects(provider.children('folder:volumes', AbortSignal.timeout(50)), { code: 'engine/slow' });
        assert.ok(Date.now() - giving < 1000);
      } finally {
        branch.dispose();
        other.dispose();
        server.closeAllConnections();
        server.close();
      }
    });

    it('has strange names for everything: they are shown as they are, and lead back to their rows', async () => {
      const odd = ['a"; rm -rf / #', '$(touch x)', '../../etc', 'x\u202Ey', '<img src=x>', 'ein  n\u00e4me', 'a:b/c'];
      const listed = odd.map((name, index) => ({
        Id: `id:${index}/..`,
        Names: [`/${name}`],
        Image: name,
        State: index === 0 ? 'a new state' : 'running',
        Status: '',
        Created: 0,
        Command: name,
        Ports: [],
        Labels: { 'com.docker.compose.project': name, [name]: name },
      }));
      const volumes = odd.map((Name) => ({ Name, Driver: Name, Mountpoint: Name, Labels: null }));
      const asked: string[] = [];
      const [server, provider] = await serve((request, answer) => {
        const url = request.url ?? '';
        asked.push(`${request.method} ${url}`);
        answer.setHeader('Content-Type', 'application/json');
        const body = url.startsWith('/version')
          ? { Version: '1', ApiVersion: '1.41' }
          : url.startsWith('/containers/json')
            ? listed
            : url.startsWith('/volumes?') || url === '/volumes'
              ? { Volumes: volumes }
              : {};
        answer.end(JSON.stringify(body));
      });
      try {
        const patient = AbortSignal.timeout(5000);
        await provider.connect(patient);
        const projects = await provider.children('folder:containers', patient);
        assert.deepEqual(projects.map(({ label }) => label).sort(), [...odd].sort());
        for (const { id, label } of projects) {
          const [container] = await provider.children(id, patient);
          assert.equal(container?.label, label);
          assert.equal(container?.labels?.[label], label);
        }
        const [strange] = await provider.children(`project:${odd[0]}`, patient);
        assert.equal(strange?.state, 'unknown');
        for (const { id } of await provider.children('folder:volumes', patient)) {
          await provider.run('remove', [id], new ScriptedDesk({ confirm: true }).run(patient));
        }
        const deleted = asked.filter((one) => one.startsWith('DELETE ')).map((one) => one.replace(/\?.*$/, ''));
        assert.deepEqual(deleted.sort(), odd.map((name) => `DELETE /volumes/${encodeURIComponent(name)}`).sort());
      } finally {
        server.closeAllConnections();
        server.close();
      }
    });

    it('answers too slowly', async () => {
      const [server, provider] = await serve(() => undefined);
      const start = Date.now();
      await assert.rejects(provider.connect(AbortSignal.timeout(200)), /did not answer in time/);
      assert.ok(Date.now() - start < 2000);
      server.closeAllConnections();
      server.close();
    });

    it('forbids, fails, breaks off or talks nonsense', async () => {
      const answers: [RequestListener, RegExp][] = [
        [
          (_, answer) => answer.writeHead(403).end('{"message":"policy says no"}'),
          /forbids it: policy says no\. Check your rights/,
        ],
        [(_, answer) => answer.writeHead(500).end('{"message":"disk full"}'), /says: Disk full\./],
        [(request) => request.socket.destroy(), /broke off the connection/],
        [(_, answer) => answer.end('<html>'), /is no engine that is known here/],
      ];
      let present: RequestListener = () => undefined;
      const [server, provider] = await serve((request, answer) => present(request, answer));
      for (const [answer, expected] of answers) {
        present = answer;
        await assert.rejects(provider.connect(AbortSignal.timeout(5000)), expected);
      }
      server.closeAllConnections();
      server.close();
    });

    it('is reached through ssh, without a shell', async () => {
      const [server] = await serve((request, answer) => {
        answer.setHeader('Content-Type', 'application/json');
        answer.end(request.url?.startsWith('/version') ? '{"Version":"1.2","ApiVersion":"1.41"}' : '[]');
      });
      // Stands in for ssh: notes its arguments, and connects to the engine's socket.
      const bin = join(folder, 'bin');
      mkdirSync(bin);
      writeFileSync(
        join(bin, 'ssh'),
        [
          `#!${process.execPath}`,
          `const said = process.argv.slice(2).join('|');`,
          `if (said.includes('broken')) { console.error('Permission denied (publickey).'); process.exit(255); }`,
          `if (said !== '-T|-o|BatchMode=yes|-o|ConnectTimeout=10|-p|2222|--|me@far|docker|system|dial-stdio') process.exit(9);`,
          `const socket = require('net').connect(${JSON.stringify(join(folder, 's'))});`,
          'process.stdin.pipe(socket).pipe(process.stdout);',
        ].join('\n'),
      );
      chmodSync(join(bin, 'ssh'), 0o755);
      const path = process.env.PATH;
      process.env.PATH = `${bin}:${path}`;
      try {
        const provider = providerOf(parseEndpoint('ssh://me@far:2222'));
        assert.equal(await provider.connect(AbortSignal.timeout(5000)), 'Docker 1.2, API 1.41');
        assert.deepEqual(await provider.children('folder:images', AbortSignal.timeout(5000)), []);
        const broken = providerOf(parseEndpoint('ssh://me@broken'));
        await assert.rejects(
          broken.connect(AbortSignal.timeout(5000)),
          /ssh to me@broken failed: Permission denied \(publickey\)/,
        );
      } finally {
        process.env.PATH = path;
        server.closeAllConnections();
        server.close();
      }
    });
  });
});
