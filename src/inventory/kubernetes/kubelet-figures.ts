/**
 * Present figures as a node's kubelet tells them, which needs no metrics server: processor, memory, network, disk.
 * Source: Kubernetes, kubelet's stats/v1alpha1 Summary, read through the API server's proxy of nodes.
 */
import type { Metric } from '../provider';

/** The summary of one node, as far as it is read. */
export interface KubeletSummary {
  readonly node: Figures & { readonly fs?: FileSystem };
  readonly pods?: readonly (Figures & {
    readonly podRef: { readonly name: string; readonly namespace: string };
    readonly containers?: readonly (Figures & { readonly name: string; readonly rootfs?: FileSystem })[];
    readonly 'ephemeral-storage'?: FileSystem;
  })[];
}

interface FileSystem {
  readonly usedBytes?: number;
  readonly capacityBytes?: number;
}

interface Figures {
  readonly cpu?: { readonly time?: string; readonly usageNanoCores?: number };
  readonly memory?: { readonly workingSetBytes?: number };
  readonly network?: { readonly time?: string; readonly rxBytes?: number; readonly txBytes?: number };
}

/** What of a summary is wanted: the node itself, one of its pods, or a container. */
export interface Subject {
  readonly namespace?: string | undefined;
  readonly pod?: string | undefined;
  readonly container?: string | undefined;
}

/** Limits that the objects themselves have. */
export interface GivenLimits {
  readonly cpu: number | undefined;
  readonly memory: number | undefined;
}

interface Sample {
  /** Milliseconds since 1970, by the node's clock. */
  readonly at: number;
  readonly received: number;
  readonly sent: number;
  /** Bytes a second over the time before. */
  readonly receiving: number;
  readonly sending: number;
}

// The kubelet measures every ten seconds or so.
const FRESH_MS = 2000;
const MOST_KEPT = 100;
const OLDEST_MS = 120_000;

/** Figures of one cluster's pods and nodes; what rates need of the time before is kept. */
export class KubeletFigures {
  private readonly last = new Map<string, Sample>();
  private readonly asked = new Map<string, { readonly at: number; readonly summary: Promise<KubeletSummary> }>();

  /** A node's summary by `ask`, or one that is at most some seconds old: it tells of all its pods and is large. */
  summary(node: string, ask: () => Promise<KubeletSummary>): Promise<KubeletSummary> {
    const now = Date.now();
    const kept = this.asked.get(node);
    if (kept && now - kept.at < FRESH_MS) return kept.summary;
    const summary = ask();
    this.asked.set(node, { at: now, summary });
    summary.catch(() => this.asked.delete(node));
    return summary;
  }

  /** Undefined where the kubelet says nothing of the subject (yet). */
  metrics(
    summary: KubeletSummary,
    node: string,
    { namespace, pod, container }: Subject,
    limits: GivenLimits,
  ): Metric[] | undefined {
    const ofPod = summary.pods?.find(({ podRef }) => podRef.name === pod && podRef.namespace === namespace);
    const ofContainer = ofPod?.containers?.find(({ name }) => name === container);
    const found = pod === undefined ? summary.node : container === undefined ? ofPod : ofContainer;
    const disk =
      pod === undefined
        ? summary.node.fs
        : container === undefined
          ? ofPod?.['ephemeral-storage']
          : ofContainer?.rootfs;
    if (found?.cpu?.usageNanoCores === undefined && found?.memory?.workingSetBytes === undefined) return undefined;
    return [
      { name: 'CPU', unit: 'cores', value: (found.cpu?.usageNanoCores ?? 0) / 1e9, limit: limits.cpu },
      { name: 'Memory', unit: 'bytes', value: found.memory?.workingSetBytes ?? 0, limit: limits.memory },
      ...this.rates([node, namespace, pod].join('/'), found),
      ...(disk?.usedBytes === undefined
        ? []
        : [{ name: 'Disk used', unit: 'bytes', value: disk.usedBytes, limit: disk.capacityBytes } as const]),
    ];
  }

  /** Containers of a pod share its network, and pods on the host's network have none of their own. */
  private rates(key: string, { network }: Figures): Metric[] {
    const { time, rxBytes, txBytes } = network ?? {};
    if (time === undefined || rxBytes === undefined || txBytes === undefined) return [];
    const at = Date.parse(time);
    const kept = this.last.get(key);
    const before = kept && at - kept.at < OLDEST_MS ? kept : undefined;
    // The kubelet measures every ten seconds or so: until it does again, what it said counts.
    if (before && at <= before.at) return rateMetrics(before);
    const seconds = before ? (at - before.at) / 1000 : 1;
    const now: Sample = {
      at,
      received: rxBytes,
      sent: txBytes,
      receiving: before ? Math.max(0, rxBytes - before.received) / seconds : 0,
      sending: before ? Math.max(0, txBytes - before.sent) / seconds : 0,
    };
    this.last.delete(key);
    this.last.set(key, now);
    for (const oldest of this.last.keys()) if (this.last.size > MOST_KEPT) this.last.delete(oldest);
    return rateMetrics(now);
  }
}

const rateMetrics = ({ receiving, sending }: Sample): Metric[] => [
  { name: 'Network received', unit: 'bytes/s', value: receiving },
  { name: 'Network sent', unit: 'bytes/s', value: sending },
];
