/**
 * Podman's networks by the names that its own program uses: its Docker-like API calls the default one `bridge`.
 * Source: libpod API 4, GET /libpod/networks/json.
 */
import type { DockerEngine } from '../docker/engine';
import type { NetworkSummary } from '../docker/rows';

interface LibpodNetwork {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly internal?: boolean;
  readonly subnets?: readonly { readonly subnet: string }[] | null;
  readonly labels?: Readonly<Record<string, string>> | null;
}

/** All networks. */
export async function listPodmanNetworks(
  engine: DockerEngine,
  signal: AbortSignal,
): Promise<readonly NetworkSummary[]> {
  const call = { method: 'GET', path: '/v4.0.0/libpod/networks/json' } as const;
  const networks = await engine.request<LibpodNetwork[] | null>(call, signal);
  return (networks ?? []).map(({ id, name, driver, internal, subnets, labels }) => ({
    id,
    name,
    driver,
    isInternal: internal ?? false,
    subnets: (subnets ?? []).map(({ subnet }) => subnet),
    labels: labels ?? {},
  }));
}
