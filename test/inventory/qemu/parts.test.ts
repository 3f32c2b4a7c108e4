// The parts of the QEMU provider that need no QEMU: addresses and command lines.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkMachineFile, type MachineFile } from '../../../src/inventory/own/machine-file';
import { findProviders } from '../../../src/inventory/providers';
import { parseQmp } from '../../../src/inventory/qemu/discovery';
import { launchArguments } from '../../../src/inventory/qemu/launch';
import { qemuProcesses } from '../../../src/inventory/qemu/processes';
import { parseQemuArguments } from '../../../src/inventory/qemu/qemu-arguments';
import { addressText, escapeCommas, parseListenAddress } from '../../../src/inventory/qemu/socket-address';
import { splitId } from '../../../src/inventory/qemu/machine';

describe('inventory: addresses of QEMU', () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['unix:/run/q.sock,server=on,wait=off', 'unix:/run/q.sock'],
    ['unix:/run/q.sock,server,nowait', 'unix:/run/q.sock'],
    ['unix:relative sock,server=on', 'unix:/work dir/relative sock'],
    ['unix:/a,,b,server=on', 'unix:/a,b'],
    ['unix:/run/q.sock', undefined],
    ['unix:/run/q.sock,server=off', undefined],
    ['tcp::4444,server=on', 'tcp:127.0.0.1:4444'],
    ['tcp:0.0.0.0:4444,server=on', 'tcp:127.0.0.1:4444'],
    ['tcp:[::]:4444,server=on', 'tcp:::1:4444'],
    ['tcp:lab:70000,server=on', undefined],
    ['tcp:lab:,server=on', undefined],
    ['stdio', undefined],
    ['', undefined],
  ];
  for (const [text, address] of cases) {
    it(`reads ${JSON.stringify(text)}`, () => {
      const found = parseListenAddress(text, '/work dir');
      assert.equal(found && addressText(found), address);
    });
  }

  it('writes commas so that they are read again', () => {
    const path = '/strange, dir,,/x"\'$(touch y)`;\u00fc';
    const found = parseListenAddress(`unix:${escapeCommas(path)},server=on`, '/');
    assert.deepEqual(found, { kind: 'unix', path });
  });
});

describe('inventory: command lines of QEMU', () => {
  const read = (...args: string[]) => parseQemuArguments(args, '/cwd');

  it('tell name, monitors, stub and serial lines', () => {
    const line = read(
      '-name',
      'guest=a,,b c,debug-threads=on',
      '-kernel',
      'boot/bz,Image',
      '--qmp',
      'unix:one,server=on,wait=off',
      '-chardev',
      'socket,id=mon1,path=/two,server=on,wait=off',
      '-mon',
      'chardev=mon1,mode=control',
      '-chardev',
      'socket,id=human,path=/three,server=on',
      '-mon',
      'chardev=human,mode=readline',
      '-s',
      '-serial',
      'unix:/tty,server=on,logfile=/log',
      '-chardev',
      'socket,id=s2,host=,port=99,server=on',
      '-device',
      'isa-serial,chardev=s2',
      '-incoming',
      'defer',
    );
    assert.equal(line.name, 'a,b c');
    assert.equal(line.kernel, '/cwd/boot/bz,Image');
    assert.deepEqual(line.monitors.map(addressText), ['unix:/cwd/one', 'unix:/two']);
    assert.deepEqual(line.gdb, { kind: 'tcp', host: '127.0.0.1', port: 1234 });
    assert.deepEqual(
      line.serials.map(({ address, log }) => [addressText(address), log]),
      [
        ['unix:/tty', '/log'],
        ['tcp:127.0.0.1:99', undefined],
      ],
    );
    assert.equal(line.incoming, 'defer');
    assert.equal(line.hasInheritedMonitor, false);
  });

  it('tell a monitor that only libvirt has', () => {
    const line = read('-chardev', 'socket,id=m,fd=27,server=on', '-mon', 'chardev=m,id=monitor,mode=control');
    assert.equal(line.hasInheritedMonitor, true);
    assert.deepEqual(line.monitors, []);
  });

  it('end where they are cut off', () => {
    assert.deepEqual(read('-qmp').monitors, []);
    assert.equal(read('-name').name, undefined);
    assert.equal(read().gdb, undefined);
    assert.equal(read('-gdb', 'none').gdb, undefined);
  });

  it('are found among processes, whatever those are', () => {
    const root = mkdtempSync(join(tmpdir(), 'vmxray-proc-'));
    const put = (pid: string, cmdline: string, stat?: string): void => {
      mkdirSync(join(root, pid));
      writeFileSync(join(root, pid, 'cmdline'), cmdline);
      if (stat !== undefined) writeFileSync(join(root, pid, 'stat'), stat);
    };
    const fields = Array.from({ length: 40 }, (_, index) => index + 3).join(' ');
    put('12', '/usr/bin/qemu-system-x86_64\0-qmp\0unix:q s,server=on\0', `12 (qemu ) odd) S ${fields}`);
    symlinkSync('/some where', join(root, '12', 'cwd'));
    put('13', 'vim\0qemu-system-x86_64\0');
    put('14', '');
    put('15', '\0\0\0');
    mkdirSync(join(root, '16'));
    mkdirSync(join(root, 'self'));
    const found = qemuProcesses(root);
    rmSync(root, { recursive: true });
    assert.deepEqual(
      found.map(({ pid, line }) => [pid, ...line.monitors.map(addressText)]),
      [[12, 'unix:/some where/q s']],
    );
    assert.deepEqual(qemuProcesses('/does/not/exist'), []);
  });

  it('have ids whose paths may hold anything', () => {
    const path = 'file:/a#b/#snapshot:x.vmxray.json/c d.vmxray.json';
    assert.deepEqual(splitId(`${path}#snapshot:t#a:g`), [path, 'snapshot:t#a:g']);
    assert.deepEqual(splitId('process:1-2#cpu:0'), ['process:1-2', 'cpu:0']);
    assert.deepEqual(splitId('at:unix%3A%2Fx'), ['at:unix%3A%2Fx', undefined]);
  });
});

