/**
 * Whether this user has QEMUs: processes, machine files that ask for QEMU, and addresses in the settings, `qmp:PATH` or
 * `qmp:HOST:PORT`, for those whose processes cannot be seen. Connects to none.
 */
import { machineFilesIn, readMachineFile } from '../own/machine-files';
import { notAnAddress } from './errors';
import { qemuProcesses } from './processes';
import { type MachineFilesHost, QemuProvider } from './provider';
import { parsePlace, type SocketAddress } from './socket-address';

/** What a settings' address of a QEMU begins with. */
export const QMP_SCHEME = 'qmp:';

/** The QEMU provider if there is anything for it; `problems` are sentences about addresses that are none. */
export async function discoverQemu(
  settings: readonly string[],
  files: MachineFilesHost | undefined,
): Promise<{ readonly providers: readonly QemuProvider[]; readonly problems: readonly string[] }> {
  const problems: string[] = [];
  const addresses = settings.flatMap((text) => {
    const address = parseQmp(text);
    if (!address) problems.push(notAnAddress(text).message);
    return address ?? [];
  });
  const isWanted = addresses.length > 0 || qemuProcesses().length > 0 || (files && (await hasMachines(files)));
  return { providers: isWanted ? [new QemuProvider({ addresses, files })] : [], problems };
}

/** The socket in an address of the settings; undefined for what is none. */
export function parseQmp(text: string): SocketAddress | undefined {
  const place = text.slice(QMP_SCHEME.length);
  if (/^[\\/]/.test(place)) return parsePlace(`unix:${place}`, '/');
  return parsePlace(/^(unix|tcp):/.test(place) ? place : `tcp:${place}`, '/');
}

async function hasMachines(files: MachineFilesHost): Promise<boolean> {
  const paths = [...(await files.workspaceFiles()), ...machineFilesIn(files.store)];
  return paths.some((path) => readMachineFile(path).file?.engine === 'qemu');
}
