/**
 * QEMU's human monitor through a QMP socket, for a stub that has no monitor of its own. A QMP socket serves one client at a
 * time: each command has a connection of its own, so that others get their turn.
 */
import type { NetConnectOpts } from 'node:net';
import { QmpClient } from '../qmp/qmp-client';

const LIMIT_MS = 3000;

/** What the monitor prints for a line, asked of vCPU `cpu` (from 0). Rejects with a UserError, after some seconds at most. */
export async function askThroughQmp(place: NetConnectOpts, line: string, cpu: number): Promise<string> {
  const client = await QmpClient.open(place, 'The QEMU behind the gdb stub');
  try {
    return await client.monitor(line, { cpu, limitMs: LIMIT_MS });
  } finally {
    client.dispose();
  }
}
