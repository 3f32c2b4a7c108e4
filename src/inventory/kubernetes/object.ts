/** Kubernetes objects as they come over the wire. Source: Kubernetes API conventions. */

/** What every object says of itself. */
export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion?: string;
  /** ISO 8601. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

/** Who made the object, and takes it along when it goes. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** Any object; `Spec` and `Status` are what a reader of its kind looks at. */
export interface KubeObject<Spec = unknown, Status = unknown> {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Metadata;
  readonly spec?: Spec;
  readonly status?: Status;
}

/** A list of objects. */
export interface KubeList<T = KubeObject> {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items: readonly T[];
}

/** One change that a watch tells. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubeObject & { readonly code?: number; readonly message?: string };
}

/** A condition as most objects have it in their status. */
export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

/** A kind of objects that the API server serves. */
export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** In lower case and plural: `deployments`. */
  readonly resource: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
  readonly verbs: readonly string[];
}

/** `/apis/apps/v1/namespaces/default/deployments/web/scale` and its like. */
export function resourcePath(
  { group, version, resource, isNamespaced }: ResourceType,
  namespace: string | undefined,
  name?: string,
  subresource?: string,
): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const place = isNamespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  const rest = [name, subresource].filter((part) => part !== undefined).map(encodeURIComponent);
  return [`${root}${place}/${resource}`, ...rest].join('/');
}

/** `apps/deployments`, `/pods`: what names a type whatever version serves it. */
export const typeKey = ({ group, resource }: Pick<ResourceType, 'group' | 'resource'>): string =>
  `${group}/${resource}`;
