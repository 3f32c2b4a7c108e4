/**
 * Every engine that the tree shows, found anew whenever it is asked: one list of factories, of which each is cheap. The
 * clients load when a branch is opened.
 */
import { discoverEngines } from './docker/discovery';
import { dockerActions } from './docker/actions/all';
import { DockerProvider } from './docker/docker-provider';
import { kubernetesActions } from './kubernetes/actions/all';
import { discoverClusters } from './kubernetes/contexts';
import { KubernetesProvider } from './kubernetes/kubernetes-provider';
import type { Action, Provider } from './provider';

/** What a user's settings say of the engines. */
export interface InventorySettings {
  /** More addresses of engines with a Docker API: `unix:///path`, `tcp://host:port`, `ssh://user@host`. */
  readonly engines: readonly string[];
  /** Ids of providers that are not to be shown. */
  readonly hidden: readonly string[];
}

/** Finds the engines of one kind. */
export type ProviderFactory = (
  settings: InventorySettings,
) => Promise<{ readonly providers: readonly Provider[]; readonly problems: readonly string[] }>;

const containerEngines: ProviderFactory = ({ engines: addresses }) => {
  const { engines, problems } = discoverEngines({ addresses });
  return Promise.resolve({ providers: engines.map((context) => new DockerProvider(context)), problems });
};

const clusters: ProviderFactory = async () => {
  const found = await discoverClusters();
  return { providers: found.clusters.map((context) => new KubernetesProvider(context)), problems: found.problems };
};

/** The factories, in the order in which the tree shows what they find. */
export const providerFactories: readonly ProviderFactory[] = [containerEngines, clusters];

/** All actions that any provider found here may have, for what package.json says of them. */
export const foundActions: readonly Action[] = [...dockerActions, ...kubernetesActions];

/** Everything found, without what is hidden; `problems` are sentences about files that could not be read. */
export async function findProviders(
  settings: InventorySettings,
): Promise<{ providers: readonly Provider[]; problems: readonly string[] }> {
  const found = await Promise.all(providerFactories.map((factory) => factory(settings)));
  const providers = found.flatMap((one) => one.providers).filter(({ id }) => !settings.hidden.includes(id));
  return { providers, problems: found.flatMap((one) => one.problems) };
}
