/** Every action of clusters. */
import { unfit } from '../errors';
import type { KubernetesAction } from './action';
import { helmActions } from './helm-actions';
import { kustomizeActions } from './kustomize-actions';
import { portForwardAction } from './port-forward';
import { terminalActions } from './terminals';
import { viewActions } from './view-actions';
import { machineActions } from './virtual-machines';
import { workloadActions } from './workloads';
import { yamlActions } from './yaml';

/** The control plane's own checks, as it reports them. */
const healthAction: KubernetesAction = {
  id: 'health',
  title: 'Show Control Plane Health',
  icon: 'pulse',
  group: 'show',
  on: [],
  execute: async ({ cluster, desk, signal }) => {
    const call = { method: 'GET', path: '/readyz', query: { verbose: 'true' } } as const;
    // A cluster that is not ready answers with an error that lists the same checks.
    const text = await cluster
      .call(signal, (transport) => transport.text(call, signal))
      .catch((error: Error) => {
        if (!error.message.includes('[')) throw unfit(error.message);
        return error.message;
      });
    await desk.openDocument(`Health of ${cluster.context.name}`, 'plaintext', text);
  },
};

/** In the order in which menus show them. */
export const kubernetesActions: readonly KubernetesAction[] = [
  ...machineActions,
  ...workloadActions,
  ...terminalActions,
  portForwardAction,
  ...helmActions,
  ...kustomizeActions,
  ...yamlActions,
  ...viewActions,
  healthAction,
];
