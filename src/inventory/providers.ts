/**
 * Every engine that the tree shows, found anew whenever it is asked: one list of factories, of which each is cheap. The
 * clients load when a branch is opened.
 */
import { discoverEngines } from './docker/discovery';
import { dockerActions } from './docker/actions/all';
import { DockerProvider } from './docker/docker-provider';
import { kubernetesActions } from './kubernetes/actions/all';
import { discoverClusters, KUBECONFIG_SCHEME } from './kubernetes/contexts';
import { KubernetesProvider } from './kubernetes/kubernetes-provider';
import { LIBVIRT_ACTIONS } from './libvirt/action-table';
import { discoverLibvirt } from './libvirt/discovery';
import { isLibvirtUri } from './libvirt/uri';
import type { Action, Provider } from './provider';
import { QEMU_ACTIONS } from './qemu/actions';
import { discoverQemu, QMP_SCHEME } from './qemu/discovery';
import type { MachineFilesHost } from './qemu/provider';

/** What a user's settings say of the engines. */
export interface InventorySettings {
  /**
   * More addresses of engines: with a Docker API `unix:///path`, `tcp://host:port`, `ssh://user@host`; QEMU's monitors
   * `qmp:/path`, `qmp:host:port`; libvirt's URIs `qemu+ssh://user@host/system`; files with clusters
   * `kubeconfig:/path`.
   */
  readonly engines: readonly string[];
  /** Ids of providers that are not to be shown. */
  readonly hidden: readonly string[];
  /** Machine files of the window, some of which may ask for QEMU. */
  readonly files?: MachineFilesHost | undefined;
}

/** Finds the engines of one kind. */
export type ProviderFactory = (
  settings: InventorySettings,
) => Promise<{ readonly providers: readonly Provider[]; readonly problems: readonly string[] }>;

const isQmp = (address: string): boolean => address.startsWith(QMP_SCHEME);
const isKubeconfig = (address: string): boolean => address.startsWith(KUBECONFIG_SCHEME);

const qemu: ProviderFactory = ({ engines, files }) => discoverQemu(engines.filter(isQmp), files);

const libvirt: ProviderFactory = ({ engines }) => Promise.resolve(discoverLibvirt(engines.filter(isLibvirtUri)));

const isOther = (address: string): boolean => isQmp(address) || isKubeconfig(address) || isLibvirtUri(address);

const containerEngines: ProviderFactory = (settings) => {
  const addresses = settings.engines.filter((address) => !isOther(address));
  const { engines, problems } = discoverEngines({ addresses });
  return Promise.resolve({ providers: engines.map((context) => new DockerProvider(context)), problems });
};

const clusters: ProviderFactory = async ({ engines }) => {
  const files = engines.filter(isKubeconfig).map((address) => address.slice(KUBECONFIG_SCHEME.length));
  const found = await discoverClusters({ files });
  return { providers: found.clusters.map((context) => new KubernetesProvider(context)), problems: found.problems };
};

/** The factories, in the order in which the tree shows what they find. */
export const providerFactories: readonly ProviderFactory[] = [qemu, libvirt, containerEngines, clusters];

/** All actions that any provider found here may have, for what package.json says of them. */
export const foundActions: readonly Action[] = [
  ...QEMU_ACTIONS,
  ...LIBVIRT_ACTIONS,
  ...dockerActions,
  ...kubernetesActions,
];

/** Everything found, without what is hidden; `problems` are sentences about files that could not be read. */
export async function findProviders(
  settings: InventorySettings,
): Promise<{ providers: readonly Provider[]; problems: readonly string[] }> {
  const found = await Promise.all(providerFactories.map((factory) => factory(settings)));
  const providers = found.flatMap((one) => one.providers).filter(({ id }) => !settings.hidden.includes(id));
  return { providers, problems: found.flatMap((one) => one.problems) };
}
