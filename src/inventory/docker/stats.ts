/**
 * A container's present figures. Rates need two samples: the one before is kept, or taken half a second earlier.
 * Source: Docker Engine API 1.41, GET /containers/{id}/stats; memory is counted as Docker's own program does, without
 * the page cache that the kernel would give back.
 */
import { sleep } from '../keep-open';
import type { Metric } from '../provider';
import type { DockerEngine } from './engine';

/** What is read of the answer. Windows' figures have other names and are not read. */
export interface Stats {
  /** ISO 8601. */
  readonly read: string;
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats?: {
    readonly usage?: number;
    readonly limit?: number;
    readonly stats?: Readonly<Record<string, number>>;
  };
  readonly pids_stats?: { readonly current?: number; readonly limit?: number };
  readonly networks?: Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>>;
  readonly blkio_stats?: {
    readonly io_service_bytes_recursive?: readonly { readonly op: string; readonly value: number }[] | null;
  };
}

/** Limits that a container was given when it was made; undefined where it has none. */
export interface GivenLimits {
  readonly cores: number | undefined;
  readonly processes: number | undefined;
}

interface Sample {
  /** Milliseconds since 1970, by the engine's clock. */
  readonly at: number;
  readonly cpu: number;
  readonly received: number;
  readonly sent: number;
  readonly read: number;
  readonly written: number;
}

// The kernel deals out processor time in periods of 100 ms: shorter intervals say nothing.
const SHORTEST_MS = 500;
const OLDEST_MS = 60_000;
const MOST_KEPT = 100;
// The kernel's way to say that there is none.
const NO_LIMIT = 2 ** 62;

/** Samples of an engine's containers. */
export class ContainerStats {
  private readonly last = new Map<string, Sample>();

  constructor(private readonly engine: DockerEngine) {}

  /** Figures of a running container; undefined for one that is not running. */
  async metrics(id: string, limits: GivenLimits, signal: AbortSignal): Promise<readonly Metric[] | undefined> {
    let now = await this.sample(id, signal);
    if (!now) return undefined;
    const kept = this.last.get(id);
    const age = kept === undefined ? -1 : now.sample.at - kept.at;
    const before = kept !== undefined && age > 0 && age < OLDEST_MS ? kept : now.sample;
    const left = SHORTEST_MS - (now.sample.at - before.at);
    if (left > 0) {
      await sleep(left, signal);
      now = await this.sample(id, signal);
      if (!now) return undefined;
    }
    this.last.delete(id);
    this.last.set(id, now.sample);
    for (const oldest of this.last.keys()) if (this.last.size > MOST_KEPT) this.last.delete(oldest);
    return figures(now.stats, now.sample, before, limits);
  }

  private async sample(id: string, signal: AbortSignal): Promise<{ stats: Stats; sample: Sample } | undefined> {
    const path = `/containers/${encodeURIComponent(id)}/stats`;
    const query = { stream: 'false', 'one-shot': 'true' };
    const stats = await this.engine.request<Stats>({ method: 'GET', path, query }, signal);
    const cpu = stats.cpu_stats?.cpu_usage?.total_usage;
    // A container that does not run is answered with zeros or nothing.
    if (!cpu || stats.read.startsWith('0001')) return undefined;
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    const networks = Object.values(stats.networks ?? {});
    const disk = stats.blkio_stats?.io_service_bytes_recursive ?? [];
    const bytesOf = (wanted: string): number =>
      sum(disk.filter(({ op }) => op.toLowerCase() === wanted).map(({ value }) => value));
    const sample = {
      at: Date.parse(stats.read),
      cpu,
      received: sum(networks.map(({ rx_bytes }) => rx_bytes)),
      sent: sum(networks.map(({ tx_bytes }) => tx_bytes)),
      read: bytesOf('read'),
      written: bytesOf('write'),
    };
    return { stats, sample };
  }
}

function figures(stats: Stats, now: Sample, before: Sample, limits: GivenLimits): Metric[] {
  const seconds = Math.max((now.at - before.at) / 1000, 0.001);
  const rate = (key: 'received' | 'sent' | 'read' | 'written'): number => Math.max(0, now[key] - before[key]) / seconds;
  const { usage = 0, limit, stats: parts } = stats.memory_stats ?? {};
  const cache = parts?.total_inactive_file ?? parts?.inactive_file ?? 0;
  const pids = stats.pids_stats;
  const enforced = (value: number | undefined): number | undefined => (!value || value >= NO_LIMIT ? undefined : value);
  return [
    { name: 'CPU', unit: 'cores', value: Math.max(0, now.cpu - before.cpu) / 1e9 / seconds, limit: limits.cores },
    { name: 'Memory', unit: 'bytes', value: Math.max(0, usage - cache), limit: enforced(limit) },
    { name: 'Network received', unit: 'bytes/s', value: rate('received') },
    { name: 'Network sent', unit: 'bytes/s', value: rate('sent') },
    { name: 'Disk read', unit: 'bytes/s', value: rate('read') },
    { name: 'Disk written', unit: 'bytes/s', value: rate('written') },
    { name: 'Processes', unit: 'count', value: pids?.current ?? 0, limit: enforced(pids?.limit) ?? limits.processes },
  ];
}
