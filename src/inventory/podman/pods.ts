/**
 * Podman's pods, by its own API: containers that share namespaces, which an infra container holds.
 * Source: libpod API 4, /libpod/pods.
 */
import type { DockerEngine } from '../docker/engine';

/** A pod of the list. */
export interface Pod {
  readonly Id: string;
  readonly Name: string;
  readonly Status: string;
  readonly Labels: Readonly<Record<string, string>> | null;
}

/** What can be done to a pod as a whole. */
export type PodAction = 'start' | 'stop' | 'restart' | 'pause' | 'unpause' | 'kill';

const path = (name: string, action: string): string => `/v4.0.0/libpod/pods/${encodeURIComponent(name)}/${action}`;

/** All pods, also those without containers of their own; none where the engine is not Podman. */
export async function listPods(engine: DockerEngine, signal: AbortSignal | undefined): Promise<readonly Pod[]> {
  if (!engine.isPodman) return [];
  return (await engine.request<Pod[] | null>({ method: 'GET', path: '/v4.0.0/libpod/pods/json' }, signal)) ?? [];
}

/** What the engine knows of a pod. */
export const inspectPod = (engine: DockerEngine, id: string, signal: AbortSignal): Promise<Record<string, unknown>> =>
  engine.request({ method: 'GET', path: path(id, 'json') }, signal);

/** Does it to all containers of the pod; resolves when it is done. Rejects where one of them could not. */
export async function actOnPod(
  engine: DockerEngine,
  id: string,
  action: PodAction,
  signal: AbortSignal,
): Promise<void> {
  await engine.request({ method: 'POST', path: path(id, action) }, signal);
}

/** Removes a pod with its containers, running ones included. */
export async function removePod(engine: DockerEngine, id: string, signal: AbortSignal): Promise<void> {
  const call = {
    method: 'DELETE',
    path: `/v4.0.0/libpod/pods/${encodeURIComponent(id)}`,
    query: { force: 'true' },
  } as const;
  await engine.request(call, signal);
}
