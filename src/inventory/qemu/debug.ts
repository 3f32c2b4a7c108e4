/** The debugger's door into a QEMU that runs: its gdb stub, opened over the monitor where it has none. */
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import type { QemuMachine } from './machine';
import { qmpOf } from './machine';
import { guestOf } from './launch';
import { refused } from '../../targets/qmp/errors';
import { stubBusy } from './errors';
import { addressText } from './socket-address';

/** The configuration of a debug session that attaches to the machine; opens a stub if there is none. */
export async function attachConfiguration(
  machine: QemuMachine,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const { emulator, label, read } = machine;
  const qmp = qmpOf(machine);
  const gdb = await openStub(label, (command) => qmp.monitor(command, { signal }));
  const spare = emulator?.spareMonitor;
  const kernel = emulator?.place.process?.line.kernel;
  // A QEMU in a container has files of its own.
  const loaded = kernel !== undefined && existsSync(kernel) ? { kernel } : {};
  const guest = read?.file ? guestOf(read.path, read.file) : loaded;
  return {
    type: 'vmxray',
    request: 'attach',
    name: label,
    gdb,
    // Our own connection holds the first monitor: a debugger gets one only where there is another.
    ...(spare && { qmp: spare.kind === 'unix' ? spare.path : addressText(spare) }),
    ...guest,
  };
}

/**
 * The gdb stub of a running QEMU, as our debugger takes it; one is opened at a free port of this machine if there is
 * none. `monitor` runs commands of the human monitor. Rejects where another debugger is attached.
 */
export async function openStub(name: string, monitor: (command: string) => Promise<string>): Promise<string> {
  const [, free, path, port] = OPEN_STUB.exec((await monitor('info chardev')).replaceAll('\r', '')) ?? [];
  if (path !== undefined || port !== undefined) {
    if (free === undefined) throw stubBusy(name);
    return path ?? port ?? '';
  }
  const place = `127.0.0.1:${await freePort()}`;
  const said = await monitor(`gdbserver tcp:${place}`);
  // It answers in words, and with "Waiting for gdb connection on device ..." where all is well.
  if (!/waiting for gdb connection/i.test(said)) throw refused('gdbserver', said.trim());
  return place;
}

/** The line of an open stub among the character devices; `disconnected` while nobody is attached. */
const OPEN_STUB = /^gdb: filename=(disconnected:)?(?:unix:(.+?)|tcp:(.+?:\d+)),server=on/m;

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