describe('inventory: machine files for QEMU', () => {
  const check = (content: object): string[] =>
    checkMachineFile('/m/a.vmxray.json', { kernel: '/k', ...content }, () => 'file').map(({ message }) => message);

  it("may have arguments, and nothing that is VMXray's alone", () => {
    assert.deepEqual(check({ engine: 'qemu', arguments: ['-smp', '2'] }), []);
    assert.match(check({ engine: 'qemu', pace: 'free' })[0] ?? '', /"pace" is for VMXray's own machines only/);
    assert.match(check({ arguments: [] })[0] ?? '', /"arguments" is for "engine": "qemu" only/);
    assert.match(check({ engine: 'bochs' })[0] ?? '', /must be one of vmxray, qemu/);
    assert.match(check({ engine: 'qemu', arguments: [1] })[0] ?? '', /list of texts/);
  });

  it('become arguments, each of which stays one', () => {
    const file: MachineFile = {
      engine: 'qemu',
      kernel: 'k, $(touch y)',
      cmdline: 'a "b" ; c',
      name: 'x,y',
      memory: '64M',
      rtc: '2026-01-31T12:00:00Z',
      seed: 7,
      arguments: ['-smp', '2'],
    };
    const sockets = { qmp: '/s,1', debuggerQmp: '/s2', gdb: '/s3', serial: '/s4', serialLog: '/s5' };
    const args = launchArguments('/m/a.vmxray.json', file, sockets, { paused: true });
    const after = (option: string): string | undefined => args[args.indexOf(option) + 1];
    assert.equal(after('-kernel'), '/m/k, $(touch y)');
    assert.equal(after('-append'), 'a "b" ; c');
    assert.equal(after('-name'), 'guest=x,,y');
    assert.equal(after('-m'), 'size=65536K');
    assert.equal(after('-rtc'), 'base=2026-01-31T12:00:00');
    assert.equal(after('-qmp'), 'unix:/s,,1,server=on,wait=off');
    assert.deepEqual(args.slice(-4), ['-S', '-smp', '2', '-daemonize']);
    const line = parseQemuArguments(args, '/');
    assert.equal(line.name, 'x,y');
    assert.deepEqual(line.monitors.map(addressText), ['unix:/s,1', 'unix:/s2']);
    assert.deepEqual(line.serials, [{ address: { kind: 'unix', path: '/s4' }, log: '/s5' }]);
  });
});

describe('inventory: which engines there are', () => {
  it('tells addresses of QEMU, libvirt and others apart', async () => {
    const addresses = ['qmp:/run/q', 'qmp:lab:4444', 'qmp:nowhere', 'test+unix:///default?socket=/x', 'qemu+tls://a/b'];
    const { providers, problems } = await findProviders({ engines: [...addresses, 'tcp://lab:1'], hidden: [] });
    const ids = providers.map(({ id }) => id);
    for (const id of ['qemu', 'libvirt:test+unix:///default?socket=/x', 'engine:tcp://lab:1'])
      assert.ok(ids.includes(id), `${id} among ${ids.join(', ')}`);
    assert.equal(problems.filter((problem) => /qmp:nowhere|qemu\+tls/.test(problem)).length, 2, problems.join('\n'));
    for (const provider of providers) provider.dispose();
  });

  it('reads addresses of monitors', () => {
    assert.deepEqual(parseQmp('qmp:/a b'), { kind: 'unix', path: '/a b' });
    assert.deepEqual(parseQmp('qmp:unix:/a'), { kind: 'unix', path: '/a' });
    assert.deepEqual(parseQmp('qmp:lab:4444'), { kind: 'tcp', host: 'lab', port: 4444 });
    assert.equal(parseQmp('qmp:lab'), undefined);
  });
});
