/**
 * The clusters of this user: the contexts of the kubeconfig files, as kubectl finds them. Reads and parses the files;
 * connects to none, and keeps no credentials.
 * Source: Kubernetes documentation, "Organizing Cluster Access Using kubeconfig Files".
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** One context of the kubeconfig. */
export interface ClusterContext {
  readonly name: string;
  /** Files to load, in the order of their precedence. */
  readonly files: readonly string[];
  /** Where its pods go without a word: the context's namespace. */
  readonly namespace: string;
}

/** Where discovery looks; the user's own by default. */
export interface KubeconfigOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly home?: string;
  /** More files, from the settings; each stands for itself and is not merged with the others. */
  readonly files?: readonly string[];
}

/** What an address in the settings begins with that names a kubeconfig file. */
export const KUBECONFIG_SCHEME = 'kubeconfig:';

interface Kubeconfig {
  readonly contexts?: readonly ({
    readonly name?: unknown;
    readonly context?: { readonly namespace?: unknown };
  } | null)[];
}

/** All contexts, each name once, the first file that has it winning; what cannot be read is left out and told. */
export async function discoverClusters(
  options: KubeconfigOptions = {},
): Promise<{ clusters: ClusterContext[]; problems: string[] }> {
  const { env = process.env, home = homedir(), files: more = [] } = options;
  const merged = (env.KUBECONFIG ? env.KUBECONFIG.split(delimiter) : [join(home, '.kube', 'config')]).filter(
    (file) => file !== '' && existsSync(file),
  );
  const clusters = new Map<string, ClusterContext>();
  const problems: string[] = [];
  const sources = [
    ...merged.map((file) => ({ file, files: merged })),
    ...more.map((file) => ({ file, files: [file] })),
  ];
  if (sources.length === 0) return { clusters: [], problems };
  const { load } = await import('js-yaml');
  for (const { file, files } of sources) {
    try {
      const { contexts } = (load(readFileSync(file, 'utf8')) ?? {}) as Kubeconfig;
      for (const entry of contexts ?? []) {
        const { name, context } = entry ?? {};
        if (typeof name !== 'string' || clusters.has(name)) continue;
        const namespace = typeof context?.namespace === 'string' ? context.namespace : 'default';
        clusters.set(name, { name, files, namespace });
      }
    } catch (error) {
      problems.push(`${file}: ${(error as Error).message}`);
    }
  }
  return { clusters: [...clusters.values()], problems };
}
