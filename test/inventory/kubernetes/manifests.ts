// What the tests of the control plane put into their cluster.

/** The Deployment `web` of two containers, the first with this image. */
export const deployment = (image: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { tier: front } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - { name: main, image: "${image}", ports: [{ containerPort: 8080, name: http }], resources: { limits: { cpu: 250m, memory: 64Mi } } }
        - { name: side, image: side:1 }
`;
/** One object of each kind that the tree's categories show. */
export const REST = `
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: http }] }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings.v1 }
data: { a: "1", b: "2" }
---
apiVersion: v1
kind: Secret
metadata: { name: pass }
stringData: { password: "hunter2" }
---
apiVersion: v1
kind: ResourceQuota
metadata: { name: few }
spec: { hard: { configmaps: "9" } }
---
apiVersion: batch/v1beta1
kind: CronJob
metadata: { name: nightly }
spec: { schedule: "0 3 * * *", jobTemplate: { spec: { template: { spec: { restartPolicy: Never, containers: [{ name: c, image: c:1 }] } } } } }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: boats.lab.example }
spec:
  group: lab.example
  scope: Namespaced
  names: { kind: Boat, plural: boats }
  versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } } }]
---
apiVersion: v1
kind: Namespace
metadata: { name: open }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: see, namespace: open }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view }
subjects: [{ kind: User, name: limited, apiGroup: rbac.authorization.k8s.io }]
`;

/** Rules of the network. */
export const NETWORK = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: wall }
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - { podSelector: { matchLabels: { app: web } }, namespaceSelector: {} }
        - { ipBlock: { cidr: 10.0.0.0/8, except: [10.1.0.0/16] } }
      ports: [{ port: 80, protocol: TCP }, { port: dns, protocol: UDP }]
    - from:
        - podSelector:
            matchExpressions:
              - { key: tier, operator: In, values: [a, b] }
              - { key: old, operator: DoesNotExist }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: door }
spec:
  rules:
    - host: shop.example
      http: { paths: [{ path: /api, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] }
`;

const containers = '[{ name: c, image: "c:1" }]';
const member = (name: string, labels: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: groups, labels: ${labels} }
spec:
  replicas: 2
  selector: { matchLabels: { app: ${name} } }
  template: { metadata: { labels: { app: ${name} } }, spec: { containers: ${containers} } }
`;
/** Three Deployments in the namespace `groups`, which differ in their labels. */
export const group = [
  '{ apiVersion: v1, kind: Namespace, metadata: { name: groups } }',
  member('one', '{ app: one, tier: front }'),
  member('two', '{ app: two, tier: back }'),
  member('three', '{ app: three }'),
].join('\n---\n');

/** A StatefulSet or a DaemonSet, which needs no node for its revisions. */
export const old = (kind: string, image: string): string => `
apiVersion: apps/v1
kind: ${kind}
metadata: { name: old-${kind.toLowerCase()}s }
spec:
  ${kind === 'StatefulSet' ? 'serviceName: old' : ''}
  selector: { matchLabels: { app: old } }
  template: { metadata: { labels: { app: old } }, spec: { containers: [{ name: c, image: "${image}" }] } }
`;
