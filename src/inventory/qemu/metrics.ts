/**
 * Present figures of a QEMU: processor time and memory of its process, what its disks have moved, its balloon, and KVM's
 * own counters where there are any. Rates are between one asking and the next.
 * Source: proc(5); QEMU, qapi/block-core.json (query-blockstats), qapi/stats.json (query-stats, KVM only).
 * NOT IMPLEMENTED: network rates, which QEMU does not count.
 */
import type { Metric } from '../provider';
import type { Emulator } from './emulator';
import { CLOCK_TICKS, statOf } from './processes';

interface Sample {
  /** Milliseconds. */
  readonly at: number;
  /** Seconds of processor time. */
  readonly cpu?: number | undefined;
  readonly disks?: DiskTotals | undefined;
}

interface DiskTotals {
  readonly rd_bytes: number;
  readonly wr_bytes: number;
  readonly rd_operations: number;
  readonly wr_operations: number;
}

/** The figures of all QEMUs, with the last sample of each. */
export class QemuMetrics {
  private readonly last = new Map<string, Sample>();

  async of(emulator: Emulator, signal: AbortSignal): Promise<readonly Metric[]> {
    const { qmp } = emulator;
    const ask = <T>(command: string, args?: Readonly<Record<string, unknown>>): Promise<T | undefined> =>
      qmp.execute<T>(command, args, { signal }).catch(() => undefined);
    const [memory, balloon, blocks, cpus, exits] = await Promise.all([
      ask<{ 'base-memory': number }>('query-memory-size-summary'),
      ask<{ actual: number }>('query-balloon'),
      ask<readonly { stats: DiskTotals }[]>('query-blockstats'),
      ask<readonly unknown[]>('query-cpus-fast'),
      ask<readonly KvmStats[]>('query-stats', { target: 'vcpu' }),
    ]);
    const pid = emulator.place.process?.pid;
    const process = pid === undefined ? undefined : statOf(pid);
    const cpu = process && process.cpu / CLOCK_TICKS;
    const disks = blocks && totals(blocks);
    const at = performance.now();
    const before = this.last.get(emulator.id);
    this.last.set(emulator.id, { at, cpu, disks });
    const metrics: Metric[] = [];
    const seconds = before ? (at - before.at) / 1000 : 0;
    const rate = (now: number, then: number | undefined): number =>
      then === undefined || seconds <= 0 ? 0 : Math.max(0, (now - then) / seconds);
    if (cpu !== undefined)
      metrics.push({ name: 'CPU', value: rate(cpu, before?.cpu), unit: 'cores', limit: cpus?.length });
    if (process)
      metrics.push({ name: 'Resident memory', value: process.resident, unit: 'bytes', limit: memory?.['base-memory'] });
    if (balloon)
      metrics.push({ name: 'Balloon', value: balloon.actual, unit: 'bytes', limit: memory?.['base-memory'] });
    if (disks) {
      const { rd_bytes, wr_bytes, rd_operations, wr_operations } = disks;
      const operations = rd_operations + wr_operations;
      const then = before?.disks;
      const operationsThen = then && then.rd_operations + then.wr_operations;
      metrics.push({ name: 'Disk read', value: rate(rd_bytes, then?.rd_bytes), unit: 'bytes/s' });
      metrics.push({ name: 'Disk write', value: rate(wr_bytes, then?.wr_bytes), unit: 'bytes/s' });
      metrics.push({ name: 'Disk operations', value: rate(operations, operationsThen), unit: 'operations/s' });
    }
    const count = sumOf(exits, 'exits');
    if (count !== undefined) metrics.push({ name: 'VM exits', value: count, unit: 'count' });
    return metrics;
  }

  /** Forgets a QEMU that is gone. */
  forget(id: string): void {
    this.last.delete(id);
  }
}

interface KvmStats {
  readonly stats: readonly { readonly name: string; readonly value: unknown }[];
}

function totals(blocks: readonly { readonly stats: DiskTotals }[]): DiskTotals {
  const sum = (name: keyof DiskTotals): number =>
    blocks.reduce((all, { stats }) => all + (Number(stats[name]) || 0), 0);
  return {
    rd_bytes: sum('rd_bytes'),
    wr_bytes: sum('wr_bytes'),
    rd_operations: sum('rd_operations'),
    wr_operations: sum('wr_operations'),
  };
}

/** A counter of all vCPUs; undefined where there is none. */
function sumOf(all: readonly KvmStats[] | undefined, name: string): number | undefined {
  const values = (all ?? []).flatMap(({ stats }) => stats.filter((one) => one.name === name).map(({ value }) => value));
  return values.length === 0 ? undefined : values.reduce<number>((sum, value) => sum + (Number(value) || 0), 0);
}
