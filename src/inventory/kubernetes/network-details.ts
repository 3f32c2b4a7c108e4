/** Where traffic goes and whether it may: rules of Ingresses and NetworkPolicies, ports of Services. */
import type {
  V1IngressSpec,
  V1NetworkPolicyPeer,
  V1NetworkPolicyPort,
  V1NetworkPolicySpec,
  V1ServiceSpec,
} from '@kubernetes/client-node';
import type { DetailSection } from '../provider';
import { selectorText } from './kinds';
import type { KubeObject } from './object';

/** The sections of a Service, an Ingress or a NetworkPolicy; none for other kinds. */
export function networkSections(key: string, object: KubeObject): DetailSection[] {
  switch (key) {
    case '/services':
      return [servicePorts(object as KubeObject<V1ServiceSpec>)];
    case 'networking.k8s.io/ingresses':
      return [ingressRules(object as KubeObject<V1IngressSpec>)];
    case 'networking.k8s.io/networkpolicies':
      return policyRules(object as KubeObject<V1NetworkPolicySpec>);
    default:
      return [];
  }
}

const servicePorts = ({ spec }: KubeObject<V1ServiceSpec>): DetailSection => ({
  title: 'Ports',
  columns: ['name', 'port', 'leads to', 'port of the nodes'],
  rows: (spec?.ports ?? []).map(({ name = '', port, protocol = 'TCP', targetPort, nodePort }) => [
    name,
    `${port}/${protocol}`,
    String(targetPort ?? port),
    nodePort === undefined ? '' : String(nodePort),
  ]),
});

function ingressRules({ spec }: KubeObject<V1IngressSpec>): DetailSection {
  const rows = (spec?.rules ?? []).flatMap(({ host = '*', http }) =>
    (http?.paths ?? []).map(({ path = '/', pathType = '', backend }) => {
      const { name = '', port } = backend.service ?? {};
      const resource = backend.resource && `${backend.resource.kind} ${backend.resource.name}`;
      return [host, path, pathType, resource ?? `Service ${name}:${port?.name ?? port?.number ?? ''}`];
    }),
  );
  return { title: 'Rules', columns: ['host', 'path', 'match', 'leads to'], rows };
}

function policyRules({ spec }: KubeObject<V1NetworkPolicySpec>): DetailSection[] {
  const types = spec?.policyTypes ?? ['Ingress'];
  const rows = [
    ...(spec?.ingress ?? []).map(({ _from, ports, ...rest }) => {
      // The API calls it `from`, which the client's types rename.
      const from = (rest as { from?: V1NetworkPolicyPeer[] }).from ?? _from;
      return ['from', peers(from), portsText(ports)];
    }),
    ...(spec?.egress ?? []).map(({ to, ports }) => ['to', peers(to), portsText(ports)]),
  ];
  const closed = types.filter((type) => (type === 'Ingress' ? spec?.ingress : spec?.egress)?.length === undefined);
  return [
    { title: 'Allowed', columns: ['way', 'peer', 'ports'], rows },
    ...(closed.length === 0
      ? []
      : [{ title: 'Forbidden altogether', columns: ['way'], rows: closed.map((type) => [type]) }]),
  ];
}

function peers(list: readonly V1NetworkPolicyPeer[] | undefined): string {
  if (!list || list.length === 0) return 'everybody';
  return list
    .map(({ ipBlock, namespaceSelector, podSelector }) => {
      if (ipBlock) return [ipBlock.cidr, ...(ipBlock.except ?? []).map((one) => `not ${one}`)].join(' ');
      const pods = podSelector ? `pods ${selectorText(podSelector) || 'of any kind'}` : 'pods';
      return namespaceSelector ? `${pods} in namespaces ${selectorText(namespaceSelector) || 'of any kind'}` : pods;
    })
    .join('; ');
}

function portsText(ports: readonly V1NetworkPolicyPort[] | undefined): string {
  if (!ports || ports.length === 0) return 'all';
  return ports
    .map(({ port, endPort, protocol = 'TCP' }) => `${port ?? 'all'}${endPort ? `-${endPort}` : ''}/${protocol}`)
    .join(', ');
}
