/** What the actions do to networks, storage pools and volumes. */
import { parseSize } from '../../targets/machine-settings';
import type { ActionRun } from '../provider';
import type { LibvirtEngine } from './engine';
import * as calls from './storage-calls';
import { escapeXml } from './xml';

/** Starts, stops or undefines a network. */
export async function actOnNetwork(
  engine: LibvirtEngine,
  uuid: string,
  action: 'start' | 'destroy' | 'undefine',
  { desk, signal }: ActionRun,
): Promise<void> {
  const network = await calls.findNetwork(engine, uuid, { signal });
  const { name } = network;
  const isSure =
    action === 'start' ||
    (action === 'destroy'
      ? await desk.confirm(`Stop the network ${name}?`, 'Domains on it lose it until it starts again.', 'Stop')
      : await desk.confirm(`Undefine the network ${name}?`, 'Its definition is removed.', 'Undefine'));
  if (isSure) await calls.callNetwork(engine, action, network, { signal });
}

/** Starts, stops, refreshes or undefines a pool, or makes a volume in it. */
export async function actOnPool(
  engine: LibvirtEngine,
  uuid: string,
  action: 'start' | 'destroy' | 'undefine' | 'refreshPool' | 'createVolume',
  run: ActionRun,
): Promise<void> {
  const { desk, signal } = run;
  const pool = await calls.findPool(engine, uuid, { signal });
  const { name } = pool;
  switch (action) {
    case 'start':
      return calls.startPool(engine, pool, { signal });
    case 'refreshPool':
      return calls.refreshPool(engine, pool, { signal });
    case 'destroy': {
      const detail = 'It is not used until it starts again; what lies in it stays.';
      if (await desk.confirm(`Stop the storage pool ${name}?`, detail, 'Stop'))
        await calls.stopPool(engine, pool, { signal });
      return;
    }
    case 'undefine': {
      const detail = 'Its definition is removed; what lies in it stays.';
      if (await desk.confirm(`Undefine the storage pool ${name}?`, detail, 'Undefine'))
        await calls.undefinePool(engine, pool, { signal });
      return;
    }
    case 'createVolume': {
      const label = await desk.ask('What shall the volume be called?', {
        placeholder: 'disk.qcow2',
        check: (text) => (text.trim() === '' || text.includes('/') ? 'Give it a name without "/".' : undefined),
      });
      if (label === undefined) return;
      const size = await desk.ask('How large?', { value: '1G', check: sizeProblem });
      if (size === undefined) return;
      const format = label.endsWith('.qcow2') ? 'qcow2' : 'raw';
      await calls.createVolume(
        engine,
        pool,
        `<volume><name>${escapeXml(label)}</name><capacity unit='bytes'>${parseSize(size)}</capacity><target><format type='${format}'/></target></volume>`,
      );
    }
  }
}

export async function removeVolume(
  engine: LibvirtEngine,
  poolUuid: string,
  name: string,
  run: ActionRun,
): Promise<void> {
  const caller = { signal: run.signal };
  const volume = await calls.findVolume(engine, await calls.findPool(engine, poolUuid, caller), name, caller);
  const detail = 'All that it holds is lost.';
  if (await run.desk.confirm(`Delete the volume ${name}?`, detail, 'Delete')) await calls.deleteVolume(engine, volume);
}

function sizeProblem(text: string): string | undefined {
  try {
    parseSize(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
