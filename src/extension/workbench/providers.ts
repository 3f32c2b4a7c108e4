/** Which engines the tree shows. A provider is made cheaply: its client loads when its branch is opened. */
import * as vscode from 'vscode';
import { discoverEngines } from '../../inventory/docker/discovery';
import { DockerProvider } from '../../inventory/docker/docker-provider';
import { discoverClusters } from '../../inventory/kubernetes/contexts';
import { KubernetesProvider } from '../../inventory/kubernetes/kubernetes-provider';
import { OwnProvider } from '../../inventory/own/provider';
import type { Provider } from '../../inventory/provider';
import { ownHost } from './own/own-host';

/** Our own machines. */
export function ownProvider(context: vscode.ExtensionContext): Provider {
  return new OwnProvider(ownHost(context));
}

/** The engines that this user has: those with a Docker API, and the clusters of kubeconfig. Connects to none. */
export async function discoverProviders(): Promise<readonly Provider[]> {
  const addresses = vscode.workspace.getConfiguration('vmxray').get<readonly string[]>('engines', []);
  const { engines } = discoverEngines({ addresses });
  const { clusters } = await discoverClusters();
  return [
    ...engines.map((engine) => new DockerProvider(engine)),
    ...clusters.map((cluster) => new KubernetesProvider(cluster)),
  ];
}
