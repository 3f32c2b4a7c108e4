/**
 * A domain's present figures out of what virsh calls `domstats`: rates are between one asking and the next.
 * Source: libvirt.org, virConnectGetAllDomainStats.
 */
import type { Metric } from '../provider';
import { type Caller, findDomain, infoOf, STATS, statsOf } from './domain-calls';
import type { LibvirtEngine } from './engine';
import { LibvirtError } from './errors';
import type { DomainHandle } from './handles';
import { numberOf, type Params } from './typed-params';

/** Counters that only grow. */
interface Sample {
  /** Milliseconds. */
  readonly at: number;
  readonly totals: Readonly<Record<string, number>>;
}

export class DomainMetrics {
  private readonly last = new Map<string, Sample>();

  async of(engine: LibvirtEngine, uuid: string, caller: Caller): Promise<readonly Metric[] | undefined> {
    const domain = await findDomain(engine, uuid, caller);
    if (domain.id < 0) {
      this.last.delete(uuid);
      return undefined;
    }
    const params = await paramsOf(engine, domain, caller);
    const info = await infoOf(engine, domain, caller);
    const totals = totalsOf(params, info.cpuTime);
    const at = performance.now();
    const before = this.last.get(uuid);
    this.last.set(uuid, { at, totals });
    const seconds = before ? (at - before.at) / 1000 : 0;
    const rate = (name: string): number => {
      const then = before?.totals[name];
      return then === undefined || seconds <= 0 ? 0 : Math.max(0, ((totals[name] ?? 0) - then) / seconds);
    };
    const has = (prefix: string): boolean => numberOf(params, `${prefix}.count`) !== undefined;
    return [
      { name: 'CPU', value: rate('cpu') / 1e9, unit: 'cores', limit: info.vcpus },
      { name: 'Memory', value: info.memory, unit: 'bytes', limit: info.maxMemory },
      ...inKiB(params, 'Resident memory', 'balloon.rss'),
      ...inKiB(params, 'Unused in the guest', 'balloon.unused'),
      ...(has('block')
        ? ([
            { name: 'Disk read', value: rate('rd.bytes'), unit: 'bytes/s' },
            { name: 'Disk write', value: rate('wr.bytes'), unit: 'bytes/s' },
            { name: 'Disk operations', value: rate('rd.reqs') + rate('wr.reqs'), unit: 'operations/s' },
          ] as const)
        : []),
      ...(has('net')
        ? ([
            { name: 'Network in', value: rate('rx.bytes'), unit: 'bytes/s' },
            { name: 'Network out', value: rate('tx.bytes'), unit: 'bytes/s' },
          ] as const)
        : []),
    ];
  }
}

/** Nothing where the driver counts nothing but the processor's time. */
async function paramsOf(engine: LibvirtEngine, domain: DomainHandle, caller: Caller): Promise<Params> {
  try {
    return (await statsOf(engine, [domain], STATS.all, caller))[0]?.params ?? new Map();
  } catch (error) {
    if (error instanceof LibvirtError && error.isUnsupported) return new Map();
    throw error;
  }
}

const inKiB = (params: Params, name: string, field: string): readonly Metric[] => {
  const value = numberOf(params, field);
  return value === undefined ? [] : [{ name, value: value * 1024, unit: 'bytes' }];
};

/** Sums over all disks and interfaces: `block.3.rd.bytes`. */
function totalsOf(params: Params, cpuTime: number): Record<string, number> {
  const totals: Record<string, number> = { cpu: numberOf(params, 'cpu.time') ?? cpuTime };
  for (const field of params.keys()) {
    const name = /^(?:block|net)\.\d+\.((?:rd|wr|rx|tx)\.(?:bytes|reqs))$/.exec(field)?.[1];
    if (name !== undefined) totals[name] = (totals[name] ?? 0) + (numberOf(params, field) ?? 0);
  }
  return totals;
}
