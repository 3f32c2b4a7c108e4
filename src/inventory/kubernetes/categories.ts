/** What lies where under a namespace: kinds of objects by category. */

/** A category: its title, and the kinds that it shows as folders. Workloads are shown by their owners instead. */
export interface Category {
  readonly id: string;
  readonly label: string;
  readonly icon: string;
  readonly keys: readonly string[];
}

/** The kinds whose objects make up the workloads. */
export const WORKLOAD_KEYS = [
  'apps/deployments',
  'apps/statefulsets',
  'apps/daemonsets',
  'batch/cronjobs',
  'batch/jobs',
  'apps/replicasets',
  '/replicationcontrollers',
  '/pods',
] as const;

/** The kinds of KubeVirt's that are machines. Source: KubeVirt's API, group kubevirt.io. */
export const MACHINE_KEYS = ['kubevirt.io/virtualmachines', 'kubevirt.io/virtualmachineinstances'] as const;
/** The kind whose objects are live migrations. */
export const MIGRATION_KEY = 'kubevirt.io/virtualmachineinstancemigrations';

/** The categories under a namespace, in the order in which they are shown. */
export const CATEGORIES: readonly Category[] = [
  { id: 'workloads', label: 'Workloads', icon: 'rocket', keys: WORKLOAD_KEYS },
  { id: 'machines', label: 'Virtual Machines', icon: 'vm', keys: MACHINE_KEYS },
  {
    id: 'network',
    label: 'Network',
    icon: 'plug',
    keys: ['/services', 'networking.k8s.io/ingresses', 'networking.k8s.io/networkpolicies'],
  },
  {
    id: 'configuration',
    label: 'Configuration',
    icon: 'settings',
    keys: [
      '/configmaps',
      '/secrets',
      'autoscaling/horizontalpodautoscalers',
      '/resourcequotas',
      '/limitranges',
      'policy/poddisruptionbudgets',
      '/serviceaccounts',
      'rbac.authorization.k8s.io/roles',
      'rbac.authorization.k8s.io/rolebindings',
    ],
  },
  { id: 'storage', label: 'Storage', icon: 'database', keys: ['/persistentvolumeclaims'] },
  { id: 'custom', label: 'Custom Resources', icon: 'symbol-class', keys: [] },
  { id: 'helm', label: 'Helm Releases', icon: 'archive', keys: [] },
];

// Made by the machine for itself, or shown elsewhere.
const HIDDEN = [
  '/events',
  'events.k8s.io/events',
  '/endpoints',
  'discovery.k8s.io/endpointslices',
  'apps/controllerrevisions',
  'coordination.k8s.io/leases',
  '/podtemplates',
  '/bindings',
];

/** Whether a namespaced kind belongs under Custom Resources: it is neither known nor hidden. */
export const isCustom = (key: string): boolean =>
  !HIDDEN.includes(key) &&
  !/^(metrics\.k8s\.io|extensions)\//.test(key) &&
  !CATEGORIES.some(({ keys }) => keys.includes(key));
