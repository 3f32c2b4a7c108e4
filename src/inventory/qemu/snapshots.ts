/**
 * Internal snapshots: a machine's memory and devices inside its qcow2 disks. QEMU keeps no parents for them, so they are
 * a list. Taken, gone back to and deleted by jobs (QEMU 6.0 on), whose progress QEMU tells.
 * Source: QEMU, qapi/migration.json (snapshot-save, -load, -delete), qapi/job.json, qapi/block-core.json.
 */
import { randomBytes } from 'node:crypto';
import { sleep } from '../keep-open';
import type { ActionRun } from '../provider';
import { givenUp, jobFailed, noSnapshotDisk } from './errors';
import type { QmpClient } from '../../targets/qmp/qmp-client';

const POLL_MS = 50;

/** One snapshot. */
export interface InternalSnapshot {
  readonly tag: string;
  /** Seconds since 1970. */
  readonly date: number;
  /** Bytes. */
  readonly vmStateSize: number;
  /** The disk that holds the machine's state. */
  readonly node: string;
}

interface Node {
  readonly 'node-name': string;
  readonly drv: string;
  readonly ro: boolean;
  readonly image: {
    readonly snapshots?: readonly {
      readonly name: string;
      readonly id: string;
      readonly 'date-sec': number;
      readonly 'vm-state-size': number;
    }[];
  };
}

interface Job {
  readonly id: string;
  readonly status: string;
  readonly 'current-progress': number;
  readonly 'total-progress': number;
  readonly error?: string;
}

/** The snapshots that hold a machine's state, the oldest first. */
export async function listSnapshots(qmp: QmpClient, signal?: AbortSignal): Promise<readonly InternalSnapshot[]> {
  const found = new Map<string, InternalSnapshot>();
  for (const node of await nodes(qmp, signal)) {
    for (const { name, id, 'date-sec': date, 'vm-state-size': vmStateSize } of node.image.snapshots ?? []) {
      const tag = name || id;
      if (vmStateSize > 0 || !found.has(tag)) found.set(tag, { tag, date, vmStateSize, node: node['node-name'] });
    }
  }
  return [...found.values()].sort((a, b) => a.date - b.date);
}

/** Takes a snapshot of the machine with all its writable disks. */
export async function takeSnapshot(qmp: QmpClient, name: string, tag: string, run: ActionRun): Promise<void> {
  const devices = await snapshotDisks(qmp, run.signal);
  const [vmstate] = devices;
  if (vmstate === undefined) throw noSnapshotDisk(name);
  await runJob(qmp, 'Taking the snapshot', 'snapshot-save', { tag, vmstate, devices }, run);
}

/** Makes the machine what it was; whether it runs then is as it was. */
export async function goBack(qmp: QmpClient, tag: string, run: ActionRun): Promise<void> {
  const { devices, vmstate } = await disksOf(qmp, tag, run.signal);
  await runJob(qmp, 'Going back', 'snapshot-load', { tag, vmstate, devices }, run);
}

export async function deleteSnapshot(qmp: QmpClient, tag: string, run: ActionRun): Promise<void> {
  const { devices } = await disksOf(qmp, tag, run.signal);
  await runJob(qmp, 'Deleting the snapshot', 'snapshot-delete', { tag, devices }, run);
}

async function disksOf(
  qmp: QmpClient,
  tag: string,
  signal: AbortSignal,
): Promise<{ readonly devices: readonly string[]; readonly vmstate: string }> {
  const snapshot = (await listSnapshots(qmp, signal)).find((one) => one.tag === tag);
  if (!snapshot) throw jobFailed(`The snapshot "${tag}"`, 'it is no longer there');
  const holders = (await nodes(qmp, signal)).filter(({ image }) =>
    image.snapshots?.some(({ name, id }) => (name || id) === tag),
  );
  return { devices: holders.map((node) => node['node-name']), vmstate: snapshot.node };
}

/** Format nodes of the writable qcow2 disks; what lies below them is not attached itself. */
async function snapshotDisks(qmp: QmpClient, signal: AbortSignal): Promise<readonly string[]> {
  return (await nodes(qmp, signal)).filter(({ drv, ro }) => drv === 'qcow2' && !ro).map((node) => node['node-name']);
}

async function nodes(qmp: QmpClient, signal: AbortSignal | undefined): Promise<readonly Node[]> {
  const blocks = await qmp.execute<readonly { readonly inserted?: Node }[]>('query-block', undefined, { signal });
  return blocks.flatMap(({ inserted }) => (inserted?.['node-name'] ? [inserted] : []));
}

async function runJob(
  qmp: QmpClient,
  words: string,
  command: string,
  args: Readonly<Record<string, unknown>>,
  { signal, progress }: ActionRun,
): Promise<void> {
  const id = `vmxray-${randomBytes(4).toString('hex')}`;
  progress(words);
  await qmp.execute(command, { 'job-id': id, ...args }, { signal });
  let isCancelled = false;
  for (;;) {
    // The job goes on where nobody waits for it: so the signal cancels it, and the answer is waited for.
    if (signal.aborted && !isCancelled) {
      isCancelled = true;
      await qmp.execute('job-cancel', { id }).catch(() => undefined);
    }
    const job = (await qmp.execute<readonly Job[]>('query-jobs')).find((one) => one.id === id);
    if (!job) throw jobFailed(words, 'QEMU has forgotten it');
    if (job['total-progress'] > 0) progress(words, Math.min(1, job['current-progress'] / job['total-progress']));
    if (job.status === 'concluded' || job.status === 'null' || job.status === 'aborting') {
      if (job.status === 'concluded') await qmp.execute('job-dismiss', { id });
      if (job.status !== 'aborting') {
        if (isCancelled && job.error !== undefined) throw givenUp(words);
        if (job.error !== undefined) throw jobFailed(words, job.error);
        return;
      }
    }
    await sleep(POLL_MS);
  }
}
